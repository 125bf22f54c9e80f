"""A student's chapter list: what is changed in a row is saved at once, asked about, undone; and finding chapters."""

import re
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import Chapter, ChapterDraft
from backend.errors import Unavailable
from backend.kit.clock import SetClock
from backend.progress.models import ChapterFilters, Progress, ProgressChange
from backend.progress.service import ProgressService
from tests.pages.at_path import html_of
from tests.pages.chapters.chapter_list import ChapterList
from tests.pages.signed_in import OpenPage
from tests.school import School

HOSTILE = "<img src=x onerror=alert(1)> [link](http://evil.example) **bold** :red[red] $x^2$"


@pytest.fixture
def page(open_page: OpenPage, school: School, student: Viewer) -> AppTest:
    """The chapter list of the student, open."""
    opened = open_page("chapters/chapters.py", school.user(student))
    assert not opened.exception, opened.exception[0].value
    return opened


@pytest.fixture
def rows(page: AppTest) -> ChapterList:
    return ChapterList(page)


@pytest.fixture
def chapter(backend: Backend) -> Chapter:
    """The first chapter of the syllabus."""
    return backend.chapters.active()[0]


def stands(backend: Backend, viewer: Viewer, chapter: Chapter) -> Progress:
    record = backend.progress.record(viewer.id)
    return record.progress.get(chapter.id, Progress(chapter_id=chapter.id))


def open_more_filters(page: AppTest) -> None:
    page.session_state["cp-more-filters"] = True
    page.run()


def test_a_change_is_saved_at_once_and_says_when(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter
) -> None:
    """Five questions added are in the database after one click, and the row says so in the student's own time."""
    rows.change(chapter.id, questionsDelta=5)
    assert stands(backend, student, chapter).question_solved == 5
    assert rows.row(chapter.id)["solved"] == 5
    assert rows.note(chapter.id).replace("\u202f", " ") == "Saved 12:00 pm"


def test_solving_starts_a_chapter(rows: ChapterList, chapter: Chapter) -> None:
    """One question solved moves Not Started to In Progress, and the row shows it with the same answer."""
    assert rows.row(chapter.id)["status"] == "Not Started"
    rows.change(chapter.id, questionsDelta=1)
    assert rows.row(chapter.id)["status"] == "In Progress"


def test_undo_stands_in_the_row_and_works(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter
) -> None:
    """Undo beside a saved change brings back what was there."""
    rows.change(chapter.id, status="Completed")
    rows.choose(rows.row(chapter.id)["note"], "Undo")
    assert stands(backend, student, chapter).status == "Not Started"
    assert rows.row(chapter.id)["status"] == "Not Started"
    assert rows.note(chapter.id).startswith("Undone")


def test_an_act_sent_again_saves_once(backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter) -> None:
    """The same act sent twice, in one request and in another, is one question."""
    act = {"key": "press-1", "act": "change", "ids": [chapter.id], "questionsDelta": 1}
    rows.send(act, act)
    rows.send(act)
    assert stands(backend, student, chapter).question_solved == 1


def test_an_act_seen_again_is_not_done_again(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter
) -> None:
    """The browser repeats what it has not seen answered: after an undo in another tab that must not save it anew."""
    act = {"key": "k1", "act": "change", "ids": [chapter.id], "questionsDelta": 4}
    rows.send(act)
    backend.progress.undo(student, rows.row(chapter.id)["note"]["choices"][0]["act"]["batchId"])
    rows.send(act, {"key": "k2", "act": "change", "ids": [chapter.id], "isWeakChapter": True})
    assert stands(backend, student, chapter).question_solved == 0
    assert rows.row(chapter.id)["weak"] is True


