"""The catalogue as a service: edits keep progress, imports are dry first and change nothing twice."""

import json

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft, Outcome
from backend.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.progress.models import ProgressChange
from tests.school import School

NEW = ChapterDraft(
    subject="Physics", class_="Class 12", unit="Modern", chapter="Quarks", year_wise_question_count={"2025": 2}
)


def published(*drafts: ChapterDraft, **also: object) -> bytes:
    """A chapter file in the published shape."""
    rows = [
        {
            "subject": draft.subject,
            "class": draft.class_,
            "unit": draft.unit,
            "chapter": draft.chapter,
            "yearWiseQuestionCount": dict(draft.year_wise_question_count),
            **also,
        }
        for draft in drafts
    ]
    return json.dumps(rows).encode()


def test_the_shipped_catalogue_is_there_at_first_start(backend: Backend) -> None:
    """A new school has the whole syllabus without doing anything."""
    assert len(backend.chapters.active()) == 101


def test_a_new_chapter_is_seen_at_once(backend: Backend, teacher: Viewer) -> None:
    """What a teacher adds is in the syllabus of the next read."""
    created = backend.chapters.create(teacher, NEW)
    assert backend.chapters.get(created.id).question_total == 2


def test_names_are_the_same_without_regard_to_case(backend: Backend, teacher: Viewer) -> None:
    """A chapter cannot be added twice by writing it differently."""
    backend.chapters.create(teacher, NEW)
    with pytest.raises(Conflict, match="exists already"):
        backend.chapters.create(
            teacher, ChapterDraft(subject="PHYSICS", class_="class 12", unit="modern", chapter=" QUARKS ")
        )


def test_renaming_keeps_progress(backend: Backend, school: School, teacher: Viewer) -> None:
    """A chapter keeps its id, so a student's progress survives a new name, and moves with a new subject."""
    student = school.student(school.classroom(teacher))
    chapter = backend.chapters.create(teacher, NEW)
    backend.progress.change(student, chapter.id, ProgressChange(question_solved=2), key="k1")
    moved = ChapterDraft(subject="Chemistry", class_="Class 12", unit="Modern", chapter="Quarks and leptons")
    backend.chapters.edit(teacher, chapter.id, moved, version=chapter.version)
    summary = backend.overview.summary(student)
    assert {counts.subject: counts.solved for counts in summary.subjects if counts.solved} == {"Chemistry": 2}
    assert backend.overview.chapter(student, chapter.id).row.own is not None


def test_an_edit_on_an_old_version_is_refused(backend: Backend, teacher: Viewer) -> None:
    """Two teachers at once: the second is told, the first one's edit stays."""
    chapter = backend.chapters.create(teacher, NEW)
    first = ChapterDraft(subject="Physics", class_="Class 12", unit="Modern", chapter="Quarks (first)")
    second = ChapterDraft(subject="Physics", class_="Class 12", unit="Modern", chapter="Quarks (second)")
    backend.chapters.edit(teacher, chapter.id, first, version=chapter.version)
    with pytest.raises(Conflict, match="Somebody else"):
        backend.chapters.edit(teacher, chapter.id, second, version=chapter.version)
    assert backend.chapters.get(chapter.id).chapter == "Quarks (first)"


@pytest.mark.parametrize(
    "draft",
    [
        ChapterDraft(subject=" ", class_="Class 11", unit="u", chapter="c"),
        ChapterDraft(subject="Physics", class_="Class 11", unit="u", chapter="x" * 161),
        ChapterDraft(subject="P", class_="C", unit="u", chapter="c", year_wise_question_count={"2025": -1}),
        ChapterDraft(subject="P", class_="C", unit="u", chapter="c", year_wise_question_count={"$inc": 1}),
    ],
)
def test_bad_fields_are_refused(backend: Backend, teacher: Viewer, draft: ChapterDraft) -> None:
    """A missing name, an endless one or an impossible count never reaches the catalogue."""
    with pytest.raises(Invalid):
        backend.chapters.create(teacher, draft)


def test_a_dry_run_writes_nothing(backend: Backend, teacher: Viewer) -> None:
    """First the report, then, only when asked, the writing."""
    report = backend.chapters.import_file(teacher, "new.json", published(NEW), dry_run=True)
    assert (report.added, len(backend.chapters.active())) == (1, 101)


def test_importing_twice_changes_nothing_the_second_time(backend: Backend, teacher: Viewer) -> None:
    """The same file again is unchanged, row by row, and versions stay as they were."""
    known = backend.chapters.active()[0]
    changed = ChapterDraft(
        subject=known.subject,
        class_=known.class_,
        unit=known.unit,
        chapter=known.chapter,
        year_wise_question_count={**known.year_wise_question_count, "2026": 4},
    )
    content = published(NEW, changed)
    first = backend.chapters.import_file(teacher, "a.json", content, dry_run=False)
    versions = {chapter.id: chapter.version for chapter in backend.chapters.active()}
    again = backend.chapters.import_file(teacher, "a.json", content, dry_run=False)
    assert (first.added, first.updated) == (1, 1)
    assert (again.unchanged, again.added, again.updated) == (2, 0, 0)
    assert versions == {chapter.id: chapter.version for chapter in backend.chapters.active()}


