"""The second factor: set up by a code, asked for at every sign-in, each code once, and what happens when it is lost."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pyotp
import pytest
from pydantic import SecretStr

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import AppError, Conflict, NotAllowed, NotFound, NotSignedIn, RateLimited, SecondFactorNeeded
from backend.kit.clock import SetClock
from backend.kit.security.totp import STEP_SECONDS
from backend.progress.models import ChapterFilters
from tests.at_once import at_once
from tests.school import PASSWORD, School

BROWSER = "browser of the test"


class Phone:
    """The authenticator app of a person, and the recovery codes on her paper."""

    def __init__(self, backend: Backend, viewer: Viewer, clock: SetClock) -> None:
        self._clock = clock
        self.secret = backend.second_factor.begin(viewer).secret
        self.recovery = backend.second_factor.confirm(viewer, self.code()).codes
        clock.advance(timedelta(seconds=STEP_SECONDS))

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(self._clock.now())


@pytest.fixture
def phone(backend: Backend, teacher: Viewer, clock: SetClock) -> Phone:
    """The teacher's, whose second factor is on."""
    return Phone(backend, teacher, clock)


def challenge(backend: Backend, user: User) -> str:
    """What a right password gets in the place of a ticket."""
    with pytest.raises(SecondFactorNeeded) as caught:
        backend.sign_in.issue_ticket(user, BROWSER)
    assert caught.value.details
    return str(caught.value.details["challenge"])


def refused(backend: Backend, user: User, code: str) -> str:
    """The code of the error with which a sign-in with this code is refused."""
    with pytest.raises(AppError) as caught:
        backend.sign_in.complete_ticket(challenge(backend, user), code, BROWSER)
    return caught.value.code


def test_a_password_alone_opens_nothing(backend: Backend, school: School, teacher: Viewer, phone: Phone) -> None:
    """With a second factor neither pages nor programs get a session before the code has come; then they do."""
    user = school.user(teacher)
    with pytest.raises(SecondFactorNeeded):
        backend.sign_in.sign_in_program(user.email, PASSWORD, "program")
    ticket = backend.sign_in.complete_ticket(challenge(backend, user), phone.code(), BROWSER)
    assert backend.sign_in.viewer(backend.sign_in.redeem_ticket(ticket, BROWSER, "test")).id == user.id


def test_a_code_works_once(backend: Backend, school: School, teacher: Viewer, phone: Phone, clock: SetClock) -> None:
    """A code that was used, at set-up or at sign-in, is refused; so is an older one after a newer one."""
    user, earlier = school.user(teacher), phone.code()
    clock.advance(timedelta(seconds=STEP_SECONDS))
    backend.sign_in.complete_ticket(challenge(backend, user), phone.code(), BROWSER)
    assert refused(backend, user, phone.code()) == "wrong_code"
    assert refused(backend, user, earlier) == "wrong_code"


def test_a_code_used_at_the_same_moment_works_once(
    backend: Backend, school: School, teacher: Viewer, phone: Phone
) -> None:
    """Of four who send the same code at once, one gets in."""
    user = school.user(teacher)
    complete = backend.sign_in.complete_ticket
    outcomes = at_once(*(partial(complete, challenge(backend, user), phone.code(), BROWSER) for _each in range(4)))
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1


def test_a_recovery_code_works_once(backend: Backend, school: School, teacher: Viewer, phone: Phone) -> None:
    """Ten codes, each good for one sign-in however it is typed; the state tells how many are left."""
    user = school.user(teacher)
    assert len(set(phone.recovery)) == 10
    typed = phone.recovery[3].lower().replace("-", " ")
    assert backend.sign_in.complete_ticket(challenge(backend, user), typed, BROWSER)
    assert refused(backend, user, phone.recovery[3]) == "wrong_code"
    assert backend.second_factor.state(school_viewer(backend, user, phone.recovery[4])).recovery_codes_left == 8


def school_viewer(backend: Backend, user: User, code: str) -> Viewer:
    """The person, signed in with this code."""
    ticket = backend.sign_in.complete_ticket(challenge(backend, user), code, BROWSER)
    return backend.sign_in.viewer(backend.sign_in.redeem_ticket(ticket, BROWSER, "test"))


def test_new_recovery_codes_end_the_old_ones(backend: Backend, school: School, teacher: Viewer, phone: Phone) -> None:
    """Making codes anew leaves ten fresh ones, and none of the old."""
    fresh = backend.second_factor.renew_codes(teacher).codes
    assert not set(fresh) & set(phone.recovery)
    assert refused(backend, school.user(teacher), phone.recovery[0]) == "wrong_code"
    assert backend.sign_in.complete_ticket(challenge(backend, school.user(teacher)), fresh[0], BROWSER)


