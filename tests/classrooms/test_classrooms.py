"""Classrooms: made by teachers, joined by code, a secret to everyone else."""

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.errors import Invalid, NotAllowed, NotFound
from tests.school import School


def names(backend: Backend, viewer: Viewer) -> list[str]:
    return [classroom.name for classroom in backend.classrooms.classrooms(viewer)]


def test_a_teacher_sees_her_own_classes_and_an_admin_all(
    backend: Backend, school: School, admin: Viewer, teacher: Viewer
) -> None:
    """By name; another teacher's class is not on the list."""
    school.classroom(teacher, "12 B")
    school.classroom(teacher, "11 A")
    other = school.teacher(admin, "Omar Other")
    school.classroom(other, "10 C")
    assert names(backend, teacher) == ["11 A", "12 B"]
    assert names(backend, other) == ["10 C"]
    assert names(backend, admin) == ["10 C", "11 A", "12 B"]


def test_a_foreign_class_does_not_seem_to_exist(
    backend: Backend, school: School, admin: Viewer, teacher: Viewer
) -> None:
    """To another teacher a class is as unknown as one that never was; to a student it is not hers to manage."""
    classroom = school.classroom(teacher)
    student = school.student(classroom)
    with pytest.raises(NotFound) as foreign:
        backend.classrooms.taught(school.teacher(admin, "Omar Other"), classroom.id)
    with pytest.raises(NotFound) as unknown:
        backend.classrooms.taught(teacher, "no such class")
    assert foreign.value.message == unknown.value.message
    with pytest.raises(NotAllowed):
        backend.classrooms.rename(student, classroom.id, "Ours")


def test_a_student_sees_the_name_but_not_the_code(backend: Backend, school: School, teacher: Viewer) -> None:
    """Her own class is listed without its join code."""
    student = school.student(school.classroom(teacher, "12 A"))
    (seen,) = backend.classrooms.classrooms(student)
    assert (seen.name, seen.join_code) == ("12 A", None)


def test_signed_in_students_join_by_code(backend: Backend, school: School, teacher: Viewer) -> None:
    """A code typed in small letters with spaces lets her in; twice does it once; a wrong one says whom to ask."""
    student = school.student(school.classroom(teacher, "12 A"))
    second = school.classroom(teacher, "Weekend")
    typed = str(second.join_code).lower().replace("-", " ")
    assert backend.classrooms.join(student, typed).name == "Weekend"
    backend.classrooms.join(student, typed)
    assert len(school.viewer(school.user(student)).classroom_ids) == 2
    with pytest.raises(Invalid, match="ask your teacher"):
        backend.classrooms.join(student, "WRONG-CODE")


def test_a_renewed_code_replaces_the_old_one(backend: Backend, school: School, teacher: Viewer) -> None:
    """The old code lets nobody in any more, the new one does."""
    classroom = school.classroom(teacher)
    renewed = backend.classrooms.renew_code(teacher, classroom.id)
    assert renewed.join_code != classroom.join_code
    with pytest.raises(Invalid):
        school.student(classroom)
    assert school.student(renewed).classroom_ids == (classroom.id,)


def test_an_archived_class_is_gone_from_every_list(backend: Backend, school: School, teacher: Viewer) -> None:
    """It is listed for nobody and its code lets nobody in."""
    classroom = school.classroom(teacher)
    backend.classrooms.archive(teacher, classroom.id)
    assert names(backend, teacher) == []
    with pytest.raises(Invalid):
        school.student(classroom)


def test_a_removed_student_is_out_at_once(backend: Backend, school: School, teacher: Viewer) -> None:
    """The class is no longer hers on her next click; taking her out again finds nobody."""
    classroom = school.classroom(teacher)
    student = school.student(classroom)
    backend.classrooms.remove_student(teacher, classroom.id, student.id)
    assert school.viewer(school.user(student)).classroom_ids == ()
    with pytest.raises(NotFound):
        backend.classrooms.remove_student(teacher, classroom.id, student.id)


@pytest.mark.parametrize("name", ["\u202e\ufe0f", "\U0001d159", "\u0301", "A\ud800", "", "   ", "x" * 81, "a\x00b"])
def test_a_class_needs_a_name(backend: Backend, teacher: Viewer, name: str) -> None:
    """An empty, overlong or unprintable name is refused in words."""
    with pytest.raises(Invalid, match="The name of the class"):
        backend.classrooms.create(teacher, name)


def test_students_make_no_classes(backend: Backend, student: Viewer) -> None:
    """Only teachers and admins may."""
    with pytest.raises(NotAllowed):
        backend.classrooms.create(student, "Ours")
