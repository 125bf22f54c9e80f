"""Authentication of /ws: a token in the headers, the subprotocol or the first message, or the cookie of our pages."""

from urllib.parse import urlsplit

from fastapi import WebSocket

from backend.api.credentials import Credential, credential_of
from backend.bootstrap import Backend
from backend.errors import NotAllowed
from backend.kit.i18n import _

PROTOCOL = "chapter-performance.v1"


def opening_credential(websocket: WebSocket, backend: Backend) -> Credential | None:
    """Return the credential of the opening request; None if the first message has to bring it.

    Raises NotAllowed for a page of another site, NotSignedIn for a header without a token.
    """
    _refuse_foreign_pages(websocket, backend)
    return credential_of(websocket, backend)


def _refuse_foreign_pages(websocket: WebSocket, backend: Backend) -> None:
    """Refuse pages of other sites: any page may open a websocket, and the browser sends the page's origin."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return
    ours = {websocket.headers.get("host", "").lower()}
    if backend.settings.public_url:
        ours.add(urlsplit(backend.settings.public_url).netloc.lower())
    try:
        theirs = urlsplit(origin).netloc.lower()
    except ValueError:
        theirs = ""
    if not theirs or theirs not in ours:
        raise NotAllowed(_("This request came from another site."))