def test_guessing_is_slowed_down(
    backend: Backend, school: School, teacher: Viewer, phone: Phone, clock: SetClock
) -> None:
    """After five wrong codes the right one must wait too, longer each time, at most a quarter of an hour."""
    user = school.user(teacher)
    for _guess in range(5):
        assert refused(backend, user, "000000") == "wrong_code"
    assert refused(backend, user, phone.code()) == "rate_limited"
    clock.advance(timedelta(seconds=30))
    assert refused(backend, user, "000000") == "wrong_code"
    clock.advance(timedelta(seconds=59))
    assert refused(backend, user, "000000") == "rate_limited"
    for _guess in range(10):
        clock.advance(timedelta(minutes=15))
        assert refused(backend, user, "000000") == "wrong_code"
    clock.advance(timedelta(minutes=15))
    assert backend.sign_in.complete_ticket(challenge(backend, user), phone.code(), BROWSER)
    assert refused(backend, user, "000000") == "wrong_code"  # counted from the beginning again


def test_a_challenge_belongs_to_its_browser_and_ends(
    backend: Backend, school: School, teacher: Viewer, phone: Phone, clock: SetClock
) -> None:
    """A challenge works for five minutes, in the browser that gave the password, once; a program's is its own."""
    user, complete = school.user(teacher), backend.sign_in.complete_ticket
    made = challenge(backend, user)
    with pytest.raises(NotSignedIn):
        complete(made, phone.code(), "another browser")
    with pytest.raises(NotSignedIn):
        backend.sign_in.complete_program(made, phone.code(), "program")
    assert complete(made, phone.code(), BROWSER)
    clock.advance(timedelta(seconds=STEP_SECONDS))
    with pytest.raises(NotSignedIn):
        complete(made, phone.code(), BROWSER)
    late = challenge(backend, user)
    clock.advance(timedelta(minutes=5))
    with pytest.raises(NotSignedIn):
        complete(late, phone.code(), BROWSER)


def test_a_link_for_a_new_password_leads_to_the_code_too(
    backend: Backend, school: School, teacher: Viewer, phone: Phone
) -> None:
    """Whoever sets a password by a one-time link must still give the code."""
    admin = backend.administration.rescue("admin@example.org").user
    link = backend.administration.make_reset_link(school.viewer(admin), teacher.id)
    assert challenge(backend, backend.accounts.reset_password(link.token, PASSWORD))


def test_only_a_right_code_puts_it_into_force(backend: Backend, school: School, teacher: Viewer) -> None:
    """Until the first right code came, signing in is as before; beginning again makes another secret."""
    first = backend.second_factor.begin(teacher)
    second = backend.second_factor.begin(teacher)
    assert first.secret != second.secret
    assert first.secret not in str(list(backend.mongo["users"].find()))
    assert f"secret={second.secret}" in second.address
    with pytest.raises(NotAllowed):
        backend.second_factor.confirm(teacher, pyotp.TOTP(first.secret).at(backend.clock.now()))
    assert backend.sign_in.issue_ticket(school.user(teacher), BROWSER)
    backend.second_factor.confirm(teacher, pyotp.TOTP(second.secret).at(backend.clock.now()))
    assert challenge(backend, school.user(teacher))
    with pytest.raises(Conflict):
        backend.second_factor.begin(teacher)


def test_setting_up_takes_half_an_hour_at_most(backend: Backend, teacher: Viewer, clock: SetClock) -> None:
    """A set-up that was left lying must be begun again."""
    setup = backend.second_factor.begin(teacher)
    clock.advance(timedelta(minutes=30))
    with pytest.raises(NotFound):
        backend.second_factor.confirm(teacher, pyotp.TOTP(setup.secret).at(clock.now()))


def test_turning_it_on_ends_other_sessions(backend: Backend, school: School, teacher: Viewer) -> None:
    """Sessions that were opened by the password alone end; the one in which it was set up stays."""
    user = school.user(teacher)
    other = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, "b"), "b", "test")
    setup = backend.second_factor.begin(teacher)
    backend.second_factor.confirm(teacher, pyotp.TOTP(setup.secret).at(backend.clock.now()))
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(other)
    assert [each.id for each in backend.accounts.sessions(teacher)] == [teacher.session_id]


