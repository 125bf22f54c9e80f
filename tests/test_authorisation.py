"""Who may call what: every public method of every service stands in this table, with the roles it serves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft
from backend.errors import AppError, NotAllowed, NotFound, NotSignedIn
from backend.progress.models import ProgressChange
from tests.school import PASSWORD, School

SERVICES = (
    "accounts", "administration", "chapters", "progress", "overview",
    "classrooms", "reports", "boards", "statistics", "operations", "audit", "trail",
)  # fmt: skip

# Without a viewer: steps by which somebody becomes one, what anybody may know, and what services ask each other.
OPEN = {
    "accounts": "has_users demo_sign_ins create_first_administrator sign_up authenticate shut_demo_out issue_ticket "
    "redeem_ticket sign_in_program refresh viewer viewer_of_access_token reset_owner reset_password",
    "administration": "rescue",
    "chapters": "follow every active get among load",
    "progress": "today record chapter_changed",
    "overview": "chapters facets chapter",
    "statistics": "projector_health",
    "operations": "status live ready close",
    "audit": "check_all state forget_old",
    "trail": "record record_view",
}
SIGNED_IN, STAFF, ADMIN, STUDENT = {"student", "teacher", "admin"}, {"teacher", "admin"}, {"admin"}, {"student"}
CALLERS = ("nobody", "student", "teacher", "admin", "other teacher", "other student")


@dataclass(frozen=True)
class World:
    """A class with its teacher and student, people who have nothing to do with it, and the services."""

    backend: Backend
    callers: dict[str, Any]
    classroom: str
    student: str
    chapter: str


Call = Callable[[World, Viewer], object]
DRAFT = ChapterDraft(subject="Physics", class_="Class 11", unit="Light", chapter="Prisms")
ONE = ProgressChange(questions_delta=1)

TABLE: dict[str, tuple[set[str], Call]] = {
    "accounts.sign_out": (SIGNED_IN, lambda w, v: w.backend.accounts.sign_out(v)),
    "accounts.sign_out_elsewhere": (SIGNED_IN, lambda w, v: w.backend.accounts.sign_out_elsewhere(v)),
    "accounts.sessions": (SIGNED_IN, lambda w, v: w.backend.accounts.sessions(v)),
    "accounts.me": (SIGNED_IN, lambda w, v: w.backend.accounts.me(v)),
    "accounts.update_profile": (SIGNED_IN, lambda w, v: w.backend.accounts.update_profile(v, ProfileChange())),
    "accounts.change_password": (SIGNED_IN, lambda w, v: w.backend.accounts.change_password(v, PASSWORD, PASSWORD)),
    "administration.users": (ADMIN, lambda w, v: w.backend.administration.users(v)),
    "administration.user": (ADMIN, lambda w, v: w.backend.administration.user(v, w.student)),
    "administration.create": (
        ADMIN,
        lambda w, v: w.backend.administration.create(v, name="New", email="new@example.org", role="admin"),
    ),
    "administration.set_active": (
        ADMIN,
        lambda w, v: w.backend.administration.set_active(v, w.student, active=True),
    ),
    "administration.set_role": (ADMIN, lambda w, v: w.backend.administration.set_role(v, w.student, "student")),
    "administration.make_reset_link": (ADMIN, lambda w, v: w.backend.administration.make_reset_link(v, w.student)),
    "chapters.archived": (STAFF, lambda w, v: w.backend.chapters.archived(v)),
    "chapters.create": (STAFF, lambda w, v: w.backend.chapters.create(v, DRAFT)),
    "chapters.edit": (STAFF, lambda w, v: w.backend.chapters.edit(v, w.chapter, DRAFT, version=1)),
    "chapters.archive": (STAFF, lambda w, v: w.backend.chapters.archive(v, w.chapter)),
    "chapters.bring_back": (STAFF, lambda w, v: w.backend.chapters.bring_back(v, w.chapter)),
    "chapters.import_file": (STAFF, lambda w, v: w.backend.chapters.import_file(v, "a.csv", b"x", dry_run=False)),
    "progress.history": (STUDENT, lambda w, v: w.backend.progress.history(v, w.chapter)),
    "progress.change": (STUDENT, lambda w, v: w.backend.progress.change(v, w.chapter, ONE, key="k")),
    "progress.change_many": (STUDENT, lambda w, v: w.backend.progress.change_many(v, {w.chapter: ONE}, key="m")),
    "progress.undo": (STUDENT, lambda w, v: w.backend.progress.undo(v, "unknown")),
    "progress.take_over": (STUDENT, lambda w, v: w.backend.progress.take_over(v, "a.csv", b"x", dry_run=False)),
    "overview.home": (STUDENT, lambda w, v: w.backend.overview.home(v)),
    "overview.insights": (STUDENT, lambda w, v: w.backend.overview.insights(v)),
    "overview.summary": (STUDENT, lambda w, v: w.backend.overview.summary(v)),
    "classrooms.classrooms": (SIGNED_IN, lambda w, v: w.backend.classrooms.classrooms(v)),
    "classrooms.get": (SIGNED_IN, lambda w, v: w.backend.classrooms.get(v, w.classroom)),
    "classrooms.taught": (STAFF, lambda w, v: w.backend.classrooms.taught(v, w.classroom)),
    "classrooms.create": (STAFF, lambda w, v: w.backend.classrooms.create(v, "12 B")),
    "classrooms.rename": (STAFF, lambda w, v: w.backend.classrooms.rename(v, w.classroom, "12 C")),
    "classrooms.renew_code": (STAFF, lambda w, v: w.backend.classrooms.renew_code(v, w.classroom)),
    "classrooms.set_board_mode": (STAFF, lambda w, v: w.backend.classrooms.set_board_mode(v, w.classroom, "off")),
    "classrooms.archive": (STAFF, lambda w, v: w.backend.classrooms.archive(v, w.classroom)),
    "classrooms.join": (STUDENT, lambda w, v: w.backend.classrooms.join(v, "ABCD-EFGH")),
    "classrooms.remove_student": (
        STAFF,
        lambda w, v: w.backend.classrooms.remove_student(v, w.classroom, w.student),
    ),
    "reports.report": (STAFF, lambda w, v: w.backend.reports.report(v, w.classroom)),
    "reports.learner": (STAFF, lambda w, v: w.backend.reports.learner(v, w.classroom, w.student)),
    "reports.export": (STAFF, lambda w, v: w.backend.reports.export(v, w.classroom)),
    "reports.matrix": (STAFF, lambda w, v: w.backend.reports.matrix(v, w.classroom)),
    "reports.completions_over_time": (STAFF, lambda w, v: w.backend.reports.completions_over_time(v, w.classroom)),
    "reports.chapter_average": (STUDENT, lambda w, v: w.backend.reports.chapter_average(v, w.chapter)),
    "boards.scopes": (SIGNED_IN, lambda w, v: w.backend.boards.scopes(v)),
    "boards.board": (SIGNED_IN, lambda w, v: w.backend.boards.board(v, w.classroom)),
    "statistics.statistics": (SIGNED_IN, lambda w, v: w.backend.statistics.statistics(v)),
    "statistics.distribution": (STAFF, lambda w, v: w.backend.statistics.distribution(v)),
    "statistics.weeks": (STAFF, lambda w, v: w.backend.statistics.weeks(v)),
    "statistics.chapter": (SIGNED_IN, lambda w, v: w.backend.statistics.chapter(v, w.chapter)),
    "audit.entries": (ADMIN, lambda w, v: w.backend.audit.entries(v)),
    "audit.export": (ADMIN, lambda w, v: w.backend.audit.export(v)),
    "audit.check": (ADMIN, lambda w, v: w.backend.audit.check(v)),
    "operations.health": (ADMIN, lambda w, v: w.backend.operations.health(v)),
}
# What these are about belongs to one class: who has nothing to do with it is told that there is no such thing.
OF_ONE_CLASS = {
    name
    for name in TABLE
    if name.startswith(("classrooms.", "reports.", "boards.board"))
    and name not in {"classrooms.classrooms", "classrooms.create", "classrooms.join", "reports.chapter_average"}
}


@pytest.fixture
def world(backend: Backend, school: School) -> World:
    admin = school.admin()
    teacher, other = school.teacher(admin), school.teacher(admin)
    classroom, elsewhere = school.classroom(teacher), school.classroom(other)
    student = school.student(classroom)
    return World(
        backend=backend,
        callers={
            "nobody": None,
            "student": student,
            "teacher": teacher,
            "admin": admin,
            "other teacher": other,
            "other student": school.student(elsewhere),
        },
        classroom=classroom.id,
        student=student.id,
        chapter=backend.chapters.active()[0].id,
    )


def test_every_public_method_has_a_line_here(backend: Backend) -> None:
    """A new method of a service is either in the table of roles or named as open."""
    open_to_all = {f"{service}.{name}" for service, names in OPEN.items() for name in names.split()}
    there = {f"{service}.{name}" for service in SERVICES for name in _public(getattr(backend, service))}
    assert there == open_to_all | set(TABLE)
    assert not open_to_all & set(TABLE)


def test_nobody_and_the_wrong_role_are_refused(world: World) -> None:
    """Without sign-in every method raises NotSignedIn, for another role NotAllowed, for another's class NotFound."""
    for caller, name, roles, call in _calls(world):
        expected = _refusal(caller, name, roles)
        if expected:
            with pytest.raises(expected):
                call()
                pytest.fail(f"{caller} may call {name}")


