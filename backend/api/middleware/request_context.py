"""The outermost layer of each API request: its id, its safe headers, its log line and its time."""

import re
import secrets
from time import perf_counter

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import unforeseen
from backend.api.middleware.browser_cookie import BROWSER_COOKIE
from backend.api.raw_headers import cookie, header
from backend.bootstrap import Backend
from backend.kit import staleness
from backend.kit.observability import log, tracing
from backend.kit.observability.metrics import REQUESTS
from backend.kit.origin import Origin, come_from

SERVER_ERROR = 500
REFUSED = 400
SLOW_SECONDS = 1.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_log = log.get(__name__)
_SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class RequestContextMiddleware:
    """Gives each request an id, times it, sets common headers, and turns any exception into a response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = named(scope)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        if scope["type"] == "websocket":
            with log.about(request_id=request_id, viewer_id=None):
                await self._app(scope, receive, send)
            return
        staleness.forget()
        started, status, ended = perf_counter(), 0, None

        async def send_framed(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                set_headers(message, request_id)
                if _is_stream(message):  # it may go on for hours: what counts is how soon it began
                    ended = perf_counter()
                    if span is not None:
                        span.tell(_route(scope))
                        span.end()
            await send(message)

        come_from(lambda: _origin(scope, request_id))
        with (
            log.about(request_id=request_id, viewer_id=None),
            tracing.root(scope["method"], **{"request.id": request_id}) as span,
        ):
            try:
                await self._app(scope, receive, send_framed)
            except Exception as error:  # noqa: BLE001  (the last handler of the door: logs it, and answers 500)
                response = unforeseen(Request(scope), error)
                if not status:
                    await response(scope, receive, send_framed)
                status = SERVER_ERROR
            finally:
                seconds = (ended or perf_counter()) - started
                _observe(scope, seconds, status)
                _write(scope, seconds, status)
                if span is not None:
                    span.tell(_route(scope), **{"http.response.status_code": status})
                    span.end(failed=status >= SERVER_ERROR)


def named(scope: Scope) -> str:
    """The caller's own id where it is a plain one, so that a request can be followed through several systems."""
    given = header(scope, b"x-request-id").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _origin(scope: Scope, request_id: str) -> Origin:
    client = scope.get("client") or ("", 0)
    agent = header(scope, b"user-agent").decode("latin-1")
    return Origin(address=client[0], agent=agent, request_id=request_id, browser=cookie(scope, BROWSER_COOKIE))


def set_headers(message: Message, request_id: str) -> None:
    """Set the request's id, and the safe headers where the route set none."""
    headers = message["headers"]
    present = {name.lower() for name, _value in headers}
    own = [each for each in _SAFE_HEADERS if each[0] not in present]
    message["headers"] = [*headers, *own, (b"x-request-id", request_id.encode())]


def _is_stream(message: Message) -> bool:
    return header(message, b"content-type").startswith(b"text/event-stream")


def _observe(scope: Scope, seconds: float, status: int) -> None:
    backend: Backend | None = getattr(scope["app"].state, "backend", None)
    if backend is not None:
        template = getattr(scope.get("route"), "path", "other")
        failed = not status or status >= SERVER_ERROR
        backend.metrics.observe(REQUESTS, f"{scope['method']} {template}", seconds, failed=failed)


def _write(scope: Scope, seconds: float, status: int) -> None:
    """Log writes, refusals and slow requests; others at DEBUG. Never the content of a request."""
    is_quiet = scope["method"] == "GET" and status < REFUSED and seconds < SLOW_SECONDS
    write = _log.debug if is_quiet else _log.info
    write("request", route=_route(scope), status=status, seconds=round(seconds, 4))


def _route(scope: Scope) -> str:
    return f"{scope['method']} {getattr(scope.get('route'), 'path', 'other')}"
