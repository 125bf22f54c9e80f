"""Refuses repeated headers of authentication: of two, each layer might read another one."""

from collections import Counter

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.credentials import SESSION_COOKIE, TOKEN_PROTOCOL
from backend.api.errors import failure, refuse_socket
from backend.api.middleware.browser_cookie import BROWSER_COOKIE
from backend.api.middleware.request_context import named, set_headers
from backend.kit.i18n import _
from backend.kit.observability import log

SINGLE = frozenset({
    b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-site", b"content-type", b"idempotency-key",
    b"if-match",
})  # fmt: skip
_log = log.get(__name__)


class SingleHeaders:
    """Refuses with 400 a request or a websocket that repeats one of these headers, or names two tokens or sessions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = repeated(scope["headers"]) if scope["type"] in ("http", "websocket") else None
        if name is None:
            await self._app(scope, receive, send)
            return
        request_id = named(scope)
        request = Request({**scope, "type": "http", "method": "GET", "state": {"request_id": request_id}})
        message = _("“{header}” is given more than once.").format(header=name)
        response = failure(400, "malformed", message, request)
        _log.info("request", route="repeated header", status=400, request_id=request_id)

        async def send_framed(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                set_headers(message, request_id)
            await send(message)

        if scope["type"] == "websocket":
            await refuse_socket(scope, receive, send_framed, response, message)
        else:
            await response(scope, receive, send_framed)


def repeated(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return the name of a header or cookie that stands more than once and may not; None where all is well."""
    seen: set[bytes] = set()
    tokens = 0
    for name, value in headers:
        if name == b"sec-websocket-protocol":
            tokens += sum(each.strip().startswith(TOKEN_PROTOCOL.encode()) for each in value.split(b","))
        if name not in SINGLE:
            continue
        if name in seen:
            return name.decode().title()
        seen.add(name)
        if name == b"cookie" and (cookie := _repeated_cookie(value)):
            return cookie
    return "Authorization" if tokens + (b"authorization" in seen) > 1 else None


def _repeated_cookie(cookies: bytes) -> str | None:
    """The cookie of ours that has two different values. Readers strip what is a space to Unicode, too."""
    pairs = (each.strip().partition("=") for each in cookies.decode("latin-1").split(";"))
    found = {(name.strip(), value.strip()) for name, _equals, value in pairs}
    counts = Counter(name for name, _value in found)
    return next((name for name in (SESSION_COOKIE, BROWSER_COOKIE) if counts[name] > 1), None)
