"""Warming the school's own regions: values are there before they are asked for, and nobody sees more for it."""

import pytest

from backend.bootstrap import Backend
from backend.errors import NotFound
from backend.jobs import WARMING, table
from backend.kit.cache.answer_source import farthest_source, forget_sources
from backend.kit.observability.metrics import Registry
from backend.kit.schedule.scheduler import Scheduler
from tests.school import School
from tests.waiting import until


def test_a_teacher_finds_her_class_warm_and_others_find_nothing(backend: Backend, school: School) -> None:
    """After all was dropped and warmed her report asks only who changed; another teacher is refused as before."""
    admin = school.admin()
    teacher, other = school.teacher(admin), school.teacher(admin)
    classroom = school.classroom(teacher)
    until(lambda: backend.cache.healthy)
    backend.reports.report(teacher, classroom.id)
    backend.cache.invalidate("*")
    backend.classrooms.taught(teacher, classroom.id)  # who may see what is read for the viewer, not warmed
    assert backend.warmer.run().loaded >= 2
    forget_sources()
    backend.reports.report(teacher, classroom.id)
    assert farthest_source() in ("app", "redis")
    with pytest.raises(NotFound):
        backend.reports.report(other, classroom.id)


def test_a_class_that_is_gone_is_not_warmed(backend: Backend, school: School) -> None:
    """Once a class was archived, what was asked of it is forgotten instead of loaded."""
    teacher = school.teacher(school.admin())
    classroom = school.classroom(teacher)
    backend.reports.report(teacher, classroom.id)
    backend.reports.matrix(teacher, classroom.id)
    backend.classrooms.archive(teacher, classroom.id)
    assert backend.warmer.run().forgotten == 1
    assert backend.warmer.run().forgotten == 0


def test_two_processes_that_start_together_warm_once(backend: Backend) -> None:
    """Both ask for warming at their start; one of them does it."""
    pair = [
        Scheduler(backend.runs, table(backend), Registry(), time_zone=backend.settings.time_zone) for _number in "ab"
    ]
    for each in pair:
        each.begin()

    def is_done() -> bool:
        for each in pair:
            each.look()
        return any(run.state == "done" for run in backend.runs.newest(WARMING, 5))

    until(is_done)
    for each in pair:
        each.look()
        each.end()
    assert len(backend.runs.newest(WARMING, 5)) == 1
