"""Headers that stand once: whatever is repeated is refused before any layer reads one of the two."""

import json
import time

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket

from backend.api.middleware.draining import Drain
from backend.api.middleware.single_headers import COOKIE_BYTES, SINGLE, repeated
from backend.api.outer_middleware import outer_middleware
from backend.api.raw_headers import cookie
from backend.config import Settings
from tests.api.raw import UPGRADE, Raw, body_of, head_of, statuses
from tests.api.streaming.listening import ServedApi, whole_api

__all__ = ["whole_api"]

ADDRESSES = (
    ("GET", "/api/v1/chapters"),
    ("GET", "/api/v1/health"),
    ("HEAD", "/api/v1/chapters"),
    ("POST", "/api/v1/auth/login"),
    ("GET", "/api/v1/nowhere"),
    ("GET", "/settings"),
    ("OPTIONS", "/api/v1/chapters"),
)


@pytest.mark.parametrize(
    "header", ["Authorization", "Cookie", "Host", "Origin", "Content-Type", "Idempotency-Key", "If-Match"]
)
def test_a_repeated_header_is_refused_everywhere(whole_api: ServedApi, header: str) -> None:
    """Two of them, alike or not, next to each other or apart, in whatever case: 400 in the usual shape, on any path."""
    raw = Raw(whole_api.port)
    for method, path in ADDRESSES:
        for first, second in (("a", "b"), ("a", "a"), ("", "b"), ("a", "")):
            lines = (f"{header}: {first}", "X-Between: 1", f"{header.upper()}: {second}")
            answer = raw.ask(method, path, lines)
            assert statuses(answer) == [400], (method, path, answer[:300])
            assert len(head_of(answer)["x-request-id"]) >= 8
            assert head_of(answer)["x-content-type-options"] == "nosniff"
            if method != "HEAD" and header != "Host":  # of two Hosts the server itself may think little
                error = json.loads(body_of(answer))["error"]
                assert error["code"] == "malformed"
                assert error["requestId"] == head_of(answer)["x-request-id"]


def test_a_websocket_with_two_tokens_is_refused(whole_api: ServedApi) -> None:
    """The opening is answered 400 as well, with the usual body, and no socket is open."""
    raw = Raw(whole_api.port)
    for header in ("Authorization", "Cookie"):
        answer = raw.ask("GET", "/api/v1/ws", (f"{header}: a", *UPGRADE, f"{header}: b"), closes=False)
        assert statuses(answer) == [400], answer[:300]
        assert json.loads(body_of(answer))["error"]["code"] == "malformed"


@pytest.mark.parametrize(
    ("cookies", "is_refused"),
    [
        (b"session=a; session=b", True),
        (b"browser=x; session=a;session=b", True),
        (b"session=; session=b", True),
        (b"session=a; \xa0session=b", True),
        (b"session=a; session\x1f=b", True),
        (b"browser=a; browser=b", True),
        (b"browser=a; session=c; browser=a", False),
        (b"session=a; session=a", False),
        (b"session=a; browser=session", False),
        (b"sessions=a; session=b; x=session=c", False),
        (b"", False),
    ],
)
def test_two_sessions_are_refused(cookies: bytes, is_refused: bool) -> None:
    """Of two different ones a page and the API might each take another; the name of the browser is one, too."""
    expected = "browser" if cookies.startswith(b"browser=a") else "session"
    assert repeated([(b"cookie", cookies)]) == (expected if is_refused else None)


