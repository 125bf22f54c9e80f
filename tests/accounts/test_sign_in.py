"""Signing in: one answer for every failure, tickets bound to a browser, sessions that end."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from backend.accounts.models import User, Viewer
from backend.accounts.sign_in import TICKET_LIFE
from backend.bootstrap import Backend
from backend.errors import NotAllowed, NotSignedIn
from backend.kit.clock import SetClock
from backend.kit.observability.metrics import QUERIES
from backend.kit.security import passwords
from tests.school import PASSWORD, School

T = TypeVar("T")
BROWSER = "browser of the test"
IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)  # of an administrator


def sign_in(backend: Backend, user: User) -> str:
    """A session as a browser gets it; its reference token."""
    return backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, BROWSER), BROWSER, "test")


def refusal(backend: Backend, email: str, password: str) -> tuple[str, str]:
    with pytest.raises(NotSignedIn) as caught:
        backend.sign_in.authenticate(email, password)
    return caught.value.code, caught.value.message


def test_every_failure_sounds_the_same(backend: Backend, school: School, admin_user: User) -> None:
    """A wrong password, an unknown address and a deactivated account get the very same answer."""
    viewer = school.viewer(admin_user)
    gone = school.user(school.teacher(viewer))
    backend.administration.set_active(viewer, gone.id, active=False)
    answers = {
        refusal(backend, admin_user.email, "wrong password"),
        refusal(backend, "nobody@example.org", PASSWORD),
        refusal(backend, gone.email, PASSWORD),
        refusal(backend, "x" * 5000, PASSWORD),
    }
    assert len(answers) == 1


def test_an_unknown_account_costs_a_hash(backend: Backend, admin_user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown address makes exactly the hash work of a known one, so time tells nobody who has an account."""
    verified: list[str] = []
    hasher = passwords._HASHER

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            verified.append(hashed)
            return hasher.verify(hashed, password)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    refusal(backend, admin_user.email, "wrong password")
    refusal(backend, "nobody@example.org", "wrong password")
    known, unknown = verified
    assert known.split("$")[1:4] == unknown.split("$")[1:4]


def test_address_ignores_case_and_space(backend: Backend, admin_user: User) -> None:
    """The address may be typed in capitals, with a space around it."""
    assert backend.sign_in.authenticate(f" {admin_user.email.upper()} ", PASSWORD).id == admin_user.id


def test_a_ticket_works_once(backend: Backend, admin_user: User) -> None:
    """A ticket opens one session and no second one."""
    ticket = backend.sign_in.issue_ticket(admin_user, BROWSER)
    backend.sign_in.redeem_ticket(ticket, BROWSER, "test")
    with pytest.raises(NotSignedIn):
        backend.sign_in.redeem_ticket(ticket, BROWSER, "test")


def test_a_ticket_belongs_to_its_browser(backend: Backend, admin_user: User) -> None:
    """Another browser cannot use a ticket, and its attempt does not spend it."""
    ticket = backend.sign_in.issue_ticket(admin_user, BROWSER)
    with pytest.raises(NotSignedIn):
        backend.sign_in.redeem_ticket(ticket, "another browser", "test")
    assert backend.sign_in.redeem_ticket(ticket, BROWSER, "test")


def test_a_ticket_lives_two_minutes(backend: Backend, admin_user: User, clock: SetClock) -> None:
    """A ticket still works just before two minutes have passed, and no longer then."""
    assert timedelta(minutes=2) == TICKET_LIFE
    early, late = (backend.sign_in.issue_ticket(admin_user, BROWSER) for _each in range(2))
    clock.advance(TICKET_LIFE - timedelta(seconds=1))
    assert backend.sign_in.redeem_ticket(early, BROWSER, "test")
    clock.advance(timedelta(seconds=1))
    with pytest.raises(NotSignedIn):
        backend.sign_in.redeem_ticket(late, BROWSER, "test")