def test_a_file_without_counts_leaves_the_known_ones(backend: Backend, teacher: Viewer) -> None:
    """A list of names says nothing of past papers: importing it takes no count away."""
    known = backend.chapters.active()[0]
    bare = ChapterDraft(subject=known.subject, class_=known.class_, unit=known.unit, chapter=known.chapter)
    report = backend.chapters.import_file(teacher, "names.json", published(bare), dry_run=False)
    assert report.unchanged == 1
    assert backend.chapters.get(known.id).year_wise_question_count == known.year_wise_question_count


def test_the_form_writes_names_as_an_import_does(backend: Backend, teacher: Viewer) -> None:
    """What a teacher types and what a file says become the same chapter, not two that look alike."""
    typed = ChapterDraft(subject="Physics", class_="12", unit="Modern", chapter="Qua\u200brks")
    backend.chapters.create(teacher, typed)
    report = backend.chapters.import_file(teacher, "a.json", published(NEW), dry_run=True)
    assert report.updated == 1


def test_failed_rows_say_why_and_the_others_are_written(backend: Backend, teacher: Viewer) -> None:
    """A row that cannot be is left out with its reason; the good rows beside it are saved."""
    bad = ChapterDraft(subject="", class_="Class 11", unit="u", chapter="Nameless")
    report = backend.chapters.import_file(teacher, "mixed.json", published(bad, NEW), dry_run=False)
    assert [row.outcome for row in report.rows] == [Outcome.FAILED, Outcome.ADDED]
    assert "ubject" in report.rows[0].reason
    assert len(backend.chapters.active()) == 102


def test_a_file_that_differs_in_case_only_is_an_update_of_the_same_chapter(backend: Backend, teacher: Viewer) -> None:
    """Spelling is corrected by an import, without making a second chapter."""
    known = backend.chapters.active()[0]
    louder = ChapterDraft(
        subject=known.subject,
        class_=known.class_,
        unit=known.unit,
        chapter=known.chapter.upper(),
        year_wise_question_count=known.year_wise_question_count,
    )
    report = backend.chapters.import_file(teacher, "a.json", published(louder), dry_run=False)
    assert (report.updated, len(backend.chapters.active())) == (1, 101)
    assert backend.chapters.get(known.id).chapter == known.chapter.upper()


def test_importing_an_archived_chapter_brings_it_back(backend: Backend, teacher: Viewer) -> None:
    """Its id, and so everybody's progress, returns with it."""
    chapter = backend.chapters.create(teacher, NEW)
    backend.chapters.archive(teacher, chapter.id)
    report = backend.chapters.import_file(teacher, "a.json", published(NEW), dry_run=False)
    assert (report.updated, backend.chapters.get(chapter.id).id) == (1, chapter.id)


def test_a_students_own_list_becomes_her_progress(backend: Backend, school: School, teacher: Viewer) -> None:
    """The three fields of a published file are taken over as progress; unknown chapters fail and add nothing."""
    student = school.student(school.classroom(teacher))
    known = backend.chapters.active()[0]
    content = published(known, NEW, status="Completed", questionSolved=7, isWeakChapter=True)
    dry = backend.progress.take_over(student, "mine.json", content, dry_run=True)
    assert backend.progress.record(student.id).progress == {}
    report = backend.progress.take_over(student, "mine.json", content, dry_run=False)
    assert [row.outcome for row in dry.rows] == [row.outcome for row in report.rows] == [Outcome.ADDED, Outcome.FAILED]
    record = backend.progress.record(student.id).progress[known.id]
    assert (record.status, record.question_solved, record.is_weak_chapter) == ("Completed", 7, True)
    again = backend.progress.take_over(student, "mine.json", content, dry_run=False)
    assert (again.unchanged, len(backend.chapters.active())) == (1, 101)


def test_what_was_done_before_is_not_todays_work(backend: Backend, school: School, teacher: Viewer) -> None:
    """A list taken over counts in the totals and the curve, but not for today, the streak or the week; undo works."""
    student = school.student(school.classroom(teacher))
    content = published(backend.chapters.active()[0], status="Completed", questionSolved=9)
    report = backend.progress.take_over(student, "mine.json", content, dry_run=False)
    home, insights = backend.overview.home(student), backend.overview.insights(student)
    assert (home.summary.total.solved, home.summary.total.completed) == (9, 1)
    assert (home.today.solved, home.week_solved, home.summary.streak.current) == (0, 0, 0)
    assert (insights.curve[-1].solved, insights.curve[-1].completed) == (9, 1)
    backend.progress.undo(student, str(report.batch_id))
    assert backend.overview.home(student).summary.total.solved == 0
    assert backend.overview.insights(student).curve[-1].solved == 0


def test_students_change_no_chapter(backend: Backend, student: Viewer) -> None:
    """The catalogue is for teachers and admins to change, whatever a page may offer."""
    chapter = backend.chapters.active()[0]
    for act in (
        lambda: backend.chapters.create(student, NEW),
        lambda: backend.chapters.edit(student, chapter.id, NEW, version=1),
        lambda: backend.chapters.archive(student, chapter.id),
        lambda: backend.chapters.import_file(student, "a.json", published(NEW), dry_run=True),
        lambda: backend.chapters.archived(student),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_an_archived_chapter_is_gone_for_students(backend: Backend, teacher: Viewer) -> None:
    """It is not found, and not in any list, until it is brought back."""
    chapter = backend.chapters.create(teacher, NEW)
    backend.chapters.archive(teacher, chapter.id)
    with pytest.raises(NotFound):
        backend.chapters.get(chapter.id)
    assert [one.id for one in backend.chapters.archived(teacher)] == [chapter.id]
