"""Authentication of requests: the only place that reads credentials, for limits, routes, streams and sockets.

A request has one credential: the Authorization header, else the subprotocol of a websocket, else the session cookie
where cookies are accepted. Nothing is remembered from one request to the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anyio import to_thread
from starlette.requests import HTTPConnection

from backend.accounts.models import Viewer
from backend.api.raw_headers import cookie
from backend.bootstrap import Backend
from backend.errors import AppError, NotSignedIn
from backend.kit.cache.waiting import WouldWait, without_waiting
from backend.kit.i18n import _

SESSION_COOKIE = "session"
TOKEN_PROTOCOL = "bearer."  # noqa: S105  (what stands before a token, not one)


@dataclass(frozen=True)
class Credential:
    """The caller's credential. A browser sends a cookie by itself, so a cookie allows reads and never writes.

    `viewer` asks anew at each call: the token may have expired by then, the session may have ended.
    It raises NotSignedIn.
    """

    viewer: Callable[[], Viewer]
    may_write: bool


@dataclass(frozen=True)
class Caller:
    """The viewer of a request (None without a credential), or the error of an invalid credential."""

    viewer: Viewer | None = None
    error: AppError | None = None

    def checked(self) -> Viewer | None:
        """Return the viewer. Raises the error, if there is one."""
        if self.error:
            raise self.error
        return self.viewer


def credential_of(connection: HTTPConnection, backend: Backend) -> Credential | None:
    """Return the credential of a request or of the opening of a websocket, not yet verified; None without one.

    Raises NotSignedIn for an Authorization that is no access token.
    """
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        token = bearer_of(authorization)
        if not token:
            raise NotSignedIn(_("Send the access token as “Authorization: Bearer …”."))
        return by_token(backend, token)
    is_websocket = connection.scope["type"] == "websocket"
    for offered in protocols(connection) if is_websocket else ():
        if offered.startswith(TOKEN_PROTOCOL):
            return by_token(backend, offered.removeprefix(TOKEN_PROTOCOL))
    session = cookie(connection.scope, SESSION_COOKIE)
    if not session or not (_is_own_page(connection) if is_websocket else _is_own_read(connection)):
        return None
    return Credential(lambda: backend.sign_in.viewer(session), may_write=False)


def bearer_of(authorization: str) -> str:
    """Return the token of an Authorization header; "" for another scheme."""
    scheme, _space, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def by_token(backend: Backend, token: str) -> Credential:
    """Return the credential of an access token, not yet verified."""
    return Credential(lambda: backend.sign_in.viewer_of_access_token(token), may_write=True)


def protocols(connection: HTTPConnection) -> Sequence[str]:
    """Return the subprotocols that the client of a websocket offers."""
    offered: Sequence[str] = connection.scope.get("subprotocols") or ()
    return offered


def current_viewer(connection: HTTPConnection, backend: Backend) -> Viewer | None:
    """Return who the request speaks for at this moment; None for nobody, which a cookie that is over is too.

    Raises NotSignedIn for a token that is given but not valid.
    """
    credential = credential_of(connection, backend)
    if credential is None:
        return None
    try:
        return credential.viewer()
    except NotSignedIn:
        if credential.may_write:
            raise
        return None


def is_still(viewer: Viewer, find: Callable[[], Viewer | None]) -> bool:
    """Whether `find` gives this viewer from what the process holds; False too where a server would have to be asked."""
    try:
        with without_waiting():
            return find() == viewer
    except (AppError, WouldWait):
        return False


def known_caller(connection: HTTPConnection) -> Caller | None:
    """Return the caller of this request if it is known already."""
    caller: Caller | None = connection.scope.get("state", {}).get("caller")
    return caller


def caller_of(connection: HTTPConnection, backend: Backend) -> Caller:
    """Return who makes this request: found once, and kept in its own state for all that ask. May wait for servers."""
    caller = known_caller(connection)
    if caller is None:
        try:
            caller = Caller(current_viewer(connection, backend))
        except AppError as error:
            caller = Caller(error=error)
        connection.state.caller = caller
    return caller


async def find_caller(connection: HTTPConnection, backend: Backend) -> Caller:
    """Return the same; on a thread only where a server has to be asked."""
    try:
        with without_waiting():
            return caller_of(connection, backend)
    except WouldWait:
        return await to_thread.run_sync(caller_of, connection, backend)


def _is_own_read(connection: HTTPConnection) -> bool:
    """Whether a request with a cookie only reads, for a page of this address."""
    site = connection.headers.get("sec-fetch-site", "same-origin")
    return connection.scope["method"] == "GET" and site in ("same-origin", "none")


def _is_own_page(connection: HTTPConnection) -> bool:
    """Whether a browser opens the websocket; that its page is ours was checked (security.py, socket_sign_in.py)."""
    return bool(connection.headers.get("origin"))
