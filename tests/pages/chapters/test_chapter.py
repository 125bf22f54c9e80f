"""The page of one chapter: own controls and history, past papers, how the class stands, and who sees what."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend
from backend.chapters.models import Chapter
from backend.kit.clock import SetClock
from backend.statistics.models import OthersOnChapter
from pages.chapters.facts import average_words
from tests.pages.at_path import html_of
from tests.pages.chapters.chapter_list import ChapterList
from tests.pages.key_figures import key_figures
from tests.pages.signed_in import OpenPage
from tests.school import PASSWORD, School


@pytest.fixture
def chapter(backend: Backend) -> Chapter:
    """A chapter with neighbours on both sides."""
    return backend.chapters.active()[1]


@pytest.fixture
def page(open_page: OpenPage, school: School, student: Viewer, chapter: Chapter) -> AppTest:
    """The chapter's page as the student sees it."""
    return opened(open_page, school.user(student), chapter)


def opened(open_page: OpenPage, user: User, chapter: Chapter) -> AppTest:
    page = framed(open_page, user, chapter.id)
    assert not page.exception, page.exception[0].value
    return page


def framed(open_page: OpenPage, user: User, chapter_id: str) -> AppTest:
    """The page within the frame, which knows the pages that this one links to."""
    page = open_page("_frame.py", user).switch_page("chapters/chapter.py")
    page.query_params["id"] = chapter_id
    return page.run()


def components(page: AppTest) -> list[str]:
    return [element.proto.component_name.rsplit(".")[-1] for element in page.get("bidi_component")]


def test_a_change_here_is_saved_and_joins_the_history(page: AppTest, chapter: Chapter) -> None:
    """What is changed on the chapter's page stands in its history with old and new value."""
    rows = ChapterList(page)
    assert "Nothing saved here yet" in html_of(page)
    rows.change(chapter.id, questionsDelta=5)
    assert "Status: Not started → In progress; Solved: 0 → 5" in html_of(page)


def test_the_history_marks_what_was_undone(page: AppTest, chapter: Chapter, clock: SetClock) -> None:
    """An undone change stays in the history, marked, with its undoing above it."""
    rows = ChapterList(page)
    rows.change(chapter.id, questionsDelta=5)
    clock.advance(timedelta(minutes=1))
    rows.choose(rows.row(chapter.id)["note"], "Undo")
    words = html_of(page)
    assert words.index("Undo of an earlier change") < words.index("Undone later")


def test_figures_of_the_exam(page: AppTest, chapter: Chapter) -> None:
    """All years, the last three years and the share are printed, each with its rule; so is each year's count."""
    figures = key_figures(page)
    recent = sum(chapter.year_wise_question_count[year] for year in ("2023", "2024", "2025"))
    assert figures["Asked in all years"].value == str(chapter.question_total)
    assert figures["Asked in 3 years"].value == str(recent)
    assert figures["Share of the exam"].value.endswith("%")
    assert "four fifths" in figures["Share of the exam"].rule
    assert f"{chapter.question_total} questions from 2019 to 2025." in html_of(page)


def test_neighbours_are_linked(page: AppTest, backend: Backend) -> None:
    """Previous and next chapter of the syllabus are there by name."""
    before, _here, after = backend.chapters.active()[:3]
    shown = html_of(page)
    for chapter in (before, after):
        assert f'href="chapter?id={chapter.id}"' in shown
        assert f"<span>{chapter.chapter}</span></a>" in shown


def test_a_small_class_shows_no_average(page: AppTest) -> None:
    """Alone in a class, a student reads why there is no average, not an average of herself."""
    assert "it would tell of single people" in html_of(page)


def test_the_class_average_in_words() -> None:
    """How many are at work on it, how many of them completed it, and the mean of the solved questions."""
    average = OthersOnChapter(students=25, completed=10, average_solved=15)
    words = "Your class: about 25 work on it, 10 of them completed it; 15 questions on average."
    assert average_words(average) == words


def test_a_teacher_has_no_controls_of_her_own(
    open_page: OpenPage, backend: Backend, student: Viewer, chapter: Chapter
) -> None:
    """A teacher or administrator sees how all students stand, and nothing to change."""
    page = opened(open_page, backend.sign_in.authenticate("admin@example.org", PASSWORD), chapter)
    assert "chapter_rows" not in components(page)
    assert "All students" in html_of(page)
    assert "Your history" not in html_of(page)


@pytest.mark.parametrize("chapter_id", ["", "no such id", "<script>"])
def test_an_unknown_chapter_leads_back(open_page: OpenPage, school: School, student: Viewer, chapter_id: str) -> None:
    """A wrong or missing id is said in a sentence, with a link to the chapters."""
    page = framed(open_page, school.user(student), chapter_id)
    assert not page.exception
    assert "There is no such chapter." in html_of(page)