def test_expired_secrets_are_swept(backend: Backend, school: School, admin_user: User, clock: SetClock) -> None:
    """Tickets, links and sessions that are over do not pile up, and live ones stay."""
    backend.sign_in.issue_ticket(admin_user, BROWSER)
    backend.administration.make_reset_link(school.viewer(admin_user), admin_user.id)
    clock.advance(ABSOLUTE + timedelta(days=1))
    ticket = backend.sign_in.issue_ticket(admin_user, BROWSER)
    assert backend.mongo["tickets"].count_documents({}) == 1
    token = backend.sign_in.redeem_ticket(ticket, BROWSER, "test")
    assert backend.mongo["sessions"].count_documents({}) == 1
    assert backend.sign_in.viewer(token).id == admin_user.id


def test_a_ticket_is_no_reset_link(backend: Backend, admin_user: User) -> None:
    """A sign-in ticket cannot set a password: each secret serves its own purpose alone."""
    ticket = backend.sign_in.issue_ticket(admin_user, "")
    with pytest.raises(Exception, match="has been used or is too old"):
        backend.accounts.reset_password(ticket, "another horse battery")


def test_only_fingerprints_are_stored(backend: Backend, admin_user: User) -> None:
    """Neither session nor ticket nor password stands in the database as it is typed or sent."""
    ticket = backend.sign_in.issue_ticket(admin_user, BROWSER)
    token = sign_in(backend, admin_user)
    stored = str([list(backend.mongo[name].find()) for name in ("users", "sessions", "tickets")])
    assert admin_user.email in stored
    assert not any(secret in stored for secret in (ticket, token, PASSWORD, BROWSER))


def test_signing_out_ends_the_session_everywhere(backend: Backend, admin_user: User) -> None:
    """After signing out the cookie opens nothing any more, in any tab or process."""
    token = sign_in(backend, admin_user)
    backend.accounts.sign_out(backend.sign_in.viewer(token))
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(token)


def test_signing_out_elsewhere_keeps_this_session(backend: Backend, admin_user: User) -> None:
    """All other sessions of the person end, this one and other people's stay."""
    here, there = sign_in(backend, admin_user), sign_in(backend, admin_user)
    viewer = backend.sign_in.viewer(here)
    assert backend.accounts.sign_out_elsewhere(viewer) >= 1
    assert [session.id for session in backend.accounts.sessions(viewer)] == [viewer.session_id]
    assert backend.sign_in.viewer(here).id == admin_user.id
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(there)


def test_a_session_ends_when_unused(backend: Backend, admin_user: User, clock: SetClock) -> None:
    """A session that an administrator did not use for 12 hours is over."""
    token = sign_in(backend, admin_user)
    clock.advance(IDLE)
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(token)


