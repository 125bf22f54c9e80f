"""The content policy in a real browser: what got into a page by mistake does not run and fetches nothing."""

from urllib.parse import urlsplit

from tests.api.raw import UPGRADE, Raw, body_of, endless_message, head_of, statuses
from tests.journeys.running import Visitors
from tests.journeys.school import ServedSchool

INJECT = """([kind, code]) => {
  const made = document.createElement(kind === 'script' ? 'script' : 'img');
  if (kind === 'script') made.textContent = code; else { made.setAttribute('onerror', code); made.src = '/none.png'; }
  document.body.append(made);
  return new Promise((done) => setTimeout(() => done(window.hurt ?? null), 700));
}"""
FRAME = """(address) => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.src = address;
  document.body.append(frame);
  setTimeout(() => {
    let text = '';
    try { text = frame.contentDocument?.body?.innerText ?? ''; } catch {}
    done(text);
  }, 700);
})"""


def test_injected_code_does_not_run(served: ServedSchool, visitors: Visitors) -> None:
    """An inline script and an event handler that reached the page are stopped by the policy, and the page says so."""
    student = served.visit(visitors, "student1@demo.school")
    page = student.open("/")
    for kind in ("script", "img"):
        assert page.evaluate(INJECT, [kind, "window.hurt = 'yes'"]) is None
    assert len(student.errors) == 2
    student.errors.clear()


def test_no_page_is_framed(served: ServedSchool, visitors: Visitors) -> None:
    """Not even by a page of the same server, so that no click can be stolen."""
    student = served.visit(visitors, "student1@demo.school")
    page = student.open("/")
    assert page.evaluate(FRAME, "/settings") == ""
    assert student.errors
    student.errors.clear()


def test_every_kind_of_answer_has_the_headers(served: ServedSchool, visitors: Visitors) -> None:
    """Pages, assets, the server's own paths and the API say nosniff and may not be framed."""
    context = visitors(served.app).context
    for path in ("/", "/settings", "/assets/style.css", "/_stcore/health", "/none.png", "/api/v1/health/live"):
        answer = context.request.get(served.app.url + path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path


def test_head_of_pages_and_files_is_get_without_a_body(served: ServedSchool) -> None:
    """Pages, assets, what is not there: the same status, type, length and tag, and the next request is answered."""
    raw = Raw(urlsplit(served.app.url).port or 0)
    behind = b"GET /_stcore/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for path in ("/", "/settings", "/chapters", "/assets/style.css", "/_stcore/health", "/none.png", "/nowhere"):
        head, got = (
            raw.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n".encode() + behind)
            for method in ("HEAD", "GET")
        )
        assert statuses(head) == statuses(got), path
        assert body_of(head).startswith(b"HTTP/1.1 200"), (path, head[:300])
        for name in ("content-type", "content-length", "etag", "cache-control"):
            assert head_of(head).get(name) == head_of(got).get(name), (path, name)


def test_a_page_asked_with_two_sessions_is_refused(served: ServedSchool) -> None:
    """Also its socket, and its files: 400 in the API's shape, before anything behind is asked."""
    raw = Raw(urlsplit(served.app.url).port or 0)
    for path, more in (("/", ()), ("/assets/style.css", ()), ("/_stcore/stream", UPGRADE)):
        for lines in (("Cookie: session=a", "Cookie: session=b"), ("Cookie: session=a; session=b",)):
            answer = raw.ask("GET", path, [*lines, *more], closes=not more)
            assert statuses(answer) == [400], (path, answer[:300])
            assert b'"code": "malformed"' in answer


def test_a_page_takes_no_message_without_end(served: ServedSchool) -> None:
    """Nobody in particular may open the socket of a page: it holds no more of a message than 1 MB."""
    large = 15_000_000  # more than the buffers of two sockets hold
    assert endless_message(Raw(urlsplit(served.app.url).port or 0), "/_stcore/stream", large) < large
