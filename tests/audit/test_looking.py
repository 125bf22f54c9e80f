"""An administrator who looks at a student's data is written down, by whichever route or page she comes."""

from datetime import timedelta

import pytest

from backend.accounts.models import Viewer
from backend.api import create_api
from backend.audit.models import AuditFilter
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.api.caller import Door, door
from tests.pages.signed_in import OpenPage
from tests.school import School

__all__ = ["door"]

ROUTES = {
    "/classrooms/{classroom}/students": "classroom.viewed",
    "/classrooms/{classroom}/statistics": "classroom.viewed",
    "/classrooms/{classroom}/matrix": "classroom.viewed",
    "/classrooms/{classroom}/students/{student}": "student.viewed",
    "/admin/users/{student}": "user.viewed",
    "/admin/sessions?user={student}": "user.viewed",
}
NAME = "Extraordinary Name"
PAGES = {"": "classroom.viewed", "chapters": "classroom.viewed", "numbers": "classroom.viewed"}


def looks(backend: Backend, admin: Viewer) -> list[tuple[str, str]]:
    """What she looked at, and when it was somebody: whom."""
    entries = backend.audit.entries(admin, AuditFilter(), limit=200).entries
    return [(each.act, each.target_id) for each in entries if each.act.endswith(".viewed")]


@pytest.mark.parametrize(("path", "act"), ROUTES.items())
def test_by_every_route(door: Door, backend: Backend, path: str, act: str) -> None:
    """One entry that names the class or the student; none for her teacher, whose office it is."""
    found = path.format(classroom=door.classroom.id, student=door.student_viewer.id)
    if not path.startswith("/admin"):
        assert door.teacher.get(found).status_code == 200
        assert looks(backend, door.admin_viewer) == []
    assert door.admin.get(found).status_code == 200
    whom = door.student_viewer.id if act != "classroom.viewed" else door.classroom.id
    assert (act, whom) in looks(backend, door.admin_viewer)


def test_no_other_route_shows_a_student_unwritten(
    door: Door, backend: Backend, school: School, clock: SetClock
) -> None:
    """What else an administrator reads is about nobody: her name stands in the list of people and the trail alone."""
    student, chapter = school.student(door.classroom, NAME), backend.chapters.active()[0].id
    backend.progress.change(student, chapter, ProgressChange(questions_delta=1), key="k")
    unwritten = set()
    for path, operations in create_api(backend).openapi()["paths"].items():
        address = path.replace("{classroomId}", door.classroom.id).replace("{chapterId}", chapter)
        if "get" not in operations or "{" in address or "event-stream" in str(operations["get"]["responses"]):
            continue
        clock.advance(timedelta(minutes=16))  # a second look within 15 is the same one
        before = len(looks(backend, door.admin_viewer))
        body = door.as_(door.admin_viewer).get(address).text
        if (NAME in body or student.id in body) and len(looks(backend, door.admin_viewer)) == before:
            unwritten.add(path)
    assert unwritten <= {"/admin/users", "/admin/audit"}


@pytest.mark.parametrize(("view", "act"), PAGES.items())
def test_by_the_page_of_a_class(open_page: OpenPage, backend: Backend, school: School, view: str, act: str) -> None:
    """Every view of the class page; and beside it the learner that the address names."""
    admin = school.admin()
    teacher = school.teacher(admin)
    classroom = school.classroom(teacher)
    student = school.student(classroom)
    query = {"id": classroom.id} | ({"view": view} if view else {})
    assert not open_page("classrooms/classroom.py", school.user(teacher), **query).exception
    assert looks(backend, admin) == []
    assert not open_page("classrooms/classroom.py", school.user(admin), **query).exception
    assert looks(backend, admin) == [(act, classroom.id)]
    if not view:
        open_page("classrooms/classroom.py", school.user(admin), **query, learner=student.id)
        assert ("student.viewed", student.id) in looks(backend, admin)
