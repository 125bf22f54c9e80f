"""The content policy in a real browser: what got into a page by mistake does not run and fetches nothing."""

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
