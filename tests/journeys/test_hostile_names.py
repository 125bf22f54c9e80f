"""Names are words: whatever a person or a chapter is called stands on every page as it was typed, and runs nowhere."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from backend.accounts.models import ProfileChange
from backend.chapters.models import ChapterDraft
from backend.progress.models import ProgressChange
from tests.journeys.running import Visitors
from tests.journeys.school import Person, ServedSchool
from tests.journeys.test_pages import TOO_WIDE

STUDENT = "<img src=x onerror=alert(1)>"
CHAPTER = "[x](javascript:alert(1))"
CLASS = "**c** :material/bolt: $x^2$"


class NamedSchool:
    """A class, a student and a chapter of the given names: by default such as would do harm if they were read."""

    def __init__(
        self, served: ServedSchool, *, student: str = STUDENT, chapter: str = CHAPTER, room: str = CLASS,
        teacher_name: str = "[t](javascript:alert(2))", subject: str = "Physics",
    ) -> None:  # fmt: skip
        self.teacher = served.teacher(teacher_name)
        teacher = served.viewer(self.teacher.email)
        self.classroom = served.backend.classrooms.create(teacher, room)
        self.student: Person = served.student(self.classroom, student)
        draft = ChapterDraft(subject=subject, class_="Class 11", unit=chapter, chapter=chapter)
        self.chapter = served.backend.chapters.create(teacher, draft)
        viewer = served.viewer(self.student.email)
        choice = ProfileChange(board_name=student[:30], board_joined=True)
        served.backend.accounts.update_profile(viewer, choice)
        change = ProgressChange(questions_delta=1, is_weak_chapter=True)
        served.backend.progress.change(viewer, self.chapter.id, change, key="one", confirm=True)


@pytest.fixture(scope="module")
def hostile(served: ServedSchool) -> Iterator[NamedSchool]:
    with served.same_catalogue():
        yield NamedSchool(served)


def stands(page: Page, words: str) -> None:
    """The words are on the page as they were typed, and nothing was made of them."""
    # Where Streamlit reads Markdown, an invisible word joiner may keep a shortcode from being one.
    seen = re.compile("\u2060?".join(map(re.escape, words)))
    expect(page.get_by_text(seen).first).to_be_visible()
    is_harmless(page)


def is_harmless(page: Page) -> None:
    """Nothing on the page was made of names."""
    assert page.locator("[onerror], a[href^='javascript:' i], img[src='x']").count() == 0


def test_on_the_students_pages(served: ServedSchool, hostile: NamedSchool, visitors: Visitors) -> None:
    """Sidebar, home, list, chapter and leaderboard show the names as typed."""
    student = served.visit(visitors, hostile.student.email)
    page = student.open("/")
    stands(page, STUDENT)
    stands(page, CHAPTER)
    page = student.open("/chapters?search=alert")
    expect(page.locator("li.cp-row")).to_have_count(1)
    stands(page, CHAPTER)
    page = student.open(f"/chapter?id={hostile.chapter.id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(CHAPTER)
    page = student.open("/leaderboard")
    stands(page, f"{STUDENT} (you)")
    page = student.open("/insights")
    expect(page.get_by_role("heading", name="Compared with others")).to_be_visible()  # the last part of the page
    is_harmless(page)
    page = student.open("/settings?view=classes")
    stands(page, CLASS)


def test_on_the_staffs_pages(served: ServedSchool, hostile: NamedSchool, visitors: Visitors) -> None:
    """Class page, matrix, the learner beside it, the catalogue and the users show the names as typed."""
    teacher = served.visit(visitors, hostile.teacher.email)
    page = teacher.open("/")
    stands(page, CLASS)
    page = teacher.open("/classroom")
    expect(page.get_by_role("heading", level=1)).to_contain_text(CLASS)
    page.get_by_role("button", name=f"Open {STUDENT}").last.click()
    expect(page.get_by_role("heading", level=2, name=STUDENT)).to_be_visible()
    stands(page, CHAPTER)
    page.get_by_role("radio", name="Chapters", exact=True).or_(
        page.get_by_role("button", name="Chapters", exact=True)
    ).first.click()
    page.locator(".cp-matrix").get_by_text(CHAPTER).wait_for(state="attached")
    stands(page, STUDENT)
    page = teacher.open("/manage-chapters")
    page.get_by_role("searchbox").first.fill("alert")
    stands(page, CHAPTER)
    page = teacher.open(f"/chapter?id={hostile.chapter.id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(CHAPTER)
    page = teacher.open("/leaderboard")
    stands(page, STUDENT)

    admin = served.visit(visitors, "admin@demo.school")
    page = admin.open("/users")
    page.get_by_role("searchbox", name="Search").fill(hostile.student.email)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Open {STUDENT}").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    stands(page, f"{STUDENT} is signed out everywhere")

    served.backend.rights.request(served.viewer(hostile.student.email))
    page = admin.open("/users")
    page.get_by_text("1 account will be deleted").click()
    stands(page, STUDENT)
    page = admin.open("/audit")
    stands(page, STUDENT)  # that it was looked at
    stands(page, CLASS)
    page.get_by_role("button", name=re.compile(r"^Open \d")).first.click()
    page.get_by_role("dialog").wait_for()
    stands(page, STUDENT)


def test_long_words_break_on_the_smallest_phone(served: ServedSchool, visitors: Visitors) -> None:
    """Names without a space, as long as they may be, move no page sideways at 320 px."""
    with served.same_catalogue():
        long = NamedSchool(
            served, student="W" * 80, chapter="M" * 160, room="Q" * 80, teacher_name="G" * 80, subject="O" * 60
        )
        served.backend.board_store.forget()
        paths = {
            long.student.email: ("/", "/chapters?search=MMMM", f"/chapter?id={long.chapter.id}", "/insights",
                                 "/leaderboard", "/settings?view=classes"),
            long.teacher.email: ("/", "/classroom", "/manage-chapters", f"/chapter?id={long.chapter.id}",
                                 "/leaderboard"),
        }  # fmt: skip
        for email, own in paths.items():
            visitor = served.visit(visitors, email, is_phone=True)
            for path in own:
                page = visitor.open(path)
                page.set_viewport_size({"width": 320, "height": 640})
                page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
                expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
                assert page.evaluate(TOO_WIDE) == [], (path, email)
