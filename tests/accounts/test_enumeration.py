"""Nobody learns who has an account: not by words, not by the work that is done, not by the time it takes."""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import AppError
from backend.kit.origin import Origin, coming_from
from backend.kit.security import passwords
from tests.classrooms.builders import queries_of
from tests.school import PASSWORD, School

Act = Callable[[], object]
PAIRS = 9
APART = 3.0  # a look at a password takes ten times as long as everything else, so this tells with and without apart


@pytest.fixture(autouse=True)
def one_network_each() -> Iterator[None]:
    """Each test comes from a network of its own, and no account knows it."""
    with coming_from(lambda: Origin(address="203.0.113.77")):
        yield


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is hashed and verified from now on; each costs the same."""
    done: list[str] = []
    real = passwords._HASHER

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            done.append("verify")
            return real.verify(hashed, password)

        def hash(self, password: str) -> str:
            done.append("hash")
            return real.hash(password)

        def check_needs_rehash(self, hashed: str) -> bool:
            return real.check_needs_rehash(hashed)

    passwords.verify_password(None, "")  # what is made once in the life of a process
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    return done


def answer(act: Act) -> tuple[str, str]:
    """What a refused act is answered with."""
    with pytest.raises(AppError) as caught:
        act()
    return caught.value.code, caught.value.message


def sign_in(backend: Backend, email: str) -> Act:
    return lambda: backend.sign_in.authenticate(email, "not the password at all")


def test_signing_in_does_the_same_work_whoever_is_named(
    backend: Backend, school: School, classroom: Classroom, hashes: list[str]
) -> None:
    """One look at a hash and as many commands: a person, nobody, one who is shut out, one who has no password."""
    student, gone, other = (school.student(classroom, name) for name in ("Sita", "Gone", "Other"))
    backend.mongo["users"].update_one({"_id": gone.id}, {"$set": {"isActive": False}})
    backend.mongo["users"].update_one({"_id": other.id}, {"$unset": {"passwordHash": ""}})
    answers, work = set(), set()
    for email in (student.email, "nobody@example.org", gone.email, other.email, "no address at all"):
        hashes.clear()
        commands = len(queries_of(backend, lambda email=email: answers.add(answer(sign_in(backend, email)))))  # type: ignore[misc]  # bound here
        work.add((tuple(hashes), commands))
    assert len(answers) == 1
    assert len(work) == 1, work
    assert next(iter(work))[0] == ("verify",)


def test_signing_in_takes_the_same_time_whoever_is_named(backend: Backend, student: Viewer) -> None:
    """Medians of interleaved pairs, each from a network of its own, are of one size."""
    passwords.verify_password(None, "")
    seconds: dict[str, list[float]] = {student.email: [], "nobody@example.org": []}
    for pair in range(PAIRS):
        for email, taken in seconds.items():
            with coming_from(lambda pair=pair: Origin(address=f"198.51.100.{pair}")):  # type: ignore[misc]  # bound here
                started = perf_counter()
                answer(sign_in(backend, email))
                taken.append(perf_counter() - started)
    known, unknown = (median(taken) for taken in seconds.values())
    assert 1 / APART < known / unknown < APART, (known, unknown)


def test_signing_up_without_a_code_says_nothing_of_addresses(
    backend: Backend, student: Viewer, hashes: list[str]
) -> None:
    """Whether the address is taken is not even looked at before the join code is right."""
    answers, work = set(), set()
    for email in (student.email, "new@example.org"):
        hashes.clear()

        def act(email: str = email) -> object:
            return backend.registration.sign_up(name="X", email=email, password=PASSWORD, join_code="WRONGCODE")

        commands = len(queries_of(backend, lambda: answers.add(answer(act))))
        work.add((tuple(hashes), commands))
    assert (len(answers), len(work)) == (1, 1)
    assert next(iter(work))[0] == ()


def test_signing_up_hashes_before_it_looks(
    backend: Backend, school: School, classroom: Classroom, hashes: list[str]
) -> None:
    """With a right code a taken address is told, but costs the same hash as a free one."""
    code = str(classroom.join_code)
    for email, is_taken in ((school.student(classroom).email, True), ("new@example.org", False)):
        hashes.clear()

        def act(email: str = email) -> object:
            return backend.registration.sign_up(name="X", email=email, password=PASSWORD, join_code=code)

        if is_taken:
            assert answer(act)[0] == "conflict"
        else:
            act()
        assert hashes == ["hash"]


def test_a_reset_link_tells_nothing(backend: Backend, school: School, hashes: list[str]) -> None:
    """Links that were used, are too old or were never made are refused alike, before anything is hashed."""
    admin = school.admin()
    teacher = school.teacher(admin)
    used, old = (backend.administration.make_reset_link(admin, each.id).token for each in (teacher, admin))
    backend.accounts.reset_password(used, "another horse battery")
    backend.mongo["tickets"].update_one({"userId": admin.id}, {"$set": {"expiresAt": backend.clock.now()}})
    answers, work = set(), set()
    for token in (used, old, "never-made"):
        hashes.clear()

        def act(token: str = token) -> object:
            return backend.accounts.reset_password(token, "yet another battery")

        commands = len(queries_of(backend, lambda: answers.add(answer(act))))
        work.add((tuple(hashes), commands))
    assert len(answers) == 1
    assert [done for done, _commands in work] == [()]
