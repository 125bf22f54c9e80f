"""Changes of many chapters: in steps that any process takes up, one at a time, and undone while nothing followed."""

import json
from typing import Any

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters import changes, service
from backend.chapters.models import Chapter, ChapterDraft
from backend.errors import Conflict, NotFound
from backend.kit.schedule.runner import Stopped
from backend.progress.models import ProgressChange
from tests.chapters.test_at_once import draft_of, file_of
from tests.progress.recount import recounted, stands
from tests.school import School
from tests.statistics.test_jobs import outcome

ONE_NEW_YEAR = b"subject,class,unit,chapter,2026\nPhysics,Class 11,Mechanics 1,Laws of Motion,7\n"
ODD_YEAR = b"subject,class,unit,chapter,2062\nPhysics,Class 11,Mechanics 1,A chapter with a slip,3\n"
CAPITALS = b"subject,class,unit,chapter,2025\nPHYSICS,Class 11,Mechanics 1,A chapter in capitals,3\n"


def named(backend: Backend, name: str) -> Chapter:
    return next(chapter for chapter in backend.chapters.active() if chapter.chapter == name)


def rows(count: int) -> bytes:
    """So many new chapters, as a file."""
    return file_of([ChapterDraft(subject="S", class_="Class 11", unit="U", chapter=f"C {at}") for at in range(count)])


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of three chapters or students, of which whoever begins a change takes one."""
    monkeypatch.setattr(changes, "STEP", 3)
    monkeypatch.setattr(service, "INLINE_SECONDS", -1.0)


def test_the_three_files_of_the_issue(backend: Backend, teacher: Viewer) -> None:
    """A new year is added to the others, an odd one moves nobody's figures, capitals make no second subject."""
    before = dict(named(backend, "Laws of Motion").year_wise_question_count)
    recent = {row.chapter.id: row.recent_total for row in backend.overview._rows(None)}
    for file in (ONE_NEW_YEAR, ODD_YEAR, CAPITALS):
        backend.chapters.import_file(teacher, "a.csv", file, dry_run=False)
    assert named(backend, "Laws of Motion").year_wise_question_count == {**before, "2026": 7}
    after = {row.chapter.id: row.recent_total for row in backend.overview._rows(None)}
    assert {key: after[key] for key in recent} == recent
    assert backend.overview.facets().subjects == ("Physics", "Chemistry", "Mathematics")


def test_an_import_is_taken_back(backend: Backend, school: School, teacher: Viewer) -> None:
    """Changed chapters are as they were, new ones are gone, those with somebody's progress are in the archive; once."""
    student, motion = school.student(school.classroom(teacher)), named(backend, "Laws of Motion")
    backend.chapters.archive(teacher, backend.chapters.active()[0].id)
    (archived,) = backend.chapters.archived(teacher)
    content = file_of([draft_of(motion, year_wise_question_count={"2026": 7}), draft_of(archived)])
    drafts = json.loads(content) + json.loads(rows(2))
    report = backend.chapters.import_file(teacher, "a.json", json.dumps(drafts).encode(), dry_run=False)
    backend.progress.change(student, named(backend, "C 0").id, ProgressChange(question_solved=3), key="k", confirm=True)
    undone = backend.chapters.undo_import(teacher, str(report.import_id))
    assert (undone.state, undone.undoes, undone.updated, undone.removed) == ("done", report.import_id, 2, 2)
    assert named(backend, "Laws of Motion").year_wise_question_count == motion.year_wise_question_count
    assert {each.chapter for each in backend.chapters.archived(teacher)} == {archived.chapter, "C 0"}
    assert len(backend.chapters.active()) == 100
    assert stands(backend, student) == recounted(backend, student)
    with pytest.raises(Conflict, match="already been undone"):
        backend.chapters.undo_import(teacher, str(report.import_id))
    assert [each.state for each in backend.chapters.imports(teacher)] == ["done", "undone"]


def test_the_name_of_a_file_is_kept_as_it_can_be_shown(backend: Backend, teacher: Viewer) -> None:
    """It stands in the list of imports, so no sign of it turns the line round or fills the page."""
    name = "\u202efdp.csv\u0007\n" + "x" * 5_000
    report = backend.chapters.import_file(teacher, name, ONE_NEW_YEAR, dry_run=False)
    undone = backend.chapters.undo_import(teacher, str(report.import_id))
    kept = backend.chapters.import_state(teacher, str(report.import_id)).file_name
    assert (kept[:11], len(kept)) == ("fdp.csv\ufffd xx", 121)
    assert undone.file_name == kept


def test_an_import_with_later_changes_is_not_taken_back(backend: Backend, teacher: Viewer) -> None:
    """The refusal names the chapter, and nothing of the import is taken back."""
    report = backend.chapters.import_file(teacher, "a.csv", ONE_NEW_YEAR, dry_run=False)
    motion = named(backend, "Laws of Motion")
    backend.chapters.edit(teacher, motion.id, draft_of(motion, unit="Mechanics 2"), version=motion.version)
    with pytest.raises(Conflict, match="Laws of Motion"):
        backend.chapters.undo_import(teacher, str(report.import_id))
    assert named(backend, "Laws of Motion").year_wise_question_count["2026"] == 7
    with pytest.raises(NotFound):
        backend.chapters.undo_import(teacher, "nothing")


