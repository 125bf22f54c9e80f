"""Who may open /ws: by a token in the headers, the subprotocol or the first message, or by the cookie of our pages."""

from urllib.parse import urlsplit

from fastapi import WebSocket

from backend.api.credentials import Credential, credential_of
from backend.bootstrap import Backend
from backend.errors import NotAllowed
from backend.kit.i18n import _

PROTOCOL = "chapter-performance.v1"


def opening_credential(websocket: WebSocket, backend: Backend) -> Credential | None:
    """What the opening request says of the caller; None where the first message has to.

    Raises NotAllowed for a page of another site, NotSignedIn for a header that is no token.
    """
    _refuse_foreign_pages(websocket, backend)
    return credential_of(websocket, backend)


def _refuse_foreign_pages(websocket: WebSocket, backend: Backend) -> None:
    """A browser names the page's origin on every websocket, and any page may open one: only ours is let in."""
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
