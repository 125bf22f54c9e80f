"""Looking after the catalogue: finding, adding, changing, archiving, importing; nothing written without a click."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import Chapter, ChapterDraft
from backend.errors import ConfirmationNeeded
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from pages.chapters.form import ARCHIVED, NOTICE, OpenForm
from pages.widgets.tables import Order
from tests.classrooms.builders import save
from tests.pages.at_path import html_of
from tests.pages.chapters.catalogue_page import chapter, page, press, view
from tests.pages.signed_in import OpenPage
from tests.pages.sortable import SortableTable
from tests.school import School

__all__ = ["chapter", "page"]

OpenForms = Callable[[Chapter | None], AppTest]
HOSTILE = "<img src=x onerror=alert(1)> [x](http://evil.example) **b** :red[r]"


def catalogue(page: AppTest) -> SortableTable:
    return SortableTable(page, "catalogue")


def renamed(chapter: Chapter, name: str) -> ChapterDraft:
    """What the chapter says, under another name."""
    return ChapterDraft(
        subject=chapter.subject,
        class_=chapter.class_,
        unit=chapter.unit,
        chapter=name,
        year_wise_question_count=chapter.year_wise_question_count,
    )


def form_script() -> None:
    """What a dialog draws; an AppTest runs the whole page where a browser runs the dialog alone, and would close it."""
    import streamlit as st  # noqa: PLC0415  (AppTest runs the body alone)

    from pages.chapters import form as chapter_form  # noqa: PLC0415  (as above)

    form = st.session_state["form"]
    if not form.done:
        chapter_form.draw_form(form)


@pytest.fixture
def open_form(page: AppTest) -> OpenForms:
    """The form of a chapter (None: a new one), as the teacher of `page` opens it."""

    def opened(chapter: Chapter | None) -> AppTest:
        form = AppTest.from_function(form_script, default_timeout=60)
        form.session_state["form"] = OpenForm(chapter, "k")
        return form.run()

    return opened


def field(page: AppTest, name: str) -> Any:
    """The widget of the open form whose key begins so."""
    widgets = [*page.text_input, *page.selectbox]
    return next(each for each in widgets if str(each.key).startswith(f"{name}-"))


def test_students_are_refused(open_page: OpenPage, school: School, student: Viewer) -> None:
    """The page itself refuses a student."""
    page = open_page("chapters/manage_chapters.py", school.user(student))
    assert len(page.exception) == 1
    assert not page.get("bidi_component")


def test_the_list_is_the_syllabus_in_its_order(backend: Backend, page: AppTest) -> None:
    """The first page of the active chapters, in syllabus order, with what past papers asked; then the next page."""
    active = backend.chapters.active()
    assert catalogue(page).ids == [each.id for each in active[:25]]
    assert catalogue(page).texts(active[0].id)["Asked"] == str(active[0].question_total)


def test_a_heading_orders_the_whole_list(backend: Backend, page: AppTest) -> None:
    """Not the page in sight alone: the chapter that past papers asked most comes first."""
    page.session_state["catalogue-order"] = Order(4, descending=True)
    page.run()
    most = max(each.question_total for each in backend.chapters.active())
    assert backend.chapters.get(catalogue(page).ids[0]).question_total == most
    for column in range(7):
        page.session_state["catalogue-order"] = Order(column)
        page.run()
        assert len(catalogue(page).ids) == 25


def test_filters_choose_as_those_of_students_do(backend: Backend, page: AppTest) -> None:
    """Subject, class and search narrow the list together; what fits nothing says what to do."""
    page.selectbox(key="subject").set_value("Physics").run()
    page.selectbox(key="class").set_value("Class 12").run()
    page.text_input(key="search").set_value("current").run()
    found = [backend.chapters.get(each) for each in catalogue(page).ids]
    assert {(each.subject, each.class_) for each in found} == {("Physics", "Class 12")}
    assert "Current Electricity" in {each.chapter for each in found}
    page.text_input(key="search").set_value("zzzzzz").run()
    assert "No chapter fits your filters." in html_of(page)


def test_a_row_opens_its_form(page: AppTest, chapter: Chapter) -> None:
    """A click on a row opens that chapter with what is known of it."""
    catalogue(page).open(chapter.id)
    assert field(page, "name").value == chapter.chapter
    assert field(page, "subject").value == chapter.subject
    assert field(page, "year-2025").value == str(chapter.year_wise_question_count["2025"])


def test_a_chapter_is_added(backend: Backend, open_form: OpenForms, page: AppTest) -> None:
    """A new chapter is in the list at once, with its new year and its name as typed."""
    form = open_form(None)
    for name, value in {"subject": "Physics", "class": "Class 12", "unit": "Mechanics 1"}.items():
        field(form, name).set_value(value)
    field(form, "name").set_value(HOSTILE)
    field(form, "new-year").set_value("2026")
    field(form, "new-count").set_value("४")
    press(form, "Add chapter")
    added = next(each for each in backend.chapters.active() if each.chapter == HOSTILE)
    assert (added.subject, dict(added.year_wise_question_count)) == ("Physics", {"2026": 4})
    page.session_state[NOTICE] = form.session_state[NOTICE]
    page.text_input(key="search").set_value("evil.example").run()
    assert catalogue(page).texts(added.id)["Chapter"] == HOSTILE
    assert "Added: &lt;img" in html_of(page)
    assert "<img" not in html_of(page)


def test_a_refused_chapter_keeps_what_was_typed(backend: Backend, open_form: OpenForms) -> None:
    """Without a subject nothing is added; the sentence names the field, and the rest is still in the form."""
    before = len(backend.chapters.every())
    form = open_form(None)
    field(form, "name").set_value("Lonely")
    press(form, "Add chapter")
    assert form.error[0].value == "Subject is missing."
    assert field(form, "name").value == "Lonely"
    assert len(backend.chapters.every()) == before


@pytest.mark.parametrize("typed", ["1,5", "1.000", "-1", "5 kg", "99999999"])
def test_a_count_is_never_guessed(backend: Backend, open_form: OpenForms, chapter: Chapter, typed: str) -> None:
    """What is no whole number, or can be read in two ways, is refused by name and stays in its field."""
    form = open_form(chapter)
    field(form, "year-2025").set_value(typed)
    press(form, "Save chapter")
    assert "2025" in form.error[0].value
    assert typed in form.error[0].value
    assert field(form, "year-2025").value == typed
    assert backend.chapters.get(chapter.id) == chapter


def test_a_year_needs_its_count(backend: Backend, open_form: OpenForms, chapter: Chapter) -> None:
    """A new year without its questions, or questions without a year, are refused rather than dropped."""
    form = open_form(chapter)
    field(form, "new-year").set_value("2026")
    press(form, "Save chapter")
    assert "2026" in form.error[0].value
    field(form, "new-year").set_value("")
    field(form, "new-count").set_value("3")
    press(form, "Save chapter")
    assert len(form.error) == 1
    assert backend.chapters.get(chapter.id) == chapter


def test_an_edit_keeps_progress(
    backend: Backend, school: School, open_form: OpenForms, teacher: Viewer, chapter: Chapter
) -> None:
    """A renamed chapter keeps its id and the progress on it; an emptied year is unknown, not 0."""
    student = school.student(school.classroom(teacher))
    save(backend, student, 0, "a", ProgressChange(questions_delta=5))
    form = open_form(chapter)
    field(form, "name").set_value("Renamed")
    form.session_state["year-2024-k"] = ""
    press(form, "Save chapter")
    after = backend.chapters.get(chapter.id)
    assert after.chapter == "Renamed"
    assert "2024" not in after.year_wise_question_count
    assert backend.progress.record(student.id).progress[chapter.id].question_solved == 5


def test_a_conflict_keeps_the_input_and_shows_theirs(
    backend: Backend, open_form: OpenForms, teacher: Viewer, chapter: Chapter
) -> None:
    """Where somebody else saved first, nothing is written, the input stays, and what they changed stands below."""
    form = open_form(chapter)
    backend.chapters.edit(teacher, chapter.id, renamed(chapter, "Theirs"), version=chapter.version)
    field(form, "name").set_value("Mine")
    press(form, "Save chapter")
    assert "Somebody else changed this chapter meanwhile" in form.warning[0].value
    assert field(form, "name").value == "Mine"
    assert "<td>Theirs</td>" in html_of(form)
    assert backend.chapters.get(chapter.id).chapter == "Theirs"
    press(form, "Save chapter")
    assert backend.chapters.get(chapter.id).chapter == "Mine"


def test_a_second_conflict_is_a_conflict_again(
    backend: Backend, open_form: OpenForms, teacher: Viewer, chapter: Chapter
) -> None:
    """“Save again” puts the input over what was shown, not over what somebody saved after that."""
    form = open_form(chapter)
    theirs = backend.chapters.edit(teacher, chapter.id, renamed(chapter, "Theirs"), version=chapter.version)
    field(form, "name").set_value("Mine")
    press(form, "Save chapter")
    backend.chapters.edit(teacher, chapter.id, renamed(chapter, "Theirs again"), version=theirs.version)
    press(form, "Save chapter")
    assert backend.chapters.get(chapter.id).chapter == "Theirs again"
    assert "<td>Theirs again</td>" in html_of(form)


def test_archiving_asks_first(
    backend: Backend, school: School, open_form: OpenForms, teacher: Viewer, chapter: Chapter
) -> None:
    """The first click says what happens; the second takes the chapter out."""
    form = open_form(chapter)
    form.session_state["form"].is_archiving = True
    form.run()
    assert "You can bring it back at any time." in form.warning[0].value
    assert backend.chapters.get(chapter.id)
    press(form, "Archive")
    assert chapter.id in {each.id for each in backend.chapters.archived(teacher)}
    assert form.session_state[ARCHIVED] == chapter.id


def test_archiving_can_be_undone(
    backend: Backend, school: School, page: AppTest, teacher: Viewer, chapter: Chapter
) -> None:
    """Undo beside the notice brings the chapter back with the progress on it."""
    student = school.student(school.classroom(teacher))
    save(backend, student, 0, "a", ProgressChange(questions_delta=5))
    backend.chapters.archive(teacher, chapter.id)
    page.session_state[NOTICE], page.session_state[ARCHIVED] = "Archived: it", chapter.id
    page.run()
    assert chapter.id not in catalogue(page).ids
    press(page, "Undo")
    assert chapter.id in catalogue(page).ids
    assert backend.progress.record(student.id).progress[chapter.id].question_solved == 5


def test_the_archive_brings_back(backend: Backend, page: AppTest, teacher: Viewer, chapter: Chapter) -> None:
    """An archived chapter waits in the archive, which says so when it is empty, and returns with one click."""
    view(page, "archive")
    assert "The archive is empty" in html_of(page)
    backend.chapters.archive(teacher, chapter.id)
    page.run()
    assert chapter.chapter in html_of(page)
    press(page, "Bring back")
    assert backend.chapters.get(chapter.id).archived_at is None


def test_no_chapters_is_an_empty_state(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, clock: SetClock
) -> None:
    """With every chapter archived the page says what to do instead of showing an empty table."""
    backend.mongo["chapters"].update_many({}, {"$set": {"archivedAt": clock.now()}})
    backend.cache.invalidate("chapters")
    page = open_page("chapters/manage_chapters.py", school.user(teacher))
    assert "There are no chapters yet" in html_of(page)
    press(page, "Add a chapter")
    assert field(page, "name").value == ""


def test_the_form_asks_about_a_name_that_is_near_another(
    backend: Backend, open_form: OpenForms, teacher: Viewer
) -> None:
    """“Phyiscs” is saved as “Physics” on one click, or as it is on another; nothing is guessed before."""
    draft = ChapterDraft(subject="Phyiscs", class_="Class 12", unit="Mechanics 1", chapter="Friction")
    with pytest.raises(ConfirmationNeeded) as question:
        backend.chapters.create(teacher, draft)
    form = open_form(None)
    form.session_state["form"].near = (draft, question.value)
    form.run()
    press(form, "Use “Physics”")
    assert next(each for each in backend.chapters.active() if each.chapter == "Friction").subject == "Physics"
