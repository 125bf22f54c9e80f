"""What is pressed or typed is saved or still there, however slow the network is and however the page is left."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from backend.accounts.models import Viewer
from backend.chapters.models import Chapter
from backend.progress.models import ProgressChange
from system_tests.cluster.ports import free_port
from system_tests.faults.proxy import Proxy
from tests.journeys.chapter_list import row_of
from tests.journeys.running import RunningApp, Visitor, Visitors
from tests.journeys.school import ServedSchool
from tests.waiting import until

LATE = pytest.mark.parametrize("late", [(0.0, 0.0), (2.0, 0.0), (0.0, 2.0)], ids=["at once", "asked late", "told late"])
Late = tuple[float, float]
MANY_LONG_ACTS = """(person) => {
  for (let act = 0; act < 15; act += 1) {
    const ids = Array.from({ length: 200 }, (_, index) => String(index).padStart(24, "0"));
    const kept = { key: `long-${act}`, act: "change", ids, isBulk: true, isWeakChapter: true, at: act };
    localStorage.setItem(`cp-act:${person}:long-${act}`, JSON.stringify(kept));
  }
}"""
Leave = Callable[[Page], object]


def by_menu(name: str) -> Leave:
    return lambda page: page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()


def close(page: Page) -> None:
    page.close(run_before_unload=True)


class SlowSchool:
    """The served school behind a proxy that delays what is asked and what is answered."""

    def __init__(self, served: ServedSchool, proxy: Proxy) -> None:
        self.served = served
        self.proxy = proxy
        self.app: RunningApp = replace(served.app, url=f"http://localhost:{proxy.port}")

    def visit(self, visitors: Visitors, email: str) -> Visitor:
        return self.served.visit(visitors, email, app=self.app)

    def solved(self, viewer: Viewer, chapter: Chapter) -> int:
        """What is saved of a chapter."""
        record = self.served.backend.progress.record(viewer.id).progress.get(chapter.id)
        return record.question_solved if record else 0


@pytest.fixture
def slow(served: ServedSchool) -> Iterator[SlowSchool]:
    proxy = Proxy(free_port(), urlsplit(served.app.url).port or 0)
    yield SlowSchool(served, proxy)
    proxy.close()


def field_of(page: Page, chapter: Chapter) -> Locator:
    return row_of(page, chapter).get_by_role("textbox", name="Questions solved of")


@LATE
def test_what_is_done_in_rows_outlives_the_page(slow: SlowSchool, visitors: Visitors, late: Late) -> None:
    """A number that is typed is saved though the page is left by a link, the menu, Back, a reload or by closing it.

    Three quick presses are three; nothing else has to happen for it.
    """
    person = slow.served.lone_student()
    viewer, chapters = slow.served.viewer(person.email), slow.served.backend.chapters.active()
    visitor = slow.visit(visitors, person.email)
    ways: list[Leave] = [
        lambda page: row_of(page, chapters[0]).get_by_role("link").click(),
        by_menu("Insights"),
        lambda page: page.go_back(wait_until="commit"),
        lambda page: page.reload(wait_until="commit"),
        close,
    ]
    for chapter, leave in zip(chapters, ways, strict=False):
        slow.proxy.heal()
        if leave is ways[2]:
            visitor.open("/")
            by_menu("Chapters")(visitor.page)
        else:
            visitor.open("/chapters")
        field = field_of(visitor.page, chapter)
        field.wait_for()
        slow.proxy.slow(*late)
        field.fill("3")
        leave(visitor.page)
        until(lambda chapter=chapter: slow.solved(viewer, chapter) == 3)  # type: ignore[misc] # bound now
    slow.proxy.heal()
    page = visitor.page = visitor.tab("/chapters")
    plus = row_of(page, chapters[7]).get_by_role("button", name="+5:")
    plus.wait_for()
    slow.proxy.slow(*late)
    for _press in range(3):
        plus.click()
    expect(field_of(page, chapters[7])).to_have_value("15", timeout=500)
    until(lambda: slow.solved(viewer, chapters[7]) == 15)
    plus.dblclick()
    row = row_of(page, chapters[7])
    expect(row.get_by_role("status")).to_contain_text("counted once")
    row.get_by_role("button", name="Count both").click()
    until(lambda: slow.solved(viewer, chapters[7]) == 25)


def test_news_of_the_page_that_is_left_does_not_empty_the_next(slow: SlowSchool, visitors: Visitors) -> None:
    """Between the press of a link and the next page, news of a save elsewhere is not asked for on the old page."""
    person = slow.served.lone_student()
    viewer, chapter = slow.served.viewer(person.email), slow.served.backend.chapters.active()[0]
    visitor = slow.visit(visitors, person.email)
    page, sent = visitor.page, list[object]()
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))  # noqa: PLW0108  (Playwright marks what it calls)
    with page.expect_response(lambda answer: "/api/v1/events" in answer.url):
        visitor.open("/chapters")
    row_of(page, chapter).wait_for()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    slow.proxy.slow(2.0, 0.0)
    sent.clear()
    by_menu("Insights")(page)
    slow.served.backend.progress.change_many(viewer, {chapter.id: ProgressChange(question_solved=3)}, key="elsewhere")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Insights")
    assert len(sent) == 1
    page.wait_for_function("!('leaving' in document.documentElement.dataset)")
    expect(heading).to_be_visible()


def test_without_a_server_acts_wait_and_are_sent_by_themselves(slow: SlowSchool, visitors: Visitors) -> None:
    """Away, the row says that it is not saved yet; a closed tab keeps the act; back, it is saved once.

    So it is from a tab that stayed open, and however long the acts are together.
    """
    person = slow.served.lone_student()
    viewer, chapter = slow.served.viewer(person.email), slow.served.backend.chapters.active()[0]
    visitor = slow.visit(visitors, person.email)
    row = row_of(visitor.open("/chapters"), chapter)
    plus = row.get_by_role("button", name="+5:")
    plus.wait_for()
    slow.proxy.refuse()
    plus.click()
    expect(field_of(visitor.page, chapter)).to_have_value("5")
    expect(row.get_by_role("status")).to_contain_text("Not saved yet")
    assert slow.solved(viewer, chapter) == 0
    slow.proxy.heal()
    until(lambda: slow.solved(viewer, chapter) == 5)
    expect(row.get_by_role("status")).to_contain_text("Saved")

    slow.proxy.refuse()
    row.get_by_role("button", name="Undo").click()
    expect(row.get_by_role("status")).to_contain_text("Not saved yet")
    visitor.page.close()
    slow.proxy.heal()
    elsewhere = visitor.page = visitor.tab("/insights")  # no row is here, and it is sent all the same
    until(lambda: slow.solved(viewer, chapter) == 0)
    until(lambda: elsewhere.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('cp-act'))") == [])
    assert len(slow.served.backend.progress.history(viewer, chapter.id)) == 2

    other = visitor.tab("/chapters")
    field_of(other, chapter).wait_for()
    slow.proxy.refuse()
    row_of(other, chapter).get_by_role("button", name="+5:").click()
    other.close()
    slow.proxy.heal()
    until(lambda: slow.solved(viewer, chapter) == 5)  # the tab that stays open sends it
    elsewhere.evaluate(MANY_LONG_ACTS, viewer.id)
    until(lambda: elsewhere.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('cp-act'))") == [])


def test_what_is_no_number_is_still_there_after_a_reload(slow: SlowSchool, visitors: Visitors) -> None:
    """A text that cannot be saved stands in its field with the reason, before and after the page was left."""
    person = slow.served.lone_student()
    chapter = slow.served.backend.chapters.active()[0]
    visitor = slow.visit(visitors, person.email)
    field_of(visitor.open("/chapters"), chapter).fill("1,5")
    by_menu("Insights")(visitor.page)
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Insights")
    for come in (visitor.page.go_back, visitor.page.reload):
        come()
        expect(field_of(visitor.page, chapter)).to_have_value("1,5")
        expect(row_of(visitor.page, chapter).get_by_role("status")).to_contain_text("whole number")


@LATE
def test_a_press_of_a_form_and_then_a_link(slow: SlowSchool, visitors: Visitors, late: Late) -> None:
    """A form that is sent by its button or Enter is saved, though a link is pressed before its answer."""
    teacher = slow.served.teacher()
    viewer, classrooms = slow.served.viewer(teacher.email), slow.served.backend.classrooms
    classroom = slow.served.classroom(teacher, "Old name")
    visitor = slow.visit(visitors, teacher.email)
    page = visitor.open(f"/classroom?id={classroom.id}&view=manage")
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("New name")
    slow.proxy.slow(*late)
    page.get_by_role("button", name="Save name").click()
    by_menu("Settings")(page)
    until(lambda: classrooms.classrooms(viewer)[0].name == "New name")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Settings")
    slow.proxy.heal()

    own = page.get_by_label("Your name")
    own.fill("Tara Renamed")
    slow.proxy.slow(*late)
    own.press("Enter")
    by_menu("Home")(page)
    until(lambda: slow.served.backend.accounts.me(viewer).name == "Tara Renamed")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Settings")
    until(lambda: page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('cp-draft'))") == [])


def test_what_is_typed_into_a_form_is_there_again(slow: SlowSchool, visitors: Visitors) -> None:
    """A name that was typed and not sent stands in its field again after a menu link, Back, a reload and a new tab."""
    teacher = slow.served.teacher()
    visitor = slow.visit(visitors, teacher.email)
    page = visitor.open("/settings")
    page.get_by_label("Your name").fill("Half a na")
    by_menu("Home")(page)
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Settings")
    page.go_back()
    expect(page.get_by_label("Your name")).to_have_value("Half a na")
    visitor.reload()
    expect(page.get_by_label("Your name")).to_have_value("Half a na")
    page.close()
    page = visitor.page = visitor.tab("/settings")
    expect(page.get_by_label("Your name")).to_have_value("Half a na")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator(".cp-saved")).to_be_visible()
    until(lambda: page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('cp-draft'))") == [])


def test_a_long_paste_is_refused_in_words_and_stays(slow: SlowSchool, visitors: Visitors) -> None:
    """Ten thousand characters in a name, and a number of hundreds of digits, stand in their fields to be corrected."""
    page = slow.visit(visitors, slow.served.lone_student().email).open("/settings")
    pastes = (
        ("Your name", "Save name", "Zoë 👩‍🔬 " * 1000, "The name may have at most 80 characters."),
        ("Questions a day", "Save goal", "12 " * 200, "is not a whole number."),
    )
    for label, button, pasted, words in pastes:
        field = page.get_by_role("textbox", name=label, exact=True)
        field.select_text()
        page.keyboard.insert_text(pasted)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
        expect(field).to_have_value(pasted)
