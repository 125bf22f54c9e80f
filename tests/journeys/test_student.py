"""A student's way: changing progress in the row, and what she then sees everywhere."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from backend.chapters.models import Chapter, OwnProgress
from tests.journeys.chapter_list import row_of
from tests.journeys.running import Visitor, Visitors
from tests.journeys.school import Person, ServedSchool
from tests.waiting import until


class Desk:
    """A student at her browser, and what the services know of her."""

    def __init__(self, served: ServedSchool, person: Person, visitor: Visitor) -> None:
        self.person = person
        self.visitor = visitor
        self._served = served
        self._viewer = served.viewer(person.email)

    def stored(self, chapter: Chapter) -> list[OwnProgress]:
        """What was saved on a chapter, oldest first."""
        history = self._served.backend.progress.history(self._viewer, chapter.id)
        return [activity.after for activity in reversed(history)]

    @property
    def first(self) -> Chapter:
        """The chapter that heads every list."""
        return self._served.backend.chapters.active()[0]


@pytest.fixture
def desk(served: ServedSchool, visitors: Visitors) -> Desk:
    """A student who has done nothing yet, signed in."""
    person = served.lone_student()
    return Desk(served, person, served.visit(visitors, person.email))


def add(row: Locator, count: int) -> Locator:
    return row.get_by_role("button", name=f"+{count}:")


def solved(row: Locator) -> Locator:
    return row.get_by_role("textbox", name="Questions solved of")


def status(row: Locator) -> Locator:
    return row.get_by_role("combobox", name="Status of")


def test_a_click_is_saved_and_shown_everywhere(desk: Desk) -> None:
    """+5 is saved at once and begins the chapter; home says the same, a reload keeps it, Undo takes it back."""
    page = desk.visitor.open("/chapters")
    row = row_of(page, desk.first)
    add(row, 5).click()
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    expect(solved(row)).to_have_value("5")
    expect(status(row)).to_have_value("In Progress")
    assert desk.stored(desk.first) == [OwnProgress(status="In Progress", question_solved=5)]

    home = desk.visitor.tab("/")
    expect(home.locator(".cp-figure").filter(has_text="Questions today")).to_contain_text("5 of 20")
    expect(home.locator(".cp-figure").filter(has_text="Solved in 7 days")).to_contain_text("5")
    expect(home.get_by_text("5 of")).not_to_have_count(0)

    row.get_by_role("button", name="Undo").click()
    expect(row.get_by_text(re.compile(r"^Undone \d"))).to_be_visible()
    expect(solved(row)).to_have_value("0")
    expect(status(row)).to_have_value("Not Started")
    add(row, 10).click()
    expect(solved(row)).to_have_value("10")
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    row = row_of(desk.visitor.reload(), desk.first)
    expect(solved(row)).to_have_value("10")
    assert [record.question_solved for record in desk.stored(desk.first)] == [5, 0, 10]


def test_a_double_click_is_one_click(desk: Desk) -> None:
    """A double click on +5 adds five once; two clicks in peace add ten; the page shows what is stored."""
    page = desk.visitor.open("/chapters")
    row = row_of(page, desk.first)
    add(row, 5).dblclick()
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    expect(solved(row)).to_have_value("5")
    add(row, 5).click()
    expect(solved(row)).to_have_value("10")
    until(lambda: [record.question_solved for record in desk.stored(desk.first)] == [5, 10])


def test_a_typed_number_is_saved_as_it_is_meant_or_refused(desk: Desk) -> None:
    """Half a question and a thousand that could be one stay on the screen with words; another script is a number."""
    page = desk.visitor.open("/chapters")
    row = row_of(page, desk.first)
    endless, padded = "1234567890" * 3, f"12{' ' * 40}5"
    no_numbers = [(written, "whole number") for written in ("1,5", "0,5", endless, padded)]
    for written, words in (*no_numbers, ("1.000", "read in two ways")):
        solved(row).select_text()
        page.keyboard.insert_text(written)
        solved(row).press("Tab")
        expect(row.get_by_role("status")).to_contain_text(words)
        expect(solved(row)).to_have_value(written)
    solved(row).fill("१२")
    solved(row).press("Tab")
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    assert [record.question_solved for record in desk.stored(desk.first)] == [12]


def test_two_tabs_agree(desk: Desk) -> None:
    """What one tab saved shows in the other; a number typed there over an older one is refused kindly, not saved."""
    one, other = desk.visitor.open("/chapters"), desk.visitor.tab("/chapters")
    here, there = row_of(one, desk.first), row_of(other, desk.first)
    add(here, 5).click()
    expect(solved(there)).to_have_value("5")
    solved(there).fill("9")
    add(here, 1).click()
    expect(solved(here)).to_have_value("6")
    here.get_by_role("checkbox", name="Weak:").press("Space")
    expect(there.get_by_role("checkbox", name="Weak:")).to_be_checked()
    expect(solved(there)).to_have_value("9")

    solved(there).press("Tab")
    expect(there.get_by_role("status")).to_contain_text("changed")
    assert desk.stored(desk.first)[-1].question_solved == 6
    other.reload()
    expect(solved(there)).to_have_value("6")


def test_more_than_the_exam_asked_is_asked_first(desk: Desk) -> None:
    """A number above the past-paper total is saved only after a yes; a no puts the saved number back."""
    page = desk.visitor.open("/chapters")
    row, most = row_of(page, desk.first), desk.first.question_total
    solved(row).fill(str(most + 5))
    solved(row).press("Tab")
    expect(row.get_by_role("status")).to_contain_text(f"more than the {most} past-paper questions")
    assert desk.stored(desk.first) == []
    row.get_by_role("button", name="Keep 0").click()
    expect(solved(row)).to_have_value("0")
    solved(row).fill(str(most + 5))
    solved(row).press("Tab")
    row.get_by_role("button", name="Save anyway").click()
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    assert desk.stored(desk.first)[-1].question_solved == most + 5


def test_reload_in_the_middle_of_saving(desk: Desk) -> None:
    """A reload right after a click loses nothing that was said to be saved, and never counts it twice."""
    page = desk.visitor.open("/chapters")
    add(row_of(page, desk.first), 5).click(no_wait_after=True)
    row = row_of(desk.visitor.reload(), desk.first)
    expect(solved(row)).to_have_value(re.compile("^[05]$"))
    before = int(solved(row).input_value())
    add(row, 1).click()
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    stored = desk.stored(desk.first)[-1].question_solved
    assert stored in {1, 6}
    assert stored >= before + 1
    expect(solved(row)).to_have_value(str(stored))


def test_keyboard_alone(served: ServedSchool, visitors: Visitors) -> None:
    """A student signs in, finds the chapters and adds one question without a mouse."""
    person = served.lone_student()
    visitor = visitors(served.app)
    page, keys = visitor.open(), visitor.page.keyboard
    tab_to(page, page.get_by_label("E-mail address"))
    keys.type(person.email)
    tab_to(page, page.get_by_role("textbox", name="Password"))
    keys.type(person.password)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")
    tab_to(page, page.get_by_role("link", name="Chapters", exact=True))
    keys.press("Enter")
    page.locator("li.cp-row").first.wait_for()
    plus = add(page.locator("li.cp-row").first, 1)
    tab_to(page, plus)
    keys.press("Enter")
    row = page.locator("li.cp-row").first
    expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    expect(solved(row)).to_have_value("1")


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus."""
    target.wait_for()
    for _press in range(80):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def test_what_is_typed_in_the_settings_outlives_a_look_at_another_view(desk: Desk) -> None:
    """A name that is typed and not saved still stands in its field after the security view was opened and left."""
    page = desk.visitor.open("/settings")
    page.get_by_label("Your name").fill("Half a na")
    for view, field in (("Security", "Current password"), ("Profile", "Your name")):
        page.get_by_role("radio", name=view, exact=True).click()
        expect(page.get_by_label(field)).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Half a na")
    expect(page.get_by_label("Current password")).to_be_hidden()
