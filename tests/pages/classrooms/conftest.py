"""Two learners of a class: one at work, one who fell silent."""

from datetime import timedelta

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.classrooms.builders import save
from tests.school import School

COMPLETED = ProgressChange(status="Completed")


@pytest.fixture
def quiet(backend: Backend, school: School, classroom: Classroom, clock: SetClock) -> Viewer:
    """A learner who solved once and then fell silent for 20 days."""
    student = school.student(classroom, "Quiet Qamar")
    save(backend, student, 0, "q", ProgressChange(questions_delta=7, is_weak_chapter=True))
    clock.advance(timedelta(days=20))
    return student


@pytest.fixture
def busy(backend: Backend, school: School, classroom: Classroom, quiet: Viewer) -> Viewer:
    """A learner who completed two chapters today."""
    student = school.student(classroom, "Busy Bela")
    save(backend, student, 1, "b1", COMPLETED)
    save(backend, student, 2, "b2", ProgressChange(status="Completed", questions_delta=12))
    return student
