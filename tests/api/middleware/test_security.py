"""The shield around pages and API: for which hosts it answers, whose writes it takes, the headers of every answer."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from backend.api.middleware.security import SecurityHeaders, answers_to_localhost_alone, content_policy
from backend.config import Settings

INDEX = "<html><script>window.x = 1</script><script src='a.js'></script></html>"
SOCKET = "ws://learn.school/_stcore/stream"
SECRET = SecretStr("0123456789 in production abcdefgh")


def answered(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here", headers={"Referrer-Policy": "own"})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("open")
    await websocket.close()


def shielded(base_url: str = "http://learn.school", **settings: Any) -> TestClient:
    """A client of a small app behind the shield."""
    paths = ("/", "/api/v1x", "/api/v1/chapters", "/api/v1/health/live", "/_stcore/upload_file/1/2")
    routes: list[Any] = [Route(path, answered, methods=["GET", "POST", "PUT"]) for path in paths]
    around = Middleware(SecurityHeaders, settings=Settings(**settings), index_html=INDEX)
    app = Starlette(routes=[*routes, WebSocketRoute("/_stcore/stream", socket)], middleware=[around])
    return TestClient(app, base_url=base_url)


@pytest.fixture
def anywhere() -> Iterator[TestClient]:
    yield shielded()


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://learn.school.evil.example"},
    {"Origin": "http://learn.school:81"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://learn.school"},
]
OWN: list[dict[str, str]] = [
    {},
    {"Origin": "http://learn.school"},
    {"Origin": "http://LEARN.school", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_site_writes_nothing_here(anywhere: TestClient, headers: dict[str, str]) -> None:
    """Whatever it writes to, pages' uploads included, is refused before anything of the app runs."""
    for method, path in (("POST", "/api/v1/chapters"), ("PUT", "/_stcore/upload_file/1/2"), ("POST", "/")):
        assert anywhere.request(method, path, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", OWN)
def test_own_pages_and_programs_write(anywhere: TestClient, headers: dict[str, str]) -> None:
    """The school's own pages, and programs, which say nothing of where they come from, are served."""
    assert anywhere.post("/api/v1/chapters", headers=headers).status_code == 200


def test_links_from_elsewhere_are_followed(anywhere: TestClient) -> None:
    """Reading is not refused: a link in a mail or on another page opens the school."""
    assert anywhere.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_site_opens_no_socket(anywhere: TestClient, headers: dict[str, str]) -> None:
    """Pages live on a websocket that carries the session cookie: none but one's own page opens it."""
    with (
        pytest.raises(WebSocketDisconnect),
        anywhere.websocket_connect(SOCKET, headers=headers),
    ):
        pytest.fail("the socket was opened")


def test_own_pages_open_a_socket(anywhere: TestClient) -> None:
    """With the origin of the school the socket opens."""
    with anywhere.websocket_connect(SOCKET, headers={"Origin": "http://learn.school"}) as opened:
        assert opened.receive_text() == "open"


def test_the_public_address_counts_as_own_behind_a_proxy() -> None:
    """A proxy that asks under another Host does not make the school's own pages foreign."""
    client = shielded("http://web:8501", public_url="https://learn.school.example")
    assert client.post("/", headers={"Origin": "https://learn.school.example"}).status_code == 200
    assert client.post("/", headers={"Origin": "https://other.example"}).status_code == 403


@pytest.mark.parametrize("host", ["", "a/b", "a b", "evil.example:http", "a,b", "a@b", "[::1", "x" * 300, "é"])
def test_a_malformed_host_is_refused(anywhere: TestClient, host: str) -> None:
    """Nothing is ever made of a Host header that names no host."""
    assert anywhere.get("/", headers={b"Host": host.encode()}).status_code == 400


def test_a_request_without_a_host_is_refused(anywhere: TestClient) -> None:
    """Two of them are refused before (test_single_headers.py)."""
    assert status_of(anywhere, []) == 400


def status_of(client: TestClient, headers: list[tuple[bytes, bytes]]) -> int:
    """The status for exactly these headers."""
    sent: list[Any] = []

    async def call() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""}
        await client.app(scope, receive, send)

    asyncio.run(call())
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "anything.example", 200),
        ({"allowed_hosts": "learn.school, *.district.example"}, "learn.school:8501", 200),
        ({"allowed_hosts": "learn.school, *.district.example"}, "a.DISTRICT.example", 200),
        ({"allowed_hosts": "learn.school, *.district.example"}, "evil-district.example", 400),
        ({"allowed_hosts": "learn.school"}, "127.0.0.1", 400),
        ({"environment": "production", "public_url": "https://learn.school"}, "learn.school", 200),
        ({"environment": "production", "public_url": "https://learn.school"}, "[::1]:8501", 200),
        ({"environment": "production", "public_url": "https://learn.school"}, "evil.example", 400),
        ({"environment": "production"}, "evil.example", 400),
    ],
)
def test_it_answers_under_its_own_names(settings: dict[str, str], host: str, status: int) -> None:
    """Any name in development; in production the public one and localhost; those of ALLOWED_HOSTS where it is set."""
    client = shielded(**settings, jwt_secret=SECRET)
    assert client.get("/", headers={"Host": host}).status_code == status
    assert client.get("/api/v1/health/live", headers={"Host": host}).status_code == 200


def test_a_production_start_without_a_name_says_so() -> None:
    """It answers localhost alone, and that is known at the start."""
    assert answers_to_localhost_alone(Settings(environment="production"))
    assert not answers_to_localhost_alone(Settings(environment="production", public_url="https://learn.school"))
    assert not answers_to_localhost_alone(Settings())


def test_every_answer_of_a_page_carries_the_headers(anywhere: TestClient) -> None:
    """Policy, no sniffing, no framing, no referrer to others, no features; what a route sets itself stands once."""
    headers = anywhere.get("/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers.get_list("Referrer-Policy") == ["own"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(headers["Permissions-Policy"].split(", "))
    assert "strict-transport-security" not in headers
    refused = anywhere.post("/", headers=FOREIGN[0])
    assert refused.headers["Content-Security-Policy"] == headers["Content-Security-Policy"]


def test_https_is_remembered() -> None:
    """With an https address browsers are told to come by it alone, pages and API."""
    client = shielded(public_url="https://learn.school")
    for path in ("/", "/api/v1/chapters"):
        assert client.get(path).headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "upgrade-insecure-requests" in client.get("/").headers["Content-Security-Policy"]


def test_the_policy_names_inline_scripts_by_their_hash() -> None:
    """No script runs that is neither a file of this server nor known by its content; nothing may frame the pages."""
    policy = dict(part.split(" ", 1) for part in content_policy(INDEX, is_https=False).split("; "))
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"].startswith("'self' blob: 'sha256-")
    assert "unsafe" not in policy["script-src"]
    assert policy["connect-src"] == policy["form-action"] == "'self'"


@pytest.mark.parametrize("path", ["/", "/api/v1x"])
def test_every_address_beside_the_api_has_the_policy_of_pages(anywhere: TestClient, path: str) -> None:
    """Also one whose name only begins like the API's."""
    assert anywhere.get(path).headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in anywhere.get(path).headers["Content-Security-Policy"]
