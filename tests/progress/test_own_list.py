"""A student's own list: what it says is taken, what it does not say stays, what is uncertain is asked."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters import export
from backend.chapters.files import parse_own
from backend.chapters.models import STATUSES, ImportReport, ImportRow, Outcome, OwnProgress
from backend.errors import Conflict, Invalid
from backend.progress import entries, own_list, rules, service
from backend.progress.models import ProgressChange
from tests.chapters.files import UNHURRIED, workbook
from tests.progress.builders import chapter, progress

MOTION = chapter("Laws of Motion", unit="Mechanics 1")
LIMITS = chapter("Limits", subject="Mathematics", unit="Calculus")
HEAT = chapter("Thermodynamics", unit="Heat")
KNOWN = (MOTION, LIMITS, HEAT)
RECORDS = {MOTION.id: progress(MOTION, "Completed", 12, weak=True)}


def planned(content: str | bytes, choices: dict[str, str] | None = None) -> own_list.OwnPlan:
    """The plan for a list of a student who has completed Laws of Motion with 12 solved, and marked it weak."""
    file = parse_own("mine", content.encode() if isinstance(content, str) else content)
    return own_list.plan(file, KNOWN, RECORDS, choices or {})


def only(content: str | bytes, choices: dict[str, str] | None = None) -> ImportRow:
    (row,) = planned(content, choices).rows
    return row


def changes(row: ImportRow) -> dict[str, tuple[object, object]]:
    """What a row changes: field → before, after."""
    return {change.field: (change.before, change.after) for change in row.changes}


SAID = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([*STATUSES, "", None]),
        "questionSolved": st.sampled_from([0, 5, 12, "", None]),
        "isWeakChapter": st.sampled_from([True, False, "", None]),
    },
)


@UNHURRIED
@given(SAID)
def test_what_a_list_does_not_say_stays(said: dict[str, object]) -> None:
    """For every mixture of absent, blank and given fields: a field changes only where the row gives another value."""
    plan = planned(json.dumps([{"chapter": "Laws of Motion", "unit": "Mechanics 1", **said}]))
    (row,) = plan.rows
    before = OwnProgress(status="Completed", question_solved=12, is_weak_chapter=True)
    given_values = {name: value for name, value in said.items() if value not in ("", None)}
    is_contradiction = given_values.get("status") == "Not Started" and given_values.get("questionSolved") is None
    if is_contradiction:
        assert row.outcome is Outcome.FAILED
        return
    after = rules.changed(before, plan.changes.get(MOTION.id, ProgressChange()))
    stands = {"status": after.status, "questionSolved": after.question_solved, "isWeakChapter": after.is_weak_chapter}
    was = {"status": "Completed", "questionSolved": 12, "isWeakChapter": True}
    for name, value in stands.items():
        if name == "status" and given_values.get("status") == "Not Started" and given_values.get("questionSolved"):
            assert value == "In Progress"
        else:
            assert value == given_values.get(name, was[name])
    assert changes(row) == {name: (was[name], stands[name]) for name in was if was[name] != stands[name]}
    assert row.outcome is (Outcome.UPDATED if row.changes else Outcome.UNCHANGED)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "subject,class,unit,chapter,weak\nPhysics,Class 11,Mechanics 1,Laws of Motion,no\n",
            {"isWeakChapter": (True, False)},
        ),
        (
            "subject,class,unit,chapter,status,questionSolved,isWeakChapter\n"
            "Physics,Class 11,Mechanics 1,Laws of Motion,Completed,,\n",
            {},
        ),
        ("chapter,solved\nLaws of Motion,14\n", {"questionSolved": (12, 14)}),
    ],
    ids=["weak alone", "blank solved", "solved alone"],
)  # fmt: skip
def test_one_column_changes_one_field(content: str, expected: dict[str, object]) -> None:
    """Lists with a single column, or blank cells, as people keep them."""
    assert changes(only(content)) == expected


def test_a_natural_list_is_understood() -> None:
    """Names alone, words of one's own, and no years; the field by field of a new record begins with the defaults."""
    rows = planned(
        "Chapter,Status,Questions,Weak,Remarks\nLaws of Motion,done,14,\nThermodynamics,in progress,5,yes,hard\n"
        "Limits,not started,,\n"
    ).rows
    assert [row.outcome for row in rows] == [Outcome.UPDATED, Outcome.ADDED, Outcome.UNCHANGED]
    assert changes(rows[0]) == {"questionSolved": (12, 14)}
    assert changes(rows[1]) == {
        "status": ("Not Started", "In Progress"),
        "questionSolved": (0, 5),
        "isWeakChapter": (False, True),
    }
    assert parse_own("x.csv", b"Chapter,Status,Remarks\nLimits,done,x\n").ignored_fields == ("Remarks",)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((word, "Completed") for word in ("DONE", "Finished", "complete", "✓", "✔️", "yes", "x", "पूर्ण", "Completed.",
        "✓ done", "Done!")),
        *((word, "In Progress") for word in ("started", "In-Progress", "ongoing", "WIP", "जारी")),
        *((word, "Not Started") for word in ("not started", "NOT YET STARTED", "to do", "शुरू नहीं")),
    ],
)  # fmt: skip
def test_words_for_a_status_are_those_people_use(word: str, status: str) -> None:
    """In any case."""
    (row,) = parse_own("x.csv", f"Chapter,Status\nLimits,{word}\n".encode()).rows
    assert row.own is not None
    assert row.own.status == status


