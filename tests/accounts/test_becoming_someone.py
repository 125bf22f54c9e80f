"""Becoming someone: the first administrator, joining by code, one-time links."""

import threading
from datetime import timedelta

import pytest

from backend.accounts.administration import RESET_LIFE
from backend.accounts.models import User
from backend.bootstrap import Backend
from backend.errors import AppError, Conflict, Invalid, NotFound, NotSignedIn
from backend.kit.clock import SetClock
from tests.school import PASSWORD, School

HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) `$x$` :red[y] \"'&"


def first_administrator(backend: Backend, email: str = "admin@example.org") -> User:
    return backend.registration.create_first_administrator(name="Asha", email=email, password=PASSWORD)


def test_there_is_one_first_administrator(backend: Backend) -> None:
    """Nobody becomes the first administrator of a school that has people."""
    assert not backend.registration.has_users()
    first_administrator(backend)
    assert backend.registration.has_users()
    with pytest.raises(Conflict):
        first_administrator(backend, "second@example.org")


def test_two_forms_at_the_same_moment_make_one_administrator(backend: Backend) -> None:
    """Of several forms sent at the same moment exactly one succeeds, and one account exists afterwards."""
    ready, outcomes = threading.Barrier(5), list[object]()

    def send(number: int) -> None:
        ready.wait(60)
        try:
            outcomes.append(first_administrator(backend, f"admin{number}@example.org"))
        except AppError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [type(each) for each in outcomes if isinstance(each, User)] == [User]
    assert [type(each) for each in outcomes if not isinstance(each, User)] == [Conflict] * 4
    assert backend.mongo["users"].count_documents({}) == 1


def test_a_refused_form_leaves_the_school_empty(backend: Backend) -> None:
    """A form with a bad password or address makes nothing, and the next try succeeds."""
    with pytest.raises(Invalid):
        backend.registration.create_first_administrator(name="A", email="a@example.org", password="password")
    with pytest.raises(Invalid):
        backend.registration.create_first_administrator(name="A", email="no address", password=PASSWORD)
    assert not backend.registration.has_users()
    assert first_administrator(backend).role == "admin"


def test_a_join_code_makes_a_student_of_that_class(backend: Backend, school: School) -> None:
    """Who signs up with a code is a student and a member; without one she cannot sign up."""
    classroom = school.classroom(school.teacher(school.admin()))
    viewer = school.student(classroom)
    assert (viewer.role, viewer.classroom_ids) == ("student", (classroom.id,))
    with pytest.raises(Invalid) as caught:
        backend.registration.sign_up(name="X", email="x@example.org", password=PASSWORD, join_code="nonsense")
    assert caught.value.code == "join_code"
    assert backend.mongo["users"].count_documents({"email": "x@example.org"}) == 0


def test_an_address_belongs_to_one_account(backend: Backend, school: School) -> None:
    """The same address in other capitals is refused, and no half-made member is left."""
    classroom = school.classroom(school.teacher(school.admin()))
    before = backend.mongo["memberships"].count_documents({})
    with pytest.raises(Conflict, match="e-mail address already"):
        backend.registration.sign_up(
            name="X", email="ADMIN@example.org", password=PASSWORD, join_code=str(classroom.join_code)
        )
    assert backend.mongo["memberships"].count_documents({}) == before


def test_hostile_names_are_kept_as_typed(backend: Backend) -> None:
    """A name with HTML, Markdown and formulas is stored letter by letter: escaping is the pages' work."""
    user = backend.registration.create_first_administrator(name=HOSTILE, email="a@example.org", password=PASSWORD)
    assert user.name == HOSTILE


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "\u202e", "\u180b", "a\x00b"])
def test_names_that_cannot_be_shown_are_refused(backend: Backend, name: str) -> None:
    """Empty, endless and invisible names are refused with a sentence."""
    with pytest.raises(Invalid):
        backend.registration.create_first_administrator(name=name, email="a@example.org", password=PASSWORD)


