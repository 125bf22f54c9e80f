"""Every privileged act leaves its entry: who, what, before and after."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backend.accounts.models import Viewer
from backend.audit.models import AuditFilter
from backend.audit.queries import AuditQueries
from backend.bootstrap import Backend
from backend.chapters.models import Chapter, ChapterDraft
from backend.errors import Conflict, NotFound, Unavailable
from backend.kit.clock import SetClock
from tests.school import School

FILE = b"subject,class,unit,chapter,2024\nPhysics,Class 11,Optics,Mirrors,3\n"


def acts(backend: Backend, admin: Viewer, target: str | None = None) -> list[str]:
    people = (target,) if target else None
    return [each.act for each in backend.audit.entries(admin, AuditFilter(people=people), limit=200).entries][::-1]


def test_of_accounts(backend: Backend, school: School) -> None:
    """Adding a person, her role, her activation and her link are written down with before and after."""
    admin = school.admin()
    teacher = school.teacher(admin)
    change = backend.administration
    change.set_role(admin, teacher.id, "admin")
    change.set_role(admin, teacher.id, "teacher")
    change.set_active(admin, teacher.id, active=False)
    change.set_active(admin, teacher.id, active=True)
    change.make_reset_link(admin, teacher.id)
    expected = ["user.created", "user.role_changed", "user.role_changed", "user.deactivated", "user.activated"]
    found = [each for each in acts(backend, admin, teacher.id) if each != "password.reset"]
    assert found == [*expected, "password.link_made"]
    (first, *_rest) = backend.audit.entries(admin, AuditFilter(act="user.role_changed")).entries[::-1]
    assert (first.before, first.after) == ({"role": "teacher"}, {"role": "admin"})


def test_a_refused_act_leaves_no_entry(backend: Backend, school: School) -> None:
    """Nothing is written of what did not happen: the last administrator stays, and so does the trail."""
    admin = school.admin()
    before = acts(backend, admin)
    with pytest.raises(Conflict):
        backend.administration.set_active(admin, admin.id, active=False)
    with pytest.raises(NotFound):
        backend.administration.set_role(admin, "unknown", "teacher")
    assert acts(backend, admin) == before


def test_of_classes(backend: Backend, school: School) -> None:
    """What is done to a class, and taking a student out of it, is written down."""
    admin = school.admin()
    teacher = school.teacher(admin)
    classroom = school.classroom(teacher)
    student = school.student(classroom)
    rooms = backend.classrooms
    rooms.rename(teacher, classroom.id, "12 Z")
    rooms.renew_code(teacher, classroom.id)
    rooms.set_board_mode(teacher, classroom.id, "off")
    backend.reports.export(teacher, classroom.id)
    rooms.remove_student(teacher, classroom.id, student.id)
    rooms.archive(teacher, classroom.id)
    of_class = ["created", "renamed", "code_renewed", "board_changed", "exported", "archived"]
    assert acts(backend, admin, classroom.id) == [f"classroom.{each}" for each in of_class]
    assert acts(backend, admin, student.id) == ["student.removed"]


def test_of_the_catalogue(backend: Backend, school: School) -> None:
    """A chapter added, changed, archived and brought back, and a file taken in, are written down."""
    admin = school.admin()
    draft = ChapterDraft(subject="Physics", class_="Class 11", unit="Light", chapter="Prisms")
    chapter: Chapter = backend.chapters.create(admin, draft)
    other = ChapterDraft(subject="Physics", class_="Class 11", unit="Light", chapter="Lenses")
    backend.chapters.edit(admin, chapter.id, other, version=1)
    backend.chapters.archive(admin, chapter.id)
    backend.chapters.bring_back(admin, chapter.id)
    backend.chapters.import_file(admin, "a.csv", FILE, dry_run=True)
    backend.chapters.import_file(admin, "a.csv", FILE, dry_run=False)
    of_chapter = ["created", "updated", "archived", "brought_back"]
    assert acts(backend, admin, chapter.id) == [f"chapter.{each}" for each in of_chapter]
    (updated,) = backend.audit.entries(admin, AuditFilter(act="chapter.updated")).entries
    assert (updated.before, updated.after) == ({"chapter": "Prisms"}, {"chapter": "Lenses"})
    (imported, _first_start) = backend.audit.entries(admin, AuditFilter(act="chapters.imported")).entries
    assert imported.after == {"added": 1, "updated": 0, "removed": 0}


def test_of_looking(backend: Backend, school: School, clock: SetClock) -> None:
    """An admin who looks at a class, a student or an account is written down once in 15 minutes, a teacher is not."""
    admin = school.admin()
    teacher = school.teacher(admin)
    classroom = school.classroom(teacher)
    student = school.student(classroom)
    before = acts(backend, admin)
    backend.reports.learner(teacher, classroom.id, student.id)
    assert acts(backend, admin) == before
    for _redrawn in range(3):
        backend.reports.learner(admin, classroom.id, student.id)
        backend.administration.user(admin, student.id)
    assert acts(backend, admin)[len(before) :] == ["classroom.viewed", "student.viewed", "user.viewed"]
    clock.advance(timedelta(minutes=15))
    backend.reports.learner(admin, classroom.id, student.id)
    assert acts(backend, admin, student.id).count("student.viewed") == 2


ACTS_WITHOUT_TRAIL: list[Callable[[Backend, Viewer, Viewer, str], object]] = [
    lambda backend, admin, teacher, _room: backend.administration.set_role(admin, teacher.id, "admin"),
    lambda backend, admin, teacher, _room: backend.administration.make_reset_link(admin, teacher.id),
    lambda backend, _admin, teacher, room: backend.classrooms.archive(teacher, room),
    lambda backend, admin, _teacher, room: backend.reports.report(admin, room),
    lambda backend, _admin, teacher, room: backend.reports.export(teacher, room),
    lambda backend, admin, _teacher, _room: backend.chapters.archive(admin, backend.chapters.active()[0].id),
]


@pytest.mark.parametrize("act", ACTS_WITHOUT_TRAIL)
def test_what_cannot_be_written_down_does_not_happen(
    backend: Backend,
    school: School,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Backend, Viewer, Viewer, str], object],
) -> None:
    """With the trail out of order the act fails, and what it would have changed stands as before."""
    admin = school.admin()
    teacher = school.teacher(admin)
    room = school.classroom(teacher).id

    def refuse(*_arguments: object) -> None:
        raise Unavailable("The trail is out of order.")

    monkeypatch.setattr(AuditQueries, "append", refuse)
    with pytest.raises(Unavailable):
        act(backend, admin, teacher, room)
    assert backend.accounts.me(teacher).role == "teacher"
    assert [each.id for each in backend.classrooms.classrooms(teacher)] == [room]
    assert not backend.chapters.archived(admin)
    assert backend.mongo["tickets"].count_documents({"userId": teacher.id, "purpose": "reset"}) == 0


def test_a_reset_that_cannot_be_written_down_spends_no_link(
    backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link whose use failed half-way works still, once the trail does."""
    admin = school.admin()
    link = backend.administration.make_reset_link(admin, school.teacher(admin).id)

    def refuse(*_arguments: object) -> None:
        raise Unavailable("The trail is out of order.")

    with monkeypatch.context() as broken:
        broken.setattr(AuditQueries, "append", refuse)
        with pytest.raises(Unavailable):
            backend.accounts.reset_password(link.token, "another horse battery")
    assert backend.accounts.reset_password(link.token, "another horse battery").id == link.user.id


def test_what_did_not_happen_is_not_written_down(backend: Backend, school: School) -> None:
    """Resetting a second factor that nobody set up is refused, and no entry says that it was reset."""
    admin = school.admin()
    teacher = school.teacher(admin)
    with pytest.raises(NotFound):
        backend.administration.reset_second_factor(admin, teacher.id)
    assert backend.mongo["audit"].count_documents({"act": "second_factor.reset"}) == 0