def test_changes_want_a_fresh_password_and_code(
    backend: Backend, teacher: Viewer, phone: Phone, clock: SetClock
) -> None:
    """Five minutes after signing in, turning off and new codes ask for password and code again."""
    clock.advance(timedelta(minutes=6))
    acts: tuple[Any, ...] = (backend.second_factor.turn_off, backend.second_factor.renew_codes)
    for act in acts:
        with pytest.raises(NotAllowed) as caught:
            act(teacher)
        assert caught.value.code == "reauthentication_needed"
    for password, code in ((PASSWORD, "000000"), ("wrong", phone.code())):
        with pytest.raises(NotAllowed):
            backend.accounts.reauthenticate(teacher, password, code)
    backend.accounts.reauthenticate(teacher, PASSWORD, phone.code())
    backend.second_factor.turn_off(teacher)
    assert backend.sign_in.authenticate(teacher.email, PASSWORD).second_factor_at is None


def test_an_administrator_resets_what_was_lost(backend: Backend, school: School, teacher: Viewer, phone: Phone) -> None:
    """Somebody without phone and paper gets in by her password again; she was signed out, and it is written down."""
    admin = school.viewer(backend.administration.rescue("admin@example.org").user)
    backend.administration.reset_second_factor(admin, teacher.id)
    assert backend.administration.sessions(admin, teacher.id) == ()
    assert backend.sign_in.issue_ticket(backend.administration.user(admin, teacher.id), BROWSER)
    assert "second_factor.reset" in [entry.act for entry in backend.audit.entries(admin).entries]
    with pytest.raises(NotFound):
        backend.administration.reset_second_factor(admin, teacher.id)
    with pytest.raises(Conflict):
        backend.administration.reset_second_factor(admin, admin.id)


def test_a_rescue_on_the_server_takes_it_away(backend: Backend, school: School, clock: SetClock) -> None:
    """The last administrator who lost her phone gets in by the command on the server."""
    admin = school.admin()
    Phone(backend, admin, clock)
    link = backend.administration.rescue(admin.email)
    assert backend.sign_in.issue_ticket(backend.accounts.reset_password(link.token, PASSWORD), BROWSER)


def test_who_must_have_one_can_do_nothing_before(settings: Settings, clock: SetClock) -> None:
    """In production an administrator without a second factor is refused all but setting it up; then all opens."""
    strict = settings.model_copy(update={"require_second_factor": "admins"})
    backend = build(strict, clock=clock)
    try:
        admin = School(backend).admin()
        assert admin.lacks_second_factor
        acts: tuple[Callable[[Viewer], object], ...] = (
            backend.administration.users,
            backend.operations.health,
            backend.classrooms.classrooms,
            lambda viewer: backend.overview.chapters(viewer, ChapterFilters()),
            lambda viewer: backend.overview.chapter(viewer, backend.chapters.active()[0].id),
        )
        for act in acts:
            with pytest.raises(NotAllowed) as caught:
                act(admin)
            assert caught.value.code == "second_factor_required"
        phone = Phone(backend, admin, clock)
        signed = school_viewer(backend, backend.accounts.me(admin), phone.code())
        assert not signed.lacks_second_factor
        assert backend.administration.users(signed).total == 1
        with pytest.raises(Conflict):
            backend.second_factor.turn_off(signed)
    finally:
        backend.close()


def test_only_sealed_and_hashed_secrets_are_stored(backend: Backend, teacher: Viewer, phone: Phone) -> None:
    """Neither the secret nor a recovery code nor a challenge stands in the database as it is shown."""
    stored = str([list(backend.mongo[name].find()) for name in ("users", "sessions", "tickets", "audit")])
    assert phone.secret not in stored
    assert not any(code.replace("-", "") in stored or code in stored for code in phone.recovery)


def test_secrets_outlive_a_change_of_keys(
    backend: Backend, settings: Settings, teacher: Viewer, phone: Phone, clock: SetClock
) -> None:
    """A start with a new first key seals secrets anew; after the old key has gone, codes still fit."""
    old = (settings.data_dir / "secrets" / "jwt").read_text()
    new = "a-brand-new-secret-0123456789-abcdefgh"
    for keys in (f"b:{new},{old}", f"b:{new}"):
        other = build(settings.model_copy(update={"jwt_keys": SecretStr(keys)}), clock=clock)
        try:
            user = other.sign_in.authenticate(teacher.email, PASSWORD)
            assert other.sign_in.complete_ticket(challenge(other, user), phone.code(), BROWSER)
        finally:
            other.close()
        clock.advance(timedelta(seconds=STEP_SECONDS))


def test_waiting_is_told_in_seconds(backend: Backend, school: School, teacher: Viewer, phone: Phone) -> None:
    """Who tried too often learns when to come again."""
    user = school.user(teacher)
    for _guess in range(5):
        refused(backend, user, "000000")
    with pytest.raises(RateLimited) as caught:
        backend.sign_in.complete_ticket(challenge(backend, user), "000000", BROWSER)
    assert 0 < caught.value.retry_after_seconds <= 30