def test_a_session_in_use_ends_too(backend: Backend, admin_user: User, clock: SetClock) -> None:
    """However much it is used, an administrator's session ends after seven days."""
    token = sign_in(backend, admin_user)
    backend.cache.close()  # a viewer is kept for 2 s by real time, which a set clock does not move
    step = timedelta(hours=11)
    for _time in range(ABSOLUTE // step):
        clock.advance(step)
        backend.cache.invalidate("viewers")
        assert backend.sign_in.viewer(token).id == admin_user.id
    clock.advance(step)
    backend.cache.invalidate("viewers")
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(token)


def test_a_deactivated_person_is_out_at_once(backend: Backend, school: School, admin_user: User) -> None:
    """Deactivation ends every session, for pages and programs, with the next call; activation lets her in again."""
    viewer = school.viewer(admin_user)
    teacher = school.user(school.teacher(viewer))
    token = sign_in(backend, teacher)
    pair = backend.sign_in.sign_in_program(teacher.email, PASSWORD, "program")
    assert backend.sign_in.viewer(token).id == teacher.id
    backend.administration.set_active(viewer, teacher.id, active=False)
    for attempt in (
        lambda: backend.sign_in.viewer(token),
        lambda: backend.sign_in.viewer_of_access_token(pair.access_token),
        lambda: backend.sign_in.refresh(pair.refresh_token),
    ):
        with pytest.raises(NotSignedIn):
            attempt()
    backend.administration.set_active(viewer, teacher.id, active=True)
    assert backend.sign_in.authenticate(teacher.email, PASSWORD).id == teacher.id


def test_a_sign_in_under_way_ends_with_the_deactivation(backend: Backend, school: School, admin_user: User) -> None:
    """Who typed her password just before she was deactivated gets no session."""
    viewer = school.viewer(admin_user)
    teacher = school.user(school.teacher(viewer))
    ticket = backend.sign_in.issue_ticket(teacher, BROWSER)
    backend.administration.set_active(viewer, teacher.id, active=False)
    with pytest.raises(NotSignedIn):
        backend.sign_in.redeem_ticket(ticket, BROWSER, "test")


def test_a_spent_refresh_token_kills_its_session(backend: Backend, admin_user: User) -> None:
    """Who repeats a refresh token shows that there are two holders: the whole session ends, the fresh token too."""
    first = backend.sign_in.sign_in_program(admin_user.email, PASSWORD, "program")
    second = backend.sign_in.refresh(first.refresh_token)
    assert backend.sign_in.viewer_of_access_token(second.access_token).id == admin_user.id
    with pytest.raises(NotSignedIn):
        backend.sign_in.refresh(first.refresh_token)
    with pytest.raises(NotSignedIn):
        backend.sign_in.refresh(second.refresh_token)
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer_of_access_token(second.access_token)


def test_changing_the_password_needs_the_present_one(backend: Backend, admin_user: User) -> None:
    """With a wrong present password nothing changes; with the right one every other session ends."""
    here, there = sign_in(backend, admin_user), sign_in(backend, admin_user)
    viewer: Viewer = backend.sign_in.viewer(here)
    with pytest.raises(NotAllowed) as caught:
        backend.accounts.change_password(viewer, "not it", "another horse battery")
    assert caught.value.code == "wrong_password"
    assert backend.sign_in.viewer(there).id == admin_user.id
    backend.accounts.change_password(viewer, PASSWORD, "another horse battery")
    assert backend.sign_in.authenticate(admin_user.email, "another horse battery").id == admin_user.id
    assert backend.sign_in.viewer(here).id == admin_user.id
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(there)
    refusal(backend, admin_user.email, PASSWORD)


def test_every_way_in_is_noted(backend: Backend, school: School, admin_user: User, clock: SetClock) -> None:
    """The last sign-in of a person is known however she came in: by password or by a link."""
    clock.advance(timedelta(hours=1))
    sign_in(backend, admin_user)
    assert school.user(school.viewer(admin_user)).last_sign_in_at == clock.now()


def test_each_step_of_signing_in_reads_the_person_once(backend: Backend, admin_user: User) -> None:
    """The driver sends one read of `users` for the password, one for the ticket, and one for a program."""
    service = backend.sign_in

    def reads(step: Callable[[], T]) -> tuple[int, T]:
        before, done, after = commands(backend), step(), commands(backend)
        return sum((after - before)[f"{command} users"] for command in ("find", "findAndModify", "aggregate")), done

    asked, ticket = reads(lambda: service.issue_ticket(service.authenticate(admin_user.email, PASSWORD), BROWSER))
    redeemed, _token = reads(lambda: service.redeem_ticket(ticket, BROWSER, "test"))
    program, _pair = reads(lambda: service.sign_in_program(admin_user.email, PASSWORD, "test"))
    assert (asked, redeemed, program) == (1, 1, 1)


def commands(backend: Backend) -> Counter[str]:
    """How many commands the listener of the driver has seen of each kind."""
    return Counter({label: figures.count for label, figures in backend.metrics.read(QUERIES).items()})
