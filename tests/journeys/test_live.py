"""A change travels by push: to the teacher's open page and the student's other tab, without reload or jump."""

import http.client
import json
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from backend.kit.embedded import Servers
from backend.progress.models import ProgressChange
from tests.journeys.running import Visitors, start_app, stop_app
from tests.journeys.school import ServedSchool
from tests.waiting import until

SOON_MS = 3000
POLL_MS = 25_000
CUT_MS = 6000
STOP_SECONDS = 10.0
STREAM = "/api/v1/events"


def listening(page: Page, path: str, served: ServedSchool) -> None:
    """Open a path of the app and wait until its stream is open."""
    with page.expect_response(lambda answer: STREAM in answer.url) as answer:
        page.goto(served.app.url + path)
    assert answer.value.status == 200
    page.get_by_role("heading", level=1).wait_for()


def runs(served: ServedSchool) -> dict[str, int]:
    """How often the app drew pages and parts since its start: its status is made anew every 3 s."""
    asked_at = datetime.now(UTC)
    timings: list[dict[str, Any]] = []

    def is_new() -> bool:
        with urllib.request.urlopen(f"{served.app.url}/api/v1/health") as answer:  # noqa: S310  (own app)
            status = json.load(answer)["data"]
        timings[:] = status["timings"]
        return datetime.fromisoformat(status["asOf"]) > asked_at

    until(is_new, seconds=30)
    return {each["kind"]: each["count"] for each in timings}


def learner_row(page: Page, name: str) -> Locator:
    """The row of a learner in the table of all."""
    return page.get_by_role("row").filter(has_text=name).last


def test_the_class_page_shows_a_save_by_push(served: ServedSchool, visitors: Visitors) -> None:
    """A student's +5 stands on her teacher's open class page within 3 s; nothing reloads, nothing scrolls."""
    person = served.teacher()
    classroom = served.classroom(person)
    names = [f"Learner {letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
    learners = [served.student(classroom, name) for name in names]
    page = served.visit(visitors, person.email).page
    listening(page, "/classroom", served)
    row = learner_row(page, names[-1])
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


def test_news_redraws_one_part_and_no_page(served: ServedSchool, visitors: Visitors) -> None:
    """Thirty saves within a second cost an open class page a few runs of its one part, and no run of a page."""
    person = served.teacher()
    classroom = served.classroom(person)
    viewer = served.viewer(served.student(classroom, "Busy Bela").email)
    page = served.visit(visitors, person.email).page
    listening(page, "/classroom", served)
    row = learner_row(page, "Busy Bela")
    expect(row).to_contain_text("0/101")
    before = runs(served)
    for number, chapter in enumerate(served.backend.chapters.active()[:30]):
        served.backend.progress.change(viewer, chapter.id, ProgressChange(questions_delta=1), key=f"b{number}")
    expect(row.get_by_role("cell").nth(1)).to_have_text("30", timeout=SOON_MS)
    after = runs(served)
    assert after["script_runs"] == before["script_runs"]
    assert 1 <= after["fragment_runs"] - before["fragment_runs"] <= 6


def test_a_session_ended_elsewhere_closes_the_open_page(served: ServedSchool, visitors: Visitors) -> None:
    """Signed out elsewhere, an open class page shows no figures any more, without a click."""
    person = served.teacher()
    served.student(served.classroom(person), "Sita Secret")
    page = served.visit(visitors, person.email).page
    listening(page, "/classroom", served)
    expect(learner_row(page, "Sita Secret")).to_be_visible()
    served.backend.accounts.sign_out_elsewhere(served.viewer(person.email))
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible(timeout=CUT_MS)
    expect(page.get_by_text("Sita Secret")).to_have_count(0)


def test_without_a_stream_the_page_looks_for_itself(served: ServedSchool, visitors: Visitors) -> None:
    """Where something on the way refuses streams, a change still shows, only later; the part takes no room."""
    person = served.teacher()
    viewer = served.viewer(served.student(served.classroom(person), "Slow Sita").email)
    page = served.visit(visitors, person.email).page
    page.route(f"**{STREAM}?*", lambda route: route.fulfill(status=503))
    page.goto(f"{served.app.url}/classroom")
    row = learner_row(page, "Slow Sita")
    expect(row).to_contain_text("0/101")
    change = ProgressChange(questions_delta=3)
    served.backend.progress.change(viewer, served.backend.chapters.active()[0].id, change, key="late")
    expect(row.get_by_role("cell").nth(1)).to_have_text("3", timeout=POLL_MS)
    assert page.evaluate("document.querySelector('.cp-live').closest('[class*=st-key-live-]').offsetHeight") == 0


def test_an_open_stream_does_not_hold_the_app_up(servers: Servers, tmp_path: Path, served: ServedSchool) -> None:
    """Ctrl-C ends the app within seconds although somebody listens."""
    (tmp_path / "data").mkdir()
    app = start_app(tmp_path / "data", **served.environment)
    try:
        token = served.session(served.lone_student().user)
        connection = http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=15)
        connection.request("GET", f"{STREAM}?rooms=student:me", headers={"Cookie": f"session={token}"})
        answer = connection.getresponse()
        assert answer.status == 200
        started = time.monotonic()
        assert stop_app(app) == 0
        assert time.monotonic() - started < STOP_SECONDS
        assert b"event: connected" in answer.read()
        connection.close()
    finally:
        stop_app(app)


def test_a_hidden_tab_lets_go_and_catches_up(served: ServedSchool, visitors: Visitors) -> None:
    """A tab that nobody sees holds no stream; shown again, it shows at once what happened meanwhile."""
    person = served.lone_student()
    page = served.visit(visitors, person.email).page
    listening(page, "/chapters", served)
    look = "hidden => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });"
    look += " document.dispatchEvent(new Event('visibilitychange')); }"
    with page.expect_event("requestfailed", lambda request: STREAM in request.url):
        page.evaluate(look, True)
    viewer, chapter = served.viewer(person.email), served.backend.chapters.active()[0]
    served.backend.progress.change(viewer, chapter.id, ProgressChange(questions_delta=4), key="meanwhile")
    page.evaluate(look, False)
    expect(page.get_by_role("textbox", name="Questions solved of").first).to_have_value("4", timeout=SOON_MS)
