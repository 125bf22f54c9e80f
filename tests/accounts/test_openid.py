"""Whom the school's OpenID provider vouches for: whose account it is, who becomes a student, and who gets nothing."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pyotp
import pytest

from backend.accounts.models import ProviderIdentity, User, Viewer
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import NotSignedIn, SecondFactorNeeded
from backend.kit.clock import SetClock
from tests.school import NOON, PASSWORD, School

BROWSER = "browser of the test"
IDENTITY = ProviderIdentity(
    subject="https://provider.example|1",
    email="sita@sunrise.example",
    email_verified=True,
    name="Sita",
    issued_at=NOON,
    nonce="n1",
)


@pytest.fixture
def federated(settings: Settings, clock: SetClock) -> Iterator[Backend]:
    """A school whose provider's people of sunrise.example may become students."""
    names = {"oidc_sign_up_domains": "sunrise.example, Other.example", "oidc_trusted_domains": "tenant.example"}
    built = build(settings.model_copy(update=names), clock=clock)
    try:
        yield built
    finally:
        built.close()


def enter(backend: Backend, **changes: object) -> User:
    """Who is signed in when an identity that differs by `changes` has arrived."""
    identity = msgspec.structs.replace(IDENTITY, **changes)
    ticket = backend.sign_in.enter_by_provider(identity, BROWSER)
    return backend.accounts.me(backend.sign_in.viewer(backend.sign_in.redeem_ticket(ticket, BROWSER, "test")))


def refused(backend: Backend, **changes: object) -> str:
    with pytest.raises(NotSignedIn) as caught:
        enter(backend, **changes)
    return caught.value.code


def test_a_verified_address_finds_its_account(federated: Backend) -> None:
    """A teacher with this address is signed in as herself, whatever the capitals; her password still works."""
    school = School(federated)
    teacher = school.teacher(school.admin())
    assert enter(federated, email=teacher.email.upper()).id == teacher.id
    assert federated.sign_in.authenticate(teacher.email, PASSWORD).id == teacher.id


def test_an_unverified_address_finds_nothing(federated: Backend) -> None:
    """Neither an account nor a new one: an address that the provider has not verified says nothing."""
    School(federated).admin()
    assert refused(federated, email="admin@example.org", email_verified=False) == "provider_unverified"
    assert refused(federated, email_verified=False, nonce="n2") == "provider_unverified"
    assert federated.mongo["users"].count_documents({}) == 1


def test_a_tenant_of_the_school_needs_no_flag(federated: Backend) -> None:
    """Where the school says that a domain is its own tenant's, the provider need not say “verified”."""
    school = School(federated)
    link = federated.administration.create(school.admin(), name="T", email="t@tenant.example", role="teacher")
    assert enter(federated, email="t@tenant.example", email_verified=False).id == link.user.id


def test_who_is_known_is_found_by_the_provider_and_not_by_address(federated: Backend) -> None:
    """After the first time the provider's own name for her counts: a changed address is still her, another's is not."""
    first = enter(federated)
    assert enter(federated, email="new@elsewhere.example", email_verified=False, nonce="n2").id == first.id
    assert refused(federated, subject="https://provider.example|2", nonce="n3") == "provider_unknown"


def test_a_newcomer_of_a_named_domain_becomes_a_student(federated: Backend) -> None:
    """Nobody of another domain does, however it is spelt."""
    made = enter(federated)
    assert (made.role, made.name, made.email) == ("student", "Sita", "sita@sunrise.example")
    for number, email in enumerate(
        ("a@evil.example", "a@sunrise.example.evil.example", "a@b@evil.example", "sunrise.example")
    ):
        assert refused(federated, subject=f"s{number}", email=email, nonce=f"e{number}") == "provider_unknown"


def test_without_a_named_domain_nobody_becomes_anybody(backend: Backend) -> None:
    """By default only those who have an account get in."""
    assert refused(backend) == "provider_unknown"


def test_an_arrival_counts_once_and_for_five_minutes(federated: Backend, clock: SetClock) -> None:
    """What the provider said can be used once, and not much later: a stolen cookie of it opens nothing."""
    enter(federated)
    assert refused(federated) == "provider_expired"
    clock.advance(timedelta(minutes=6))
    assert refused(federated, nonce="n2") == "provider_expired"
    assert refused(federated, nonce="n3", issued_at=clock.now() + timedelta(hours=1)) == "provider_expired"


def test_who_signed_up_with_anothers_address_is_out(federated: Backend) -> None:
    """A student who took another's address loses the account to its owner: password, sessions, second factor."""
    school = School(federated)
    classroom = school.classroom(school.teacher(school.admin()))
    thief = federated.registration.sign_up(
        name="M", email=IDENTITY.email, password=PASSWORD, join_code=str(classroom.join_code)
    )
    viewer = school.viewer(thief)
    secret = federated.second_factor.begin(viewer).secret
    federated.second_factor.confirm(viewer, pyotp.TOTP(secret).at(federated.clock.now()))
    assert enter(federated).id == thief.id
    assert federated.accounts.sessions(_of(federated, thief)) != ()
    with pytest.raises(NotSignedIn):
        federated.sign_in.authenticate(IDENTITY.email, PASSWORD)
    assert viewer.session_id not in {each.id for each in federated.accounts.sessions(_of(federated, thief))}


def _of(backend: Backend, user: User) -> Viewer:
    return School(backend).viewer(backend.accounts.me(School(backend).viewer(user)))


def test_the_second_factor_and_deactivation_hold_here_too(federated: Backend) -> None:
    """A provider vouches for a person, not for our own second step; who is deactivated stays out."""
    school = School(federated)
    admin = school.admin()
    teacher = school.teacher(admin)
    secret = federated.second_factor.begin(teacher).secret
    federated.second_factor.confirm(teacher, pyotp.TOTP(secret).at(federated.clock.now()))
    with pytest.raises(SecondFactorNeeded):
        enter(federated, email=teacher.email)
    federated.administration.set_active(admin, teacher.id, active=False)
    assert refused(federated, email=teacher.email, nonce="n2") == "provider_unknown"


def test_who_came_by_the_provider_can_choose_a_password(federated: Backend, clock: SetClock) -> None:
    """Without a password she may set one just after signing in, and not later without signing in again."""
    user = enter(federated)
    viewer = _of(federated, user)
    clock.advance(timedelta(minutes=6))
    with pytest.raises(Exception, match="confirm with your password"):
        federated.accounts.change_password(viewer, "", "another horse battery")
    federated.accounts.change_password(_of(federated, user), "", "another horse battery")
    assert federated.sign_in.authenticate(IDENTITY.email, "another horse battery").id == user.id
