"""A class page costs the same number of queries for any number of learners."""

from collections.abc import Callable
from functools import partial

from backend.accounts.models import ProfileChange, Viewer
from backend.boards.models import EVERYONE, PERIODS
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.progress.models import ProgressChange
from tests.classrooms.builders import queries_of, save
from tests.school import School

# With nothing in the cache: classes and teachers 2, the catalogue 2 (it is read in two batches), then the part itself:
# who is in the class, what changed of whom, and that.
MOST = {"report": 2 + 2 + 4, "matrix": 2 + 2 + 3, "weeks": 2 + 4, "learner": 2 + 2 + 4 + 5}


def test_queries_do_not_grow_with_the_class(backend: Backend, school: School) -> None:
    """Report, matrix, weeks and one learner send as many commands for eight learners as for two."""
    teacher = school.teacher(school.admin())
    classroom = school.classroom(teacher)
    small = _counted(backend, school, teacher, classroom, new=2)
    large = _counted(backend, school, teacher, classroom, new=6)
    assert small == large
    assert all(large[part] <= most for part, most in MOST.items()), large


def test_every_query_finds_its_way_by_an_index(backend: Backend, school: School) -> None:
    """No part of a class page, and no board, reads a collection through or sorts in memory.

    The catalogue, the list of classes and the people of one page are few and read whole.
    """
    teacher = school.teacher(school.admin())
    classroom = school.classroom(teacher)
    student = school.student(classroom)
    backend.accounts.update_profile(student, ProfileChange(board_joined=True, board_name="Comet"))
    for position in range(3):
        save(backend, student, position, f"k{position}", ProgressChange(questions_delta=1))
    reads: dict[str, Callable[[], object]] = dict(_parts(backend, teacher, classroom, student))
    for scope in (EVERYONE, classroom.id):
        for period in PERIODS:
            reads[f"{scope} {period}"] = partial(backend.boards.board, teacher, scope, period)
    for name, read in reads.items():
        for query in queries_of(backend, read):
            if query["ns"].split(".", 1)[1] not in ("chapters", "classrooms"):
                assert "COLLSCAN" not in query.get("planSummary", ""), (name, query)
                assert not query.get("hasSortStage"), (name, query)


def test_a_learners_panel_reads_one_learner(
    backend: Backend, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """Once the figures of the class are cached, no command of a panel names anybody else of the class."""
    asked, *others = [school.student(classroom, f"Student {count}") for count in range(5)]
    for student in (asked, *others):
        save(backend, student, 0, "k", ProgressChange(questions_delta=1))
    panel = partial(backend.reports.learner, teacher, classroom.id)
    panel(others[0].id)
    queries = queries_of(backend, partial(panel, asked.id), is_cold=False)
    assert queries
    assert not [each for each in queries if any(other.id in str(each) for other in others)]


def _counted(backend: Backend, school: School, teacher: Viewer, classroom: Classroom, new: int) -> dict[str, int]:
    students = [school.student(classroom, f"Student {count}") for count in range(new)]
    for student in students:
        for position in range(20):
            save(backend, student, position, f"k{position}", ProgressChange(questions_delta=1))
    parts = _parts(backend, teacher, classroom, students[0])
    return {name: len(queries_of(backend, read)) for name, read in parts.items()}


def _parts(backend: Backend, teacher: Viewer, classroom: Classroom, student: Viewer) -> dict[str, Callable[[], object]]:
    reading = backend.reports
    return {
        "report": lambda: reading.report(teacher, classroom.id),
        "matrix": lambda: reading.matrix(teacher, classroom.id),
        "weeks": lambda: reading.completions_over_time(teacher, classroom.id),
        "learner": lambda: reading.learner(teacher, classroom.id, student.id),
    }