@pytest.mark.parametrize(
    "word",
    ["half", "no", "maybe", "50%", "✗", "pending", "done?", "☐ done", "[ ] done", "❌ Completed", "~done", "!done"],
)
def test_other_words_for_a_status_are_refused(word: str) -> None:
    """What may mean two things is no status."""
    assert only(f"Chapter,Status\nLimits,{word}\n").outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("word", "weak"),
    [("✓", True), ("☑", True), ("Y", True), ("X", True), ("हाँ", True), ("☐", False), ("N", False), ("नहीं", False)],
)
def test_ticks_are_marks(word: str, weak: bool) -> None:
    """As people tick a list."""
    (row,) = parse_own("x.csv", f"Chapter,Weak?\nLimits,{word}\n".encode()).rows
    assert row.own is not None
    assert row.own.is_weak_chapter is weak


def test_headings_in_hindi_are_read() -> None:
    """Vowel signs are part of a word."""
    content = "विषय;कक्षा;अध्याय;स्थिति;हल किए प्रश्न;कमज़ोर\nMathematics;११;Limits;पूर्ण;१२;हाँ\n"
    assert changes(only(content)) == {
        "status": ("Not Started", "Completed"),
        "questionSolved": (0, 12),
        "isWeakChapter": (False, True),
    }


def test_a_doubtful_row_offers_chapters_and_takes_the_choice() -> None:
    """Nothing is taken until one is chosen; then the plan is that of a certain row."""
    content = "Chapter,Status\nThermodynmics,done\nLaw of Motion,done\n"
    first, second = planned(content).rows
    assert (first.outcome, [each.chapter_id for each in first.candidates]) == (Outcome.FAILED, [HEAT.id])
    assert first.chapter == "Thermodynmics"
    plan = planned(content, {"2": HEAT.id, "3": own_list.LEFT_OUT})
    assert (plan.rows[0].outcome, plan.rows[0].chapter) == (Outcome.ADDED, "Thermodynamics")
    assert plan.rows[0].reason == "The file says “Thermodynmics”."
    assert plan.rows[1].outcome is Outcome.UNCHANGED
    assert plan.changes.keys() == {HEAT.id}
    assert second.candidates[0].chapter_id == MOTION.id


def test_a_choice_of_no_row_or_no_chapter_is_said() -> None:
    """What is sent is used or refused."""
    with pytest.raises(Invalid, match="no such row"):
        planned("Chapter,Status\nLimits,done\n", {"9": HEAT.id})
    assert (
        only("Chapter,Status\nLimit,done\n", {"2": "gone"}).reason
        == "The chapter that you chose is not in the syllabus."
    )


def test_rows_of_one_chapter_that_differ_are_both_refused() -> None:
    """However each names it; the same twice is noted."""
    rows = planned(
        "Chapter,Unit,Status\nLimits,,done\nlimits,Calculus,started\nThermodynamics,,done\nthermodynamics,,done\n"
    ).rows
    assert [row.outcome for row in rows] == [Outcome.FAILED, Outcome.FAILED, Outcome.ADDED, Outcome.UNCHANGED]
    assert "row 3" in rows[0].reason
    assert "row 2" in rows[1].reason
    assert "row 4" in rows[3].reason


def test_every_sheet_is_planned_and_rows_are_known_by_sheet() -> None:
    """Row 2 of one sheet is not row 2 of another."""
    sheets = [[["Chapter", "Status"], [name, "done"]] for name in ("Limits", "Law of Motion")]
    first, second = planned(workbook(*sheets)).rows
    assert (first.ref, second.ref) == ("Sheet1!2", "Sheet2!2")
    assert planned(workbook(*sheets), {"Sheet2!2": MOTION.id}).rows[1].outcome is Outcome.UNCHANGED


def test_a_record_cannot_go_back_to_not_started_with_questions_solved() -> None:
    """The rule of every other door, said in the row."""
    row = only("Chapter,Status\nLaws of Motion,not started\n")
    assert (row.outcome, row.reason) == (
        Outcome.FAILED,
        "Not Started means no questions solved. Set the questions to 0 as well.",
    )