def test_a_reset_link_works_once(backend: Backend, school: School) -> None:
    """A link sets one password, ends every session, and is refused with one clear sentence afterwards."""
    admin = school.admin()
    teacher = school.teacher(admin)
    link = backend.administration.make_reset_link(admin, teacher.id)
    assert backend.accounts.reset_owner(link.token).id == teacher.id
    with pytest.raises(Invalid):
        backend.accounts.reset_password(link.token, "password1")
    backend.accounts.reset_password(link.token, "another horse battery")
    assert backend.sign_in.authenticate(teacher.email, "another horse battery").id == teacher.id
    assert backend.accounts.sessions(teacher) == ()
    with pytest.raises(NotFound, match="has been used or is too old"):
        backend.accounts.reset_owner(link.token)
    with pytest.raises(NotFound, match="has been used or is too old"):
        backend.accounts.reset_password(link.token, PASSWORD)


def test_a_reset_link_is_used_once_by_two_at_the_same_moment(backend: Backend, school: School) -> None:
    """Two who open the same link together cannot both set a password."""
    admin = school.admin()
    link = backend.administration.make_reset_link(admin, school.teacher(admin).id)
    ready, outcomes = threading.Barrier(2), list[str]()

    def use(password: str) -> None:
        ready.wait(60)
        try:
            backend.accounts.reset_password(link.token, password)
            outcomes.append("set")
        except NotFound:
            outcomes.append("refused")

    threads = [threading.Thread(target=use, args=(f"{word} horse battery",)) for word in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["refused", "set"]


def test_a_newer_link_replaces_the_older(backend: Backend, school: School) -> None:
    """Only the last link made for a person works."""
    admin = school.admin()
    teacher = school.teacher(admin)
    older, newer = (backend.administration.make_reset_link(admin, teacher.id) for _each in range(2))
    with pytest.raises(NotFound):
        backend.accounts.reset_owner(older.token)
    assert backend.accounts.reset_owner(newer.token).id == teacher.id


def test_a_link_grows_old(backend: Backend, school: School, clock: SetClock) -> None:
    """Three days after it was made a link works no more."""
    admin = school.admin()
    link = backend.administration.make_reset_link(admin, school.teacher(admin).id)
    assert link.expires_at == clock.now() + RESET_LIFE
    clock.advance(RESET_LIFE + timedelta(seconds=1))
    with pytest.raises(NotFound):
        backend.accounts.reset_password(link.token, PASSWORD)


def test_deactivation_kills_the_links_of_a_person(backend: Backend, school: School) -> None:
    """A link made before a deactivation lets nobody in, and none is made for a deactivated person."""
    admin = school.admin()
    teacher = school.teacher(admin)
    link = backend.administration.make_reset_link(admin, teacher.id)
    backend.administration.set_active(admin, teacher.id, active=False)
    with pytest.raises(NotFound):
        backend.accounts.reset_password(link.token, PASSWORD)
    with pytest.raises(Conflict):
        backend.administration.make_reset_link(admin, teacher.id)
    with pytest.raises(NotSignedIn):
        backend.sign_in.authenticate(teacher.email, PASSWORD)


def test_demo_sign_ins_are_one_of_each_role(backend: Backend, school: School) -> None:
    """Known sign-ins are shown for demo accounts alone, student2 before student10, and vanish when deactivated."""
    classroom = school.classroom(school.teacher(school.admin()))
    assert backend.sign_in.demo_sign_ins() == ()
    for number in (10, 2):
        backend.registration.sign_up(
            name="Demo",
            email=f"student{number}@demo.school",
            password=PASSWORD,
            join_code=str(classroom.join_code),
            is_demo=True,
        )
    backend.cache.invalidate("viewers")
    (shown,) = backend.sign_in.demo_sign_ins()
    assert (shown.role, shown.email) == ("student", "student2@demo.school")
