"""A school made in bulk is one that the product could have made: every copy and every sum agrees."""

from collections.abc import Iterator

import pytest

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.mongo.client import Document
from backend.progress.models import ProgressChange
from bench import maker, people, plain
from bench.clock import MovingClock
from bench.made import CHAPTERS, Made, Size
from bench.past import past
from tests.progress.recount import recounted, stands

TINY = Size(name="tiny", students=3)


@pytest.fixture
def made(settings: Settings) -> Made:
    return maker.made(settings, TINY, lambda _line: None)


@pytest.fixture
def school(settings: Settings, made: Made) -> Iterator[Backend]:
    """The product over the school that was made."""
    built = build(settings, clock=MovingClock(made.at))
    try:
        yield built
    finally:
        built.close()


def test_what_is_kept_of_a_student_is_what_counting_again_gives(school: Backend, made: Made) -> None:
    """Totals come from the records, study days from the history, the streak and its days from the study days."""
    assert school.mongo["progress"].count_documents({}) == TINY.records == 3 * CHAPTERS
    for number in range(TINY.students):
        student = made.student(number)
        record = school.progress.record(student.id)
        assert stands(school, student) == recounted(school, student)
        assert {day.day.isoformat(): (day.solved, day.completed, day.changes) for day in record.days} == _days(
            school, student.id
        )
        assert record.summary.studied_days == sum(day.solved > 0 or day.completed > 0 for day in record.days)


def test_statistics_are_those_of_the_plain_aggregation(school: Backend, made: Made) -> None:
    """What the projector would keep, the maker has kept: sums over all records, by subject and class."""
    rows = school.statistics.statistics(made.administrator(), ("subject", "class")).rows
    kept = {(row.subject, row.class_): (row.completed, row.in_progress, row.weak, row.solved) for row in rows}
    assert kept == {
        (row["_id"]["subject"], row["_id"]["class"]): (row["completed"], row["inProgress"], row["weak"], row["solved"])
        for row in plain.statistics(school.mongo)
    }


def test_a_school_that_is_there_is_found_and_another_is_made_anew(settings: Settings, made: Made) -> None:
    """The same size gives the same school again, to the moment; another size does not."""
    assert maker.made(settings, TINY, lambda _line: None) == made
    other = maker.made(settings, Size(name="other", students=2), lambda _line: None)
    assert (other.size.students, other.at > made.at) == (2, True)


def test_a_past_is_the_same_for_the_same_seed(school: Backend, made: Made) -> None:
    """Whoever makes it, whenever: the same student did the same."""
    chapters, user = school.chapters.every(), people.student(1, made.at)
    assert past(user, chapters, made.at, 1) == past(user, chapters, made.at, 1)
    assert past(user, chapters, made.at, 1).records != past(user, chapters, made.at, 2).records


def test_a_made_student_can_go_on(school: Backend, made: Made) -> None:
    """She is in her class and on the board, and the product saves for her as for anybody."""
    student, teacher = made.student(0), made.teacher(0)
    board = school.boards.board(student, period="all")
    assert board.participants == TINY.students
    assert board.me
    chapter = school.chapters.active()[0]
    school.progress.change(student, chapter.id, ProgressChange(questions_delta=1), key="more", confirm=True)
    assert stands(school, student) == recounted(school, student)
    report = school.reports.report(teacher, made.classroom(0).id)
    assert len(report.learners) == min(people.CLASS_SIZE, TINY.students)


def _days(school: Backend, student_id: str) -> dict[str, tuple[int, int, int]]:
    """Solved, completed and the number of changes of each study day, from the history."""
    found: dict[str, tuple[int, int, int]] = {}
    entry: Document
    for entry in school.mongo["activity"].find({"studentId": student_id}):
        solved, completed, changes = found.get(entry["studyDay"], (0, 0, 0))
        deltas = entry["deltas"]
        found[entry["studyDay"]] = (solved + deltas["solved"], completed + deltas["completed"], changes + 1)
    return found