def test_more_than_past_papers_asked_asks_first(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter
) -> None:
    """A number above the past-paper total is not saved, stays in the field, and is saved on Save anyway."""
    typed = chapter.question_total + 7
    rows.change(chapter.id, questionSolved=typed)
    note = rows.row(chapter.id)["note"]
    assert stands(backend, student, chapter).question_solved == 0
    assert str(chapter.question_total) in note["text"]
    assert note["draft"]["questionSolved"] == typed
    rows.choose(note, "Save anyway")
    assert stands(backend, student, chapter).question_solved == typed


def test_the_old_number_can_be_kept(backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter) -> None:
    """Keep 3 leaves 3, and the question is gone."""
    rows.change(chapter.id, questionSolved=3)
    rows.change(chapter.id, questionSolved=chapter.question_total + 1)
    rows.choose(rows.row(chapter.id)["note"], "Keep 3")
    assert stands(backend, student, chapter).question_solved == 3
    assert rows.note(chapter.id) == ""
    assert rows.row(chapter.id)["solved"] == 3


def test_not_started_asks_about_the_questions(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter
) -> None:
    """Not started with 6 solved asks whether to set them to 0; agreeing does both in one change."""
    rows.change(chapter.id, questionSolved=6)
    rows.change(chapter.id, status="Not Started")
    assert stands(backend, student, chapter).status == "In Progress"
    assert rows.note(chapter.id).startswith("6 questions")
    rows.choose(rows.row(chapter.id)["note"], "Set to 0")
    own = stands(backend, student, chapter)
    assert (own.status, own.question_solved) == ("Not Started", 0)


def test_a_number_typed_over_another_tabs_is_refused_and_shown(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter
) -> None:
    """Another tab saved 9: typing 2 over the old value shows 9 and why, and 2 can be saved all the same."""
    backend.progress.change(student, chapter.id, ProgressChange(question_solved=9), key="other tab")
    rows.change(chapter.id, questionSolved=2, version=0)
    assert rows.row(chapter.id)["solved"] == 9
    assert "another tab" in rows.note(chapter.id)
    rows.choose(rows.row(chapter.id)["note"], "Save 2 instead")
    assert stands(backend, student, chapter).question_solved == 2


def test_presses_are_counted_each(backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter) -> None:
    """Three presses sent together, each under its own key, are fifteen questions; the answer says how it stands."""
    press = {"act": "change", "ids": [chapter.id], "questionsDelta": 5}
    answered = rows.send(*({**press, "key": f"press-{number}"} for number in range(3)))
    assert stands(backend, student, chapter).question_solved == 15
    assert answered["rows"][chapter.id] == {"status": "In Progress", "solved": 15, "weak": False, "version": 3}