def test_rows_of_one_chapter_are_taken_together() -> None:
    """A list of what is done and one of what is weak say two things of a chapter; the same said twice counts once."""
    done = [["Chapter", "Status"], ["Thermodynamics", "done"], ["Limits", "done"], ["Limits", "Completed"]]
    plan = planned(workbook(done, [["Chapter", "Weak"], ["Thermodynamics", "yes"]]))
    assert [row.outcome for row in plan.rows] == [Outcome.ADDED, Outcome.ADDED, Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert changes(plan.rows[0]) == {"status": ("Not Started", "Completed"), "isWeakChapter": (False, True)}
    assert plan.rows[2].reason == "It says the same as row 3 of sheet “Sheet1”."
    assert plan.rows[3].reason == "It is taken together with row 2 of sheet “Sheet1”."


def test_rows_that_disagree_name_each_other_and_no_more() -> None:
    """Two rows say the same of a chapter and a third another: the two name the third, and it names both."""
    plan = planned("chapter,solved\nLimits,1\nLimits,2\nLimits,1\nThermodynamics,3\n")
    assert [row.reason for row in plan.rows] == [
        "The same chapter has different values in row 3.",
        "The same chapter has different values in row 2 and row 4.",
        "The same chapter has different values in row 3.",
        "",
    ]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_template_as_it_is_changes_nothing(ending: str) -> None:
    """It holds the learner's chapters with what stands now."""
    write = {"csv": export.template_csv, "xlsx": export.template_xlsx}[ending]
    plan = planned(write(KNOWN, RECORDS))
    assert [row.outcome for row in plan.rows] == [Outcome.UNCHANGED] * len(KNOWN)
    assert [row.chapter for row in plan.rows] == [chapter.chapter for chapter in KNOWN]


def test_a_column_of_years_is_said_to_be_left_out() -> None:
    """Own lists come from the download, which has them; what is wrong in them fails no row."""
    file = parse_own("x.csv", b"Chapter,Status,2024\nLimits,done,1.000\n")
    assert file.rows[0].problem is None
    assert "not read" in file.notes[0]


def test_the_saved_list_is_what_the_dry_run_said(backend: Backend, student: Viewer) -> None:
    """Same rows, same changes; one undo takes all of it back, and keeps what stood before."""
    first, second = (each for each in backend.chapters.active()[:2])
    before = ProgressChange(status="Completed", question_solved=2, is_weak_chapter=True)
    backend.progress.change(student, first.id, before, key="k1")
    content = f"chapter,unit,weak\n{first.chapter},{first.unit},no\n{second.chapter},{second.unit},yes\n".encode()
    dry = backend.progress.take_over(student, "x.csv", content, dry_run=True)
    done = backend.progress.take_over(student, "x.csv", content, dry_run=False, key="list")
    assert [(row.outcome, row.changes) for row in dry.rows] == [(row.outcome, row.changes) for row in done.rows]
    record = backend.progress.record(student.id).progress
    assert rules.own(record[first.id]) == OwnProgress(status="Completed", question_solved=2)
    assert rules.own(record[second.id]) == OwnProgress(is_weak_chapter=True)
    backend.progress.undo(student, str(done.batch_id))
    record = backend.progress.record(student.id).progress
    assert rules.own(record[first.id]) == OwnProgress(status="Completed", question_solved=2, is_weak_chapter=True)
    assert rules.own(record[second.id]) == OwnProgress()


@pytest.fixture
def long_list(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A list of every chapter, saved in steps of ten."""
    monkeypatch.setattr(entries, "BATCH_LIMIT", 10)
    return export.template_csv(backend.chapters.active(), {}).replace(b",0,no", b",1,yes")


def test_a_long_list_is_saved_in_steps_and_undone_as_one(backend: Backend, student: Viewer, long_list: bytes) -> None:
    """However many chapters it has; a change since is found before anything is taken back."""
    count = len(backend.chapters.active())
    report = backend.progress.take_over(student, "x.csv", long_list, dry_run=False, key="long")
    assert (report.added, backend.overview.home(student).summary.total.solved) == (count, count)
    last = backend.chapters.active()[-1].id
    backend.progress.change(student, last, ProgressChange(questions_delta=1), key="k2")
    with pytest.raises(Conflict):
        backend.progress.undo(student, str(report.batch_id))
    assert backend.overview.home(student).summary.total.solved == count + 1
    backend.progress.change(student, last, ProgressChange(questions_delta=-1), key="k3")
    for _time in range(2):
        assert backend.progress.undo(student, str(report.batch_id)).changed == count
    assert backend.overview.home(student).summary.total.solved == 0


def test_a_long_list_that_was_cut_off_goes_on(
    backend: Backend, student: Viewer, long_list: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same key again saves what is left, and one undo takes both parts back."""
    steps = itertools.count()
    save = service.ProgressService._save  # the step that is cut off

    def cut_off(*values: object, **options: object) -> object:
        if next(steps) == 3:
            raise ConnectionError
        return save(*values, **options)  # type: ignore[arg-type] # what it was called with

    def take_over() -> ImportReport:
        return backend.progress.take_over(student, "x.csv", long_list, dry_run=False, key="long")

    monkeypatch.setattr(service.ProgressService, "_save", cut_off)
    with pytest.raises(ConnectionError):
        take_over()
    count = len(backend.chapters.active())
    assert backend.overview.home(student).summary.total.solved == 30
    report = take_over()
    assert (report.added, report.unchanged) == (count - 30, 30)
    assert backend.overview.home(student).summary.total.solved == count
    assert backend.progress.undo(student, str(report.batch_id)).changed == count
