"""Who may open /ws: by a token in the headers, the subprotocol or the first message, or by the cookie of our pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import WebSocket

from backend.accounts.models import Viewer
from backend.api.deps import SESSION_COOKIE
from backend.bootstrap import Backend
from backend.errors import NotAllowed, NotSignedIn
from backend.kit.i18n import _

PROTOCOL = "chapter-performance.v1"
TOKEN_PROTOCOL = "bearer."  # noqa: S105  (what stands before a token, not one)


@dataclass(frozen=True)
class Credential:
    """How the caller showed who she is. A cookie is sent by the browser itself, so it listens and never writes."""

    viewer: Callable[[], Viewer]
    may_write: bool


def by_token(backend: Backend, token: str) -> Credential:
    """The credential of an access token, not yet looked at."""
    return Credential(lambda: backend.accounts.viewer_of_access_token(token), may_write=True)


def protocols(websocket: WebSocket) -> Sequence[str]:
    """The subprotocols that the client offers."""
    offered: Sequence[str] = websocket.scope.get("subprotocols") or ()
    return offered


def credential_of(websocket: WebSocket, backend: Backend) -> Credential | None:
    """What the opening request says of the caller; None where the first message has to.

    Raises NotAllowed for a page of another site, NotSignedIn for a header that is no token.
    """
    _refuse_foreign_pages(websocket, backend)
    scheme, _space, token = websocket.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn(_("Send the access token as “Authorization: Bearer …”."))
        return by_token(backend, token.strip())
    for offered in protocols(websocket):
        if offered.startswith(TOKEN_PROTOCOL):
            return by_token(backend, offered.removeprefix(TOKEN_PROTOCOL))
    cookie = websocket.cookies.get(SESSION_COOKIE)
    if cookie and websocket.headers.get("origin"):
        return Credential(lambda: backend.accounts.viewer(cookie), may_write=False)
    return None


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