def test_what_cannot_be_saved_yet_is_asked_for_again(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away the answer says so of the first act and leaves those behind it to the next request."""
    sent = [
        {"key": f"act-{number}", "act": "change", "ids": [chapter.id], "questionSolved": number} for number in (4, 6)
    ]
    with monkeypatch.context() as broken:
        broken.setattr(ProgressService, "change_many", _unavailable)
        answered = rows.send(*sent)
    (only,) = answered["answers"]
    assert only["key"] == "act-4"
    assert only["later"].startswith("Not saved. The database does not answer. It is kept here")
    rows.send(*sent)
    assert stands(backend, student, chapter).question_solved == 6


def test_an_act_that_fails_holds_up_no_other(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is said beside the row with a way to try again; the next act is carried out."""
    with monkeypatch.context() as broken:
        broken.setattr(ProgressService, "undo", lambda *_args: 1 / 0)
        rows.send(
            {"key": "undo-x", "act": "undo", "ids": [chapter.id], "batchId": "x"},
            {"key": "behind", "act": "change", "ids": [rows.data["rows"][1]["id"]], "questionsDelta": 2},
        )
    assert "Something went wrong" in rows.note(chapter.id)
    assert rows.data["rows"][1]["solved"] == 2


def _unavailable(*_args: object, **_more: object) -> None:
    raise Unavailable("The database does not answer.")


def test_selected_rows_change_together_with_one_undo(backend: Backend, student: Viewer, rows: ChapterList) -> None:
    """Three rows are completed by one act and brought back by one Undo."""
    ids = [row["id"] for row in rows.data["rows"][:3]]
    rows.change(*ids, status="Completed")
    assert [rows.row(one)["status"] for one in ids] == ["Completed"] * 3
    assert rows.data["note"]["text"].startswith("3 chapters saved")
    rows.choose(rows.data["note"], "Undo")
    assert backend.overview.summary(student).total.completed == 0


def test_a_filter_in_the_address_is_taken(
    backend: Backend, open_page: OpenPage, school: School, student: Viewer, chapter: Chapter
) -> None:
    """A shared or reloaded address with a filter opens the list as it was filtered."""
    backend.progress.change(student, chapter.id, ProgressChange(status="Completed"), key="k1")
    page = open_page("chapters/chapters.py", school.user(student), status="Completed")
    assert ChapterList(page).names == [chapter.chapter]


def test_filters_narrow_the_list(page: AppTest, rows: ChapterList, backend: Backend) -> None:
    """Subject and search leave only what fits both, and the count says how many in words."""
    page.selectbox(key="subject").set_value("Physics").run()
    assert {row["about"].split(" · ")[0] for row in rows.data["rows"]} == {"Physics"}
    page.text_input(key="search").set_value("gravitation").run()
    assert rows.names == ["Gravitation"]
    assert "1 chapter fits your filters" in html_of(page)


def test_units_follow_the_subject(page: AppTest) -> None:
    """Without a subject there is nothing to choose among; with one, its own units."""
    open_more_filters(page)
    assert page.selectbox(key="unit").disabled
    page.selectbox(key="subject").set_value("Physics").run()
    assert "Thermodynamics" in page.selectbox(key="unit").options


def test_asked_often_is_a_filter(page: AppTest, rows: ChapterList, backend: Backend, student: Viewer) -> None:
    """ "Asked at least 20 in the last 3 years" shows exactly those."""
    open_more_filters(page)
    page.selectbox(key="asked").set_value(20).run()
    page.selectbox(key="rows").set_value(20).run()
    every = [row for row in _every(backend, student) if row[1] >= 20]
    assert f"{len(every)} chapters" in html_of(page)
    assert set(rows.names) <= {name for name, _recent in every}


def _every(backend: Backend, viewer: Viewer) -> list[tuple[str, int]]:
    page = backend.overview.chapters(viewer, ChapterFilters(limit=200))
    return [(row.chapter.chapter, row.recent_total) for row in page.rows]


def test_nothing_fits_says_what_to_do(page: AppTest, rows: ChapterList) -> None:
    """An empty list offers to clear the filters, and that brings all chapters back."""
    page.text_input(key="search").set_value("zzzzzzzz").run()
    assert "No chapter fits your filters." in html_of(page)
    page.button(key="empty-action").click().run()
    assert len(rows.names) == 20


def test_a_page_has_twenty_rows_or_ten(page: AppTest, rows: ChapterList) -> None:
    """Twenty rows to begin with, ten on demand."""
    assert len(rows.names) == 20
    open_more_filters(page)
    page.selectbox(key="rows").set_value(10).run()
    assert len(rows.names) == 10


def test_a_further_filter_counts_while_they_are_folded_up(
    open_page: OpenPage, school: School, student: Viewer, backend: Backend
) -> None:
    """Folded up and unused the further filters are not sent at all; one that is in the address works, and is shown."""
    page = open_page("chapters/chapters.py", school.user(student), **{"class": "Class 11"})
    of_the_class = sum(each.class_ == "Class 11" for each in backend.chapters.active())
    assert f"{of_the_class} chapters fit your filters" in html_of(page)
    assert page.selectbox(key="class").value == "Class 11"
    assert page.expander[0].label == "More filters: 1 on"
    page.button(key="clear").click().run()
    assert not [each for each in page.selectbox if each.key == "class"]
    assert f"{len(backend.chapters.active())} chapters" in html_of(page)


def test_what_people_typed_is_shown_as_typed(
    backend: Backend, open_page: OpenPage, school: School, student: Viewer
) -> None:
    """A hostile chapter name reaches the rows as plain data and the table escaped: nowhere as HTML or Markdown."""
    admin = school.viewer(backend.sign_in.authenticate("admin@example.org", "correct horse battery"))
    draft = ChapterDraft(subject="Physics", class_="Class 11", unit="Mechanics 1", chapter=HOSTILE)
    backend.chapters.create(admin, draft)
    page = open_page("chapters/chapters.py", school.user(student), search="evil")
    assert ChapterList(page).names == [HOSTILE]
    assert HOSTILE not in html_of(page)


def test_only_our_own_script_is_understood(rows: ChapterList, chapter: Chapter) -> None:
    """What does not look like an act is refused in words and changes nothing."""
    rows.send({"key": "x", "act": "drop tables", "ids": [chapter.id]})
    assert "older than the server" in rows.note(chapter.id)
    assert rows.row(chapter.id)["version"] == 0


def test_times_are_the_students_own(
    backend: Backend, student: Viewer, rows: ChapterList, chapter: Chapter, clock: SetClock
) -> None:
    """A change three hours later says 3 pm in Kolkata."""
    clock.advance(timedelta(hours=3))
    rows.change(chapter.id, isWeakChapter=True)
    assert "3:00" in rows.note(chapter.id)


def _bring(page: AppTest, content: str) -> None:
    """Open the dialog and choose the file."""
    page.button(key="bring").click().run()
    page.file_uploader(key="own-file").set_value(("mine.csv", content.encode(), "text/csv"))
    page.button(key="bring").click().run()  # an AppTest runs the whole page, where a browser runs the dialog alone
    assert not page.exception


def test_an_own_list_is_previewed_before_it_is_taken_over(
    backend: Backend, student: Viewer, page: AppTest, chapter: Chapter
) -> None:
    """The dialog shows each change, what was not read and failed rows in the file's words; a yes writes."""
    content = f"Chapter,Unit,Solved,Remarks\n{chapter.chapter},{chapter.unit},3,easy\nZoology,,1,\nZoology 2,,1.000,\n"
    _bring(page, content)
    words = html_of(page)
    assert "The syllabus has no such chapter." in words
    assert "Zoology" in words
    assert "1.000 can be read in two ways" in words
    assert "“Remarks”" in words
    assert "Questions solved: 0 → 3" in re.sub("<[^>]*>", "", " ".join(html.proto.body for html in page.get("html")))
    assert stands(backend, student, chapter).question_solved == 0
    page.button(key="own-take-over").click()
    page.button(key="bring").click().run()
    assert not page.exception
    assert stands(backend, student, chapter).question_solved == 3


def test_a_doubtful_row_is_asked_about(backend: Backend, student: Viewer, page: AppTest, chapter: Chapter) -> None:
    """A select for the row; with the choice the preview shows what it changes."""
    _bring(page, f"Chapter,Status\n{chapter.chapter[:-1]},done\n")
    select = next(each for each in page.selectbox if "own-choice" in str(each.key))
    select.set_value(chapter.id)
    page.button(key="bring").click().run()
    page.button(key="own-take-over").click()
    page.button(key="bring").click().run()
    assert not page.exception
    assert stands(backend, student, chapter).status == "Completed"


def test_the_page_is_for_students(open_page: OpenPage, backend: Backend, school: School, student: Viewer) -> None:
    """A teacher who opens the page is refused by it, not only by the menu."""
    admin = backend.sign_in.authenticate("admin@example.org", "correct horse battery")
    page = open_page("chapters/chapters.py", admin)
    assert page.exception
