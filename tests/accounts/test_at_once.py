"""What holds when several people do the same at the same moment."""

from functools import partial
from time import monotonic, sleep

import pytest

from backend.accounts.models import User, Viewer
from backend.api.middleware.deadlines import REQUEST_SECONDS
from backend.bootstrap import Backend
from backend.errors import Conflict, Invalid, NotFound, RateLimited
from backend.kit import deadline
from backend.kit.origin import Origin, coming_from
from backend.kit.security import hashing_queue, passwords
from tests.at_once import at_once
from tests.school import PASSWORD, School

SPELLINGS = (
    "José@example.org",
    "jose\u0301@example.org",
    "JOSÉ@EXAMPLE.ORG",
    " josé@example.org ",
    "ｊosé@example.org",
)


@pytest.fixture
def admins(backend: Backend, school: School) -> tuple[Viewer, Viewer]:
    """Two administrators."""
    first = school.admin()
    link = backend.administration.create(first, name="Bela Admin", email="bela@example.org", role="admin")
    return first, school.viewer(backend.accounts.reset_password(link.token, PASSWORD))


def active_admins(backend: Backend) -> int:
    return backend.mongo["users"].count_documents({"role": "admin", "isActive": True})


def test_two_administrators_who_deactivate_each_other_leave_one(
    backend: Backend, admins: tuple[Viewer, Viewer]
) -> None:
    """However close together, one of two last administrators stays."""
    one, other = admins
    set_active, set_role = backend.administration.set_active, backend.administration.set_role
    for _round in range(8):
        at_once(partial(set_active, one, other.id, active=False), partial(set_active, other, one.id, active=False))
        assert active_admins(backend) == 1
        backend.mongo["users"].update_many({}, {"$set": {"isActive": True}})
        at_once(partial(set_role, one, other.id, "teacher"), partial(set_active, other, one.id, active=False))
        assert active_admins(backend) == 1
        backend.mongo["users"].update_many({}, {"$set": {"isActive": True, "role": "admin"}})


def test_a_refused_change_of_the_last_administrator_changes_nothing(
    backend: Backend, admins: tuple[Viewer, Viewer]
) -> None:
    """Where no administrator were left, the account stands as it stood, sessions and all."""
    one, other = admins
    backend.administration.set_active(one, other.id, active=False)
    with pytest.raises(Conflict, match="at least one administrator"):
        backend.administration.set_role(other, one.id, "student")
    assert backend.accounts.me(one).role == "admin"


def test_a_role_that_is_none_is_refused(backend: Backend, school: School, student: Viewer) -> None:
    """Nothing but the three roles is ever written: an account with another could not be read any more."""
    admin = backend.administration.rescue("admin@example.org").user
    with pytest.raises(Invalid):
        backend.administration.set_role(school.viewer(admin), student.id, "root")  # type: ignore[arg-type] # on purpose
    assert backend.accounts.me(student).role == "student"


def test_one_address_is_one_account_however_it_is_written(backend: Backend, school: School) -> None:
    """Of 16 sign-ups at once under spellings of one address one succeeds, and each spelling signs in to it."""
    classroom = school.classroom(school.teacher(school.admin()))

    def sign_up(email: str) -> User:
        return backend.registration.sign_up(
            name="José", email=email, password=PASSWORD, join_code=str(classroom.join_code)
        )

    outcomes = at_once(*(partial(sign_up, SPELLINGS[number % len(SPELLINGS)]) for number in range(16)))
    (made,) = (outcome for outcome in outcomes if isinstance(outcome, User))
    assert all(isinstance(outcome, Conflict) for outcome in outcomes if outcome is not made)
    assert {backend.sign_in.authenticate(spelling, PASSWORD).id for spelling in SPELLINGS} == {made.id}
    assert backend.mongo["memberships"].count_documents({"role": "student"}) == 1


def test_a_reset_link_used_at_once_sets_one_password(backend: Backend, school: School) -> None:
    """Of eight who open the same one-time link at once one sets the password; it alone signs in."""
    admin = school.admin()
    teacher = school.teacher(admin)
    link = backend.administration.make_reset_link(admin, teacher.id)
    words = [f"another password {number}" for number in range(8)]
    outcomes = at_once(*(partial(backend.accounts.reset_password, link.token, word) for word in words))
    (winner,) = (word for word, outcome in zip(words, outcomes, strict=True) if isinstance(outcome, User))
    assert sum(isinstance(outcome, NotFound) for outcome in outcomes) == len(words) - 1
    assert backend.sign_in.authenticate(teacher.email, winner).id == teacher.id


def test_a_search_for_what_cannot_stand_in_a_name_finds_nobody(backend: Backend, school: School) -> None:
    """A search without a letter or digit finds nobody; operators of queries are words like others."""
    admin = school.admin()
    for search in ("\0", ".*", "(", "[", "^", "{'$gt': ''}", "\\"):
        assert backend.administration.users(admin, search=search).total == 0, search


def test_many_who_sign_in_at_once_are_answered_or_told_when(
    backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where hashing takes long, some are let in, the others hear a time, and nobody that the database is away."""
    admin, hasher = school.admin(), passwords._HASHER

    class Slow:
        def verify(self, hashed: str, password: str) -> bool:
            sleep(0.4)
            return hasher.verify(hashed, password)

        def check_needs_rehash(self, hashed: str) -> bool:
            return hasher.check_needs_rehash(hashed)

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    monkeypatch.setattr(hashing_queue, "WAIT_SECONDS", 1.0)
    begun = monotonic()

    def sign_in(address: str) -> str:
        with coming_from(lambda: Origin(address=address)), deadline.within(REQUEST_SECONDS):
            return backend.sign_in.authenticate(admin.email, PASSWORD).id

    answers = at_once(*(partial(sign_in, f"192.0.2.{number}") for number in range(24)))
    assert monotonic() - begun < REQUEST_SECONDS
    refused = [each for each in answers if each != admin.id]
    assert len(refused) <= 24 - passwords.AT_ONCE
    assert {type(each) for each in refused} == {RateLimited}
    assert min(each.retry_after_seconds for each in refused) >= 1.0