@pytest.mark.parametrize(
    ("lines", "is_refused"),
    [
        (("Sec-WebSocket-Protocol: chapter-performance.v1, bearer.a, bearer.b",), True),
        (("Sec-WebSocket-Protocol: bearer.a,bearer.a",), True),
        (("Sec-WebSocket-Protocol: bearer.a", "sec-websocket-protocol: chapter-performance.v1, bearer.b"), True),
        (("Authorization: Bearer a", "Sec-WebSocket-Protocol: chapter-performance.v1, bearer.b"), True),
        (("Sec-WebSocket-Protocol: bearer.a", "Authorization: Bearer a"), True),
        (("Sec-WebSocket-Protocol: chapter-performance.v1, bearer.a",), False),
        (("Sec-WebSocket-Protocol: chapter-performance.v1", "Authorization: Bearer a"), False),
    ],
)
def test_two_tokens_open_no_websocket(whole_api: ServedApi, lines: tuple[str, ...], is_refused: bool) -> None:
    """Two subprotocols with tokens, or one beside an Authorization header, are refused like two of those headers."""
    answer = Raw(whole_api.port).ask("GET", "/api/v1/ws", (*UPGRADE, *lines), closes=False)
    assert statuses(answer) == [400 if is_refused else 101], answer[:300]
    if is_refused:
        assert json.loads(body_of(answer))["error"]["code"] == "malformed"


def test_lists_may_be_repeated() -> None:
    """Headers that are lists stand as often as they like."""
    for name in (b"accept", b"x-forwarded-for", b"if-none-match", b"via"):
        assert name not in SINGLE
        assert repeated([(name, b"a"), (name, b"b")]) is None


def opened(app: Starlette, headers: list[tuple[bytes, bytes]]) -> int:
    """The status that the opening of a page's socket is refused with."""
    sent: list[Message] = []

    async def call() -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": "/_stcore/stream",
            "headers": headers,
            "query_string": b"",
            "client": None,
        }
        await app(scope | {"extensions": {"websocket.http.response": {}}, "subprotocols": []}, receive, send)

    anyio.run(call)
    return int(sent[0]["status"])


def test_pages_and_their_sockets_are_behind_it(settings: Settings) -> None:
    """The same layers stand around pages: nothing behind them is asked."""
    asked: list[str] = []

    def page(request: Request) -> PlainTextResponse:
        asked.append(request.url.path)
        return PlainTextResponse("page")

    async def socket(websocket: WebSocket) -> None:
        asked.append("socket")
        await websocket.accept()
        await websocket.close()

    routes = [Route("/", page), WebSocketRoute("/_stcore/stream", socket)]
    app = Starlette(routes=routes, middleware=outer_middleware(settings, Drain()))
    client = TestClient(app, base_url="http://localhost")
    twice = [("Cookie", "session=a"), ("Cookie", "session=b")]
    assert client.get("/", headers=twice).status_code == 400
    assert opened(app, [(b"host", b"localhost"), (b"cookie", b"session=a"), (b"cookie", b"session=b")]) == 400
    assert asked == []
    assert client.get("/", headers=twice[:1]).text == "page"


QUADRATIC = 'session="' + '\\"' * ((COOKIE_BYTES - 10) // 2) + '"'


@pytest.mark.parametrize("cookie", ["a" * (COOKIE_BYTES + 1), QUADRATIC * 2])
def test_cookies_that_are_too_long_are_refused_unread(whole_api: ServedApi, cookie: str) -> None:
    """A Cookie header above the limit is 431 on any path; what reads the opening of a websocket takes even less."""
    raw = Raw(whole_api.port)
    for method, path in ADDRESSES:
        answer = raw.ask(method, path, (f"Cookie: {cookie}",))
        assert statuses(answer) == [431], (method, path, answer[:300])
    answer = raw.ask("GET", "/api/v1/ws", (f"Cookie: {cookie}", *UPGRADE), closes=False)
    assert statuses(answer) == [400], answer[:300]


def test_cookies_are_read_in_a_time_that_grows_with_their_length() -> None:
    """Quotes and backslashes are no more work than letters: as they stand they are what two layers compare."""
    scope = {"headers": [(b"cookie", QUADRATIC.encode())]}
    began = time.process_time()
    for _turn in range(20):
        assert cookie(scope, "session") == QUADRATIC.removeprefix("session=")
        assert repeated(scope["headers"]) is None
    assert time.process_time() - began < 0.5
