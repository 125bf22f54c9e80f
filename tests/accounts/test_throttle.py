"""Guessing passwords gets slower, and the owner still gets in."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.accounts import throttle
from backend.accounts.models import Viewer
from backend.api.middleware.deadlines import REQUEST_SECONDS
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import NotAllowed, NotSignedIn, RateLimited
from backend.kit.limiter.gcra import MICROSECONDS, Rule, RuleSet
from backend.kit.origin import Origin, coming_from
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.school import PASSWORD, School
from tests.waiting import until

WRONG = "not the password at all"
DELAY = throttle.DELAY  # before the tests lengthen it


@pytest.fixture(autouse=True)
def long_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wait is ten minutes instead of a second, which would be over on a busy machine."""
    monkeypatch.setattr(throttle, "DELAY", replace(throttle.DELAY, first_seconds=600, most_seconds=900))


@contextmanager
def at(address: str, browser: str = "") -> Iterator[None]:
    """As a caller from this address with this browser."""
    with coming_from(lambda: Origin(address=address, browser=browser)):
        yield


def guess(backend: Backend, email: str, tries: int) -> list[type[Exception]]:
    """What so many wrong passwords were answered with."""
    answers: list[type[Exception]] = []
    for _try in range(tries):
        with pytest.raises((NotSignedIn, RateLimited)) as caught:
            backend.sign_in.authenticate(email, WRONG)
        answers.append(type(caught.value))
    return answers


def test_after_five_wrong_passwords_one_has_to_wait(backend: Backend, student: Viewer) -> None:
    """The sixth is not looked at, whether it is right or wrong, and the answer says for how long and what helps."""
    with at("203.0.113.5"):
        assert guess(backend, student.email, 5) == [NotSignedIn] * 5
        with pytest.raises(
            RateLimited, match=r"again in \d+ minutes, or ask an administrator for a one-time"
        ) as refused:
            backend.sign_in.authenticate(student.email, PASSWORD)
    assert 300 < refused.value.retry_after_seconds <= 600


def test_many_at_once_are_no_more_than_one_by_one(backend: Backend, student: Viewer) -> None:
    """Twenty guesses in flight together are still five looks at the password."""

    def one(_number: int) -> type[Exception]:
        with at("203.0.113.5"):
            return guess(backend, student.email, 1)[0]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))).count(NotSignedIn) == 5


def test_a_right_password_begins_anew(backend: Backend, student: Viewer) -> None:
    """Four slips and a success, as often as one likes."""
    with at("203.0.113.5"):
        for _morning in range(3):
            assert guess(backend, student.email, 4) == [NotSignedIn] * 4
            backend.sign_in.authenticate(student.email, PASSWORD)


def test_an_account_that_does_not_exist_is_slowed_alike(backend: Backend, student: Viewer) -> None:
    """Nobody learns from the throttle who has an account."""
    with at("203.0.113.5"):
        assert guess(backend, "nobody@example.org", 6) == guess(backend, student.email, 6)


