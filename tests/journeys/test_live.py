"""A change travels by push: to the teacher's open page and the student's other tab, without reload or jump."""

import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from backend.kit.embedded import Servers
from backend.progress.models import ProgressChange
from tests.journeys.running import Visitors, start_app, stop_app
from tests.journeys.school import ServedSchool

SOON_MS = 3000
STREAM = "/api/v1/events"


def listening(page: Page, path: str, served: ServedSchool) -> None:
    """Open a path of the app and wait until its stream is open."""
    with page.expect_response(lambda answer: STREAM in answer.url) as answer:
        page.goto(served.app.url + path)
    assert answer.value.status == 200
    page.get_by_role("heading", level=1).wait_for()


def row_of(page: Page, name: str) -> Locator:
    """The row of a learner in the table of all."""
    return page.get_by_role("row").filter(has_text=name).last


def count_runs(page: Page) -> None:
    """Count from now on what the page redraws because of news."""
    page.evaluate(
        """() => {
          window.redrawn = 0;
          const part = document.querySelector('.cp-live').cpPart, send = Object.getPrototypeOf(part).fire;
          Object.getPrototypeOf(part).fire = function () { window.redrawn += 1; return send.call(this); };
        }"""
    )


def test_the_class_page_shows_a_save_by_push(served: ServedSchool, visitors: Visitors) -> None:
    """A student's +5 stands on her teacher's open class page within 3 s; nothing reloads, nothing scrolls."""
    person = served.teacher()
    classroom = served.classroom(person)
    names = [f"Learner {letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
    learners = [served.student(classroom, name) for name in names]
    page = served.visit(visitors, person.email).page
    listening(page, "/classroom", served)
    row = row_of(page, names[-1])
    expect(row).to_contain_text("0/101")
    page.evaluate("window.unbroken = true")
    row.scroll_into_view_if_needed()
    page.get_by_role("button", name=f"Open {names[-1]}").last.focus()
    top = row.bounding_box()

    student = served.visit(visitors, learners[-1].email).open("/chapters")
    student.get_by_role("button", name="+5", exact=False).first.click()
    expect(row.get_by_role("cell").nth(1)).to_have_text("5", timeout=SOON_MS)
    assert page.evaluate("window.unbroken") is True
    assert row.bounding_box() == top
    assert page.evaluate("document.activeElement.textContent") == names[-1]


def test_the_other_tab_of_the_student_follows(served: ServedSchool, visitors: Visitors) -> None:
    """What she saves in one tab stands in the other within 3 s, and what she is typing there stays."""
    student = served.visit(visitors, served.lone_student().email)
    first = student.open("/chapters")
    second = student.context.new_page()
    listening(second, "/chapters", served)
    fields = second.get_by_role("textbox", name="Questions solved of")
    fields.nth(1).fill("7")
    first.get_by_role("button", name="+5", exact=False).first.click()
    expect(fields.first).to_have_value("5", timeout=SOON_MS)
    expect(fields.nth(1)).to_have_value("7")
    expect(fields.nth(1)).to_be_focused()


def test_her_own_save_is_no_news_to_the_tab_that_made_it(served: ServedSchool, visitors: Visitors) -> None:
    """A save redraws its own page once, by its answer: the push of it changes nothing there."""
    page = served.visit(visitors, served.lone_student().email).page
    listening(page, "/chapters", served)
    runs: list[str] = []
    page.on("websocket", lambda _socket: runs.append("socket"))
    sent = page.evaluate_handle(
        """() => {
          const part = document.querySelector('.cp-live').cpPart, send = part.send, counted = { news: 0 };
          Object.defineProperty(part, 'send', { set() {}, get: () => () => { counted.news += 1; return send(); } });
          return counted;
        }"""
    )
    page.get_by_role("button", name="+5", exact=False).first.click()
    expect(page.get_by_text("Saved").first).to_be_visible()
    page.wait_for_timeout(1500)  # twice the pace: news would have been told by then
    assert sent.evaluate("counted => counted.news") == 0
