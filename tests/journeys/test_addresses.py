"""Addresses that are nobody's: a page of ours with a way home, and the API's shape below the API."""

import json
import re
import socket
from http.client import HTTPResponse

import pytest
from playwright.sync_api import expect

from tests.journeys.running import Visitors
from tests.journeys.school import ServedSchool

UNKNOWN = (
    "/nope", "/settings/more", "/Settings", "/%00", "/..%2f..%2fetc/passwd", "/a%5c..%5cb", "//host/x", "/%ff",
    "/%2e%2e/x", "/" + "a" * 9000, "/index.html", "/static/none.js", "/static/", "/static/../index.html", "/assets/%00",
    "/assets/none.js", "/app/static/none.svg", "/app/static/%00", "/component/a/b", "/api/v1x", "/sitemap.xml",
    "/_stcore/metrics", "/_stcore/metrics?families=x", "/_stcore/agent/mcp", "/_stcore/agent/openapi.json",
    "/_stcore/script-health-check", "/_stcore/none", "/settings/_stcore/health", "/_stcore/bidi-components/x/y",
    "/auth/login", "/auth/logout", "/oauth2callback", "/media/abc", "/media/../x",
)  # fmt: skip
OF_API = (
    "/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/%00", "/api/v1/..%2f..%2fx", "/api/v1/a%5cb", "/api/v1/../x",
    "/api/v1//host", "/api/v1/chapters/%2e%2e", "/api/v1/chapters/%00", "/api/v1/%5c%5chost%5cx", "/api/v1/C:%5cx",
    "/api/v1/chapters/" + "a" * 20_000, "/api/v1/chapters/%ff%fe",
)  # fmt: skip


def asked(served: ServedSchool, path: str, method: str = "GET", accept: str = "text/html") -> tuple[HTTPResponse, str]:
    """The answer to a path that no client tidies first."""
    host = served.app.url.removeprefix("http://")
    name, _colon, port = host.partition(":")
    with socket.create_connection((name, int(port)), 20) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        return answer, answer.read().decode()


def test_an_unknown_address_is_a_page_with_a_way_home(served: ServedSchool) -> None:
    """Status 4xx, a title, one link home and the request's id, for each kind of address and each kind of caller."""
    for path in UNKNOWN:
        answer, text = asked(served, path)
        assert answer.status in (400, 401, 404), path
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8", path
        assert re.search(r"<title>[^<]+ · Chapter Performance</title>", text), path
        assert '<a href="/">' in text, path
        assert answer.headers["X-Request-Id"] in text, path
        plain, words = asked(served, path, accept="*/*")
        assert plain.headers["Content-Type"].startswith("text/plain"), path
        assert plain.headers["X-Request-Id"] and "<" not in words, path


@pytest.mark.parametrize("path", OF_API)
def test_below_the_api_every_refusal_has_the_apis_shape(served: ServedSchool, path: str) -> None:
    """JSON with code, sentence and the request's id, whoever refuses."""
    answer, text = asked(served, path)
    error = json.loads(text)["error"]
    assert answer.status in (400, 404, 414, 429), path  # 429: another test of this address was quick
    assert error["requestId"] == answer.headers["X-Request-Id"]
    assert error["message"].endswith(".")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_pages_are_only_read(served: ServedSchool, method: str) -> None:
    """Every other method is 405, and says what is taken."""
    for path in ("/", "/settings", "/_stcore/health", "/assets/style.css"):
        answer, _text = asked(served, path, method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD"), path


@pytest.mark.parametrize("email", ["", "student1@demo.school", "admin@demo.school"])
def test_a_person_finds_home_again(served: ServedSchool, visitors: Visitors, email: str) -> None:
    """Guests and signed-in people see the same page, and its link leads to theirs."""
    visitor = served.visit(visitors, email) if email else visitors(served.app)
    page = visitor.page
    page.goto(served.app.url + "/chapterz")
    assert page.title() == "Page not found · Chapter Performance"
    expect(page.get_by_role("heading", level=1, name="Page not found")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Go to the start page").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Page not found")
    expect(page.get_by_text("Sign out" if email else "Sign in").first).to_be_attached()