def test_who_is_served_is_not_refused(world: World) -> None:
    """The table is true the other way round as well: whom it names is never told that she may not."""
    for caller, name, roles, call in _calls(world):
        if _refusal(caller, name, roles) is None and name != "accounts.sign_out":
            try:
                call()
            except AppError as error:
                assert not isinstance(error, NotAllowed | NotSignedIn), (caller, name)


def test_an_archived_class_is_gone_for_everybody(world: World) -> None:
    """After a class was archived neither its teacher nor an admin nor its student opens anything of it."""
    world.backend.classrooms.archive(world.callers["teacher"], world.classroom)
    for caller in ("teacher", "admin", "student"):
        for name in OF_ONE_CLASS:
            roles, call = TABLE[name]
            if caller in roles and name != "boards.scopes":
                with pytest.raises(NotFound):
                    call(world, world.callers[caller])


def _calls(world: World) -> Iterator[tuple[str, str, set[str], Callable[[], object]]]:
    for name, (roles, call) in TABLE.items():
        for caller in CALLERS:
            viewer = world.callers[caller]
            yield caller, name, roles, lambda call=call, viewer=viewer: call(world, viewer)  # type: ignore[misc] # bound here


def _refusal(caller: str, name: str, roles: set[str]) -> type[AppError] | None:
    if caller == "nobody":
        return NotSignedIn
    if caller.removeprefix("other ") not in roles:
        return NotAllowed
    return NotFound if caller.startswith("other ") and name in OF_ONE_CLASS else None


def _public(service: object) -> list[str]:
    return [name for name in dir(service) if not name.startswith("_") and callable(getattr(service, name))]
