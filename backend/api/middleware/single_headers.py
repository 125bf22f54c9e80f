"""Refuses repeated headers of authentication, of which each layer might read another one, and too long cookies."""

from collections import Counter

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.credentials import SESSION_COOKIE, TOKEN_PROTOCOL
from backend.api.errors import failure, refuse_socket
from backend.api.middleware.browser_cookie import BROWSER_COOKIE
from backend.api.middleware.request_context import named, set_headers
from backend.api.raw_headers import cookies, header
from backend.kit.i18n import _
from backend.kit.observability import log

SINGLE = frozenset({
    b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-site", b"content-type", b"idempotency-key",
    b"if-match",
})  # fmt: skip
COOKIE_BYTES = 16 * 1024  # the pages' framework reads them in a time that grows with the square of this
_log = log.get(__name__)


class SingleHeaders:
    """Refuses a request or a websocket that repeats one of these headers or names two tokens or sessions (400).

    Cookies that are too long are refused with 431.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, code, message = refusal
        request_id = named(scope)
        request = Request({**scope, "type": "http", "method": "GET", "state": {"request_id": request_id}})
        response = failure(status, code, message, request)
        _log.info("request", route="refused headers", status=status, request_id=request_id)

        async def send_framed(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                set_headers(message, request_id)
            await send(message)

        if scope["type"] == "websocket":
            await refuse_socket(scope, receive, send_framed, response, message)
        else:
            await response(scope, receive, send_framed)


def _refusal(scope: Scope) -> tuple[int, str, str] | None:
    """Return the status, code and sentence of a request that is refused; None where all is well."""
    if len(header(scope, b"cookie")) > COOKIE_BYTES:
        return 431, "too_large", _("The headers are too large.")
    name = repeated(scope["headers"])
    return (400, "malformed", _("“{header}” is given more than once.").format(header=name)) if name else None


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
    if tokens + (b"authorization" in seen) > 1:
        return "Authorization"
    return _repeated_cookie(headers) if b"cookie" in seen else None


def _repeated_cookie(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The cookie of ours that has two different values."""
    counts = Counter(name for name, _value in set(cookies({"headers": headers})))
    return next((name for name in (SESSION_COOKIE, BROWSER_COOKIE) if counts[name] > 1), None)