def test_the_plan_that_was_shown_is_carried_out_or_nothing(backend: Backend, teacher: Viewer) -> None:
    """A dry run's plan is given back; where its chapter changed meanwhile the import is refused in words."""
    dry = backend.chapters.import_file(teacher, "a.csv", ONE_NEW_YEAR, dry_run=True)
    motion = named(backend, "Laws of Motion")
    other = backend.chapters.active()[0]
    backend.chapters.edit(teacher, other.id, draft_of(other, unit="Mechanics 2"), version=other.version)
    assert backend.chapters.import_file(teacher, "a.csv", ONE_NEW_YEAR, dry_run=True).plan == dry.plan
    backend.chapters.edit(teacher, motion.id, draft_of(motion, unit="Mechanics 2"), version=motion.version)
    with pytest.raises(Conflict, match="since the preview"):
        backend.chapters.import_file(teacher, "a.csv", ONE_NEW_YEAR, dry_run=False, plan=dry.plan)


@pytest.mark.usefixtures("small_steps")
def test_a_large_import_goes_on_where_it_was_left(backend: Backend, teacher: Viewer) -> None:
    """Whoever began it is told that it runs; nobody else changes the catalogue meanwhile; another process ends it."""
    report = backend.chapters.import_file(teacher, "a.json", rows(10), dry_run=False)
    state = backend.chapters.import_state(teacher, str(report.import_id))
    assert (report.state, state.done, state.total) == ("running", 3, 10)
    first = backend.chapters.active()[0]
    with pytest.raises(Conflict, match="is running"):
        backend.chapters.archive(teacher, first.id)

    def stop(left: list[int] = [1]) -> None:  # noqa: B006 # counts the steps of this test
        if not left.pop():
            raise Stopped
        left.append(0)

    with pytest.raises(Stopped):
        backend.chapters.carry_on(check=stop)
    told: list[float] = []
    assert backend.chapters.carry_on(tell=told.append)
    assert told == [0.6, 0.9, 1.0]
    assert backend.chapters.import_state(teacher, str(report.import_id)).state == "done"
    assert sum(chapter.subject == "S" for chapter in backend.chapters.active()) == 10
    assert not backend.chapters.carry_on()
    backend.chapters.archive(teacher, first.id)


def test_totals_follow_many_archived_chapters_in_steps(
    backend: Backend, school: School, teacher: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recount that was left halfway is taken up by the job, and ends with what a recount of records gives."""
    classroom = school.classroom(teacher)
    students = [school.student(classroom, f"S {at}") for at in range(5)]
    chapters = backend.chapters.active()[:3]
    completed = {each.id: ProgressChange(status="Completed", question_solved=2) for each in chapters}
    for student in students:
        backend.progress.change_many(student, completed, key="k")
    monkeypatch.setattr(backend.recount, "_step", 2)
    monkeypatch.setattr("backend.progress.service.FOLLOW_UP_SECONDS", -1.0)
    backend.chapters.archive(teacher, chapters[0].id)
    assert backend.recount.share() == pytest.approx(0.4)
    backend.chapters.edit(teacher, chapters[1].id, draft_of(chapters[1], subject="Ethics"), version=1)
    assert backend.recount.carry_on()
    assert backend.recount.share() is None
    for student in students:
        assert stands(backend, student) == recounted(backend, student)
        assert backend.overview.summary(student).total.solved == 6
    copies = backend.mongo["progress"].distinct("subject", {"chapterId": chapters[1].id})
    assert copies == ["Ethics"]


ALIKE = ("Kinematics", "Kine\u034fmatics", "Kinematics\ufe0f", "KINEMATICS", "Ki\u0640nematics")


@pytest.mark.parametrize("name", ALIKE)
def test_a_dry_run_says_what_the_real_run_does(backend: Backend, teacher: Viewer, name: str) -> None:
    """Names that differ in signs that nobody sees: both runs say the same, row by row, and nothing is refused whole."""
    drafts = [ChapterDraft(subject="S", class_="Class 11", unit="U", chapter=each) for each in ("Kinematics", name)]
    content = file_of(drafts)
    dry, real = (backend.chapters.import_file(teacher, "a.json", content, dry_run=each) for each in (True, False))
    assert (dry.added, dry.unchanged) == (real.added, real.unchanged) == (1, 1)
    assert dry.rows == real.rows


def test_the_form_takes_the_catalogues_spelling_and_asks_about_a_near_one(backend: Backend, teacher: Viewer) -> None:
    """“PHYSICS” becomes “Physics”; “Phyiscs” is asked about, and kept as it is once confirmed."""
    fields: dict[str, Any] = {"class_": "11", "unit": "mechanics 1", "year_wise_question_count": {}}
    created = backend.chapters.create(teacher, ChapterDraft(subject="PHYSICS", chapter="A", **fields))
    assert (created.subject, created.unit) == ("Physics", "Mechanics 1")
    near = ChapterDraft(subject="Phyiscs", chapter="B", **fields)
    with pytest.raises(Conflict, match="Physics") as refusal:
        backend.chapters.create(teacher, near)
    assert refusal.value.code == "near_name"
    assert backend.chapters.create(teacher, near, confirm=True).subject == "Phyiscs"


@pytest.mark.usefixtures("small_steps")
def test_the_job_ends_what_a_process_left(backend: Backend, teacher: Viewer) -> None:
    """Whichever worker runs it next writes the rest of an import, and says so; then there is nothing to do."""
    report = backend.chapters.import_file(teacher, "a.json", rows(10), dry_run=False)
    assert outcome(backend, "catalogue") == "chapters brought up to date"
    assert backend.chapters.import_state(teacher, str(report.import_id)).state == "done"
    assert outcome(backend, "catalogue") == "nothing to do"