def test_one_network_over_many_accounts_is_slowed(
    backend: Backend, student: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying one password on everybody runs out for that network, and for no other."""
    monkeypatch.setattr(throttle, "BY_NETWORK", RuleSet("network", (Rule("network", 12, 900),)))
    with at("203.0.113.5"):
        answers = [guess(backend, f"pupil{number}@example.org", 1)[0] for number in range(20)]
    assert answers == [NotSignedIn] * 12 + [RateLimited] * 8
    with at("198.51.100.7"):
        backend.sign_in.authenticate(student.email, PASSWORD)


def test_one_account_from_many_networks_is_slowed(
    backend: Backend, student: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand machines share one budget of guesses at an account."""
    monkeypatch.setattr(throttle, "BY_ACCOUNT", RuleSet("account", (Rule("account", 8, 3600),)))
    answers = []
    for number in range(20):
        with at(f"203.0.113.{number}"):
            answers += guess(backend, student.email, 1)
    assert answers == [NotSignedIn] * 8 + [RateLimited] * 12


def test_the_owner_is_never_locked_out(backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """While strangers have used up all guesses, she signs in where she did before, and by a one-time link anywhere."""
    admin = school.admin()
    teacher = school.teacher(admin)
    for at_home in ({"address": "192.0.2.1", "browser": "her laptop"}, {"address": "192.0.2.2", "browser": ""}):
        with at(**at_home):
            ticket = backend.sign_in.issue_ticket(school.user(teacher), at_home["browser"])
            backend.sign_in.redeem_ticket(ticket, at_home["browser"], "test")
    monkeypatch.setattr(throttle, "BY_ACCOUNT", RuleSet("account", (Rule("account", 8, 3600),)))
    for number in range(20):
        with at(f"203.0.113.{number}"):
            guess(backend, teacher.email, 1)
    with at("198.51.100.9", "a new phone"), pytest.raises(RateLimited):
        backend.sign_in.authenticate(teacher.email, PASSWORD)
    with at("198.51.100.9", "her laptop"):  # her own browser, on a train
        assert backend.sign_in.authenticate(teacher.email, PASSWORD).id == teacher.id
    with at("192.0.2.2", "a new phone"):  # a new browser, at home
        assert backend.sign_in.authenticate(teacher.email, PASSWORD).id == teacher.id
    link = backend.administration.make_reset_link(admin, teacher.id)
    with at("198.51.100.9", "a new phone"):
        assert backend.accounts.reset_password(link.token, "another good password").id == teacher.id


def test_a_classmate_on_her_network_does_not_lock_her_out(backend: Backend, student: Viewer, school: School) -> None:
    """Her own browser goes by its own count, though somebody beside her guesses all day."""
    with at("192.0.2.1", "her laptop"):
        ticket = backend.sign_in.issue_ticket(school.user(student), "her laptop")
        backend.sign_in.redeem_ticket(ticket, "her laptop", "test")
    with at("192.0.2.1", "his laptop"):
        assert guess(backend, student.email, 8)[5:] == [RateLimited] * 3
    with at("192.0.2.1", "her laptop"):
        assert backend.sign_in.authenticate(student.email, PASSWORD).id == student.id


def test_the_owner_gets_in_beside_a_guesser_without_pause(
    backend: Backend, student: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After sixteen wrong tries from the school's one address, and more all the while, her new browser has its turn."""
    monkeypatch.setattr(throttle, "DELAY", replace(throttle.DELAY, first_seconds=1, most_seconds=1))
    done = threading.Event()

    def guess_on(tries: int) -> None:
        with at("192.0.2.1", "his laptop"):
            while tries and not done.is_set():
                tries -= guess(backend, student.email, 1) == [NotSignedIn]

    guess_on(16)
    guesser = threading.Thread(target=guess_on, args=(1000,))
    guesser.start()
    try:
        with at("192.0.2.1", "her new tablet"):
            assert backend.sign_in.authenticate(student.email, PASSWORD).id == student.id
    finally:
        done.set()
        guesser.join()


def test_the_wait_between_two_looks_is_short() -> None:
    """However many were wrong, a turn comes every few seconds, and two turns fit into the time that a try may wait."""
    longest = max(DELAY.after(tries) for tries in range(1000)) / MICROSECONDS
    assert 2 * longest <= throttle.LINE_SECONDS < REQUEST_SECONDS


def test_guesses_at_one_account_from_one_network_are_few_in_an_hour(
    backend: Backend, student: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fresh browsers at an address that the account knows share one budget, and accounts behind it another."""
    with at("192.0.2.1"):
        backend.sign_in.sign_in_program(student.email, PASSWORD, "her phone")
    monkeypatch.setattr(throttle, "BY_ACCOUNT_AT_NETWORK", RuleSet("lane", (Rule("lane", 4, 3600),)))
    answers = []
    for number in range(8):
        with at("192.0.2.1", f"fresh {number}"):
            answers += guess(backend, student.email, 1)
    assert answers == [NotSignedIn] * 4 + [RateLimited] * 4


def test_asking_for_the_present_password_is_slowed_too(backend: Backend, student: Viewer) -> None:
    """Who holds somebody's open session cannot guess her password by changing it."""
    with at("203.0.113.5"):
        for _try in range(5):
            with pytest.raises(NotAllowed):
                backend.accounts.change_password(student, WRONG, "another good password")
        with pytest.raises(RateLimited):
            backend.accounts.change_password(student, PASSWORD, "another good password")


def test_without_redis_memory_slows_as_well(settings: Settings, tmp_path: Path) -> None:
    """Sign-in never stands open: with Redis killed the same five are free, and the sixth waits."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    valkey = ValkeyProcess(folder)
    backend = build(settings.model_copy(update={"redis_url": SecretStr(valkey.url)}))
    try:
        admin = School(backend).admin()
        valkey.kill()
        until(lambda: not backend.cache.healthy)
        with at("203.0.113.5"):
            assert guess(backend, admin.email, 7) == [NotSignedIn] * 5 + [RateLimited] * 2
    finally:
        backend.close()
        valkey.stop()
