"""A class page costs the same number of queries for any number of learners."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.progress.models import ProgressChange
from tests.classrooms.builders import queries_of, save
from tests.school import School

# With nothing in the cache: classes and teachers 2, the catalogue 2 (it is read in two batches), then the part itself.
MOST = {"report": 2 + 2 + 3, "matrix": 2 + 2 + 2, "weeks": 2 + 3, "learner": 2 + 2 + 3 + 5}


def test_queries_do_not_grow_with_the_class(backend: Backend, school: School) -> None:
    """Report, matrix, weeks and one learner send as many commands for eight learners as for two."""
    teacher = school.teacher(school.admin())
    classroom = school.classroom(teacher)
    small = _counted(backend, school, teacher, classroom, new=2)
    large = _counted(backend, school, teacher, classroom, new=6)
    assert small == large
    assert all(large[part] <= most for part, most in MOST.items()), large


def _counted(backend: Backend, school: School, teacher: Viewer, classroom: Classroom, new: int) -> dict[str, int]:
    reading = backend.reports
    students = [school.student(classroom, f"Student {count}") for count in range(new)]
    for student in students:
        for position in range(20):
            save(backend, student, position, f"k{position}", ProgressChange(questions_delta=1))
    return {
        "report": queries_of(backend, lambda: reading.report(teacher, classroom.id)),
        "matrix": queries_of(backend, lambda: reading.matrix(teacher, classroom.id)),
        "weeks": queries_of(backend, lambda: reading.completions_over_time(teacher, classroom.id)),
        "learner": queries_of(backend, lambda: reading.learner(teacher, classroom.id, students[0].id)),
    }
