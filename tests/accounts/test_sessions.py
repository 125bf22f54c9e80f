"""Sessions: how long they live by role, what is known of them, and who may end which."""

from datetime import timedelta

import pytest

from backend.accounts import session_queries
from backend.accounts.models import OpenSession, User, Viewer
from backend.bootstrap import Backend
from backend.config import Settings
from backend.errors import NotAllowed, NotFound, NotSignedIn
from backend.kit.clock import SetClock
from backend.kit.ip_networks import network_of
from backend.kit.origin import Origin, coming_from
from tests.school import PASSWORD, School

BROWSER = "browser of the test"


def sign_in(backend: Backend, user: User, device: str = "test") -> str:
    """A session as a browser gets it; its reference token."""
    return backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, BROWSER), BROWSER, device)


def is_open(backend: Backend, token: str) -> bool:
    backend.cache.invalidate("viewers")
    try:
        return bool(backend.sign_in.viewer(token))
    except NotSignedIn:
        return False


@pytest.mark.parametrize(
    ("role", "idle", "absolute"),
    [
        ("student", timedelta(days=14), timedelta(days=30)),
        ("teacher", timedelta(days=7), timedelta(days=30)),
        ("admin", timedelta(hours=12), timedelta(days=7)),
    ],
)
def test_sessions_end_by_role(
    backend: Backend, school: School, clock: SetClock, role: str, idle: timedelta, absolute: timedelta
) -> None:
    """Unused, and in any case, a session ends sooner the more its owner may do."""
    admin = school.admin()
    teacher = school.teacher(admin)
    person = {"admin": admin, "teacher": teacher, "student": school.student(school.classroom(teacher))}[role]
    started, user = clock.now(), school.user(person)
    unused, used = sign_in(backend, user), sign_in(backend, user)
    clock.advance(idle - timedelta(minutes=1))
    assert is_open(backend, used)
    clock.advance(timedelta(minutes=1))
    assert not is_open(backend, unused)
    while clock.now() < started + absolute - idle / 2:
        clock.advance(idle / 2)
        assert is_open(backend, used) == (clock.now() < started + absolute)
    clock.set(started + absolute)
    assert not is_open(backend, used)


def test_a_new_role_brings_its_own_limits(backend: Backend, school: School, clock: SetClock) -> None:
    """A teacher who becomes an administrator has an administrator's session at once, however old it is."""
    admin = school.admin()
    teacher = school.teacher(admin)
    token = sign_in(backend, school.user(teacher))
    backend.administration.set_role(admin, teacher.id, "admin")
    clock.advance(timedelta(hours=13))
    assert not is_open(backend, token)


def test_limits_are_what_the_school_says(settings: Settings) -> None:
    """Limits are pairs of times; less than a quarter of an hour, or unused longer than in all, is refused."""
    assert settings.session_limits["admin"] == (timedelta(hours=12), timedelta(days=7))
    own = Settings(session_admin="20m/8h", session_student="1d/1d")
    assert own.session_limits["admin"] == (timedelta(minutes=20), timedelta(hours=8))
    for wrong in ("5m/8h", "2d/1d", "14d", "14/30", "-1d/3d", "1y/2y", ""):
        with pytest.raises(ValueError, match="session_teacher"):
            Settings(session_teacher=wrong or "x")


def test_a_session_tells_device_place_and_time(backend: Backend, school: School, clock: SetClock) -> None:
    """The list says which program from which network, when it began and was last used, and which one asks."""
    user = school.user(school.admin())
    with coming_from(lambda: Origin(address="203.0.113.77", agent="x")):
        token = sign_in(backend, user, "Firefox on Linux")
    clock.advance(timedelta(minutes=7))
    viewer = backend.sign_in.viewer(token)
    first, second = backend.accounts.sessions(viewer)
    assert (first.device, first.place, first.is_this) == ("Firefox on Linux", "203.0.113.0/24", True)
    assert (first.last_seen_at, first.created_at) == (clock.now(), clock.now() - timedelta(minutes=7))
    assert first.ends_at == clock.now() + timedelta(hours=12)
    assert (second.place, second.is_this) == ("", False)
    assert "203.0.113.77" not in str(list(backend.mongo["sessions"].find()))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("testclient", ""),
        ("", ""),
        ("203.0.113.77, 10.0.0.1", ""),
    ],
)
def test_of_an_address_only_the_network_is_kept(address: str, network: str) -> None:
    """IPv4 to 24 bits, IPv6 to 48; this machine and what is no address are no place."""
    assert network_of(address) == network


def test_one_session_of_several_ends(backend: Backend, school: School) -> None:
    """“Sign out there” ends that one session and leaves the others; another person's is not found."""
    admin = school.admin()
    teacher = school.user(school.teacher(admin))
    here, there = sign_in(backend, teacher), sign_in(backend, teacher)
    viewer, other = backend.sign_in.viewer(here), backend.sign_in.viewer(there)
    backend.accounts.end_session(viewer, other.session_id)
    assert is_open(backend, here)
    assert not is_open(backend, there)
    for session_id in (other.session_id, admin.session_id, "unknown"):
        with pytest.raises(NotFound):
            backend.accounts.end_session(viewer, session_id)
    assert backend.accounts.sessions(admin)


def test_an_administrator_sees_and_ends_any_session(backend: Backend, school: School) -> None:
    """Of any person: one session, or all of them, programs included; both are written down."""
    admin = school.admin()
    teacher = school.user(school.teacher(admin))
    tokens = [sign_in(backend, teacher) for _each in range(2)]
    backend.sign_in.sign_in_program(teacher.email, PASSWORD, "program")
    seen: tuple[OpenSession, ...] = backend.administration.sessions(admin, teacher.id)
    assert {each.kind for each in seen} == {"browser", "api"}
    assert not any(each.is_this for each in seen)
    one = backend.sign_in.viewer(tokens[0])
    backend.administration.end_session(admin, one.session_id)
    assert [is_open(backend, token) for token in tokens] == [False, True]
    assert backend.administration.end_sessions(admin, teacher.id) == len(seen) - 1
    assert backend.administration.sessions(admin, teacher.id) == ()
    acts = [entry.act for entry in backend.audit.entries(admin).entries]
    assert {"session.revoked", "sessions.revoked", "user.viewed"} <= set(acts)
    with pytest.raises(NotFound):
        backend.administration.end_session(admin, one.session_id)


def test_signing_out_elsewhere_ends_what_is_under_way(backend: Backend, school: School) -> None:
    """A sign-in whose ticket is not spent yet ends with the other sessions."""
    user = school.user(school.admin())
    viewer, ticket = school.viewer(user), backend.sign_in.issue_ticket(user, BROWSER)
    backend.accounts.sign_out_elsewhere(viewer)
    with pytest.raises(NotSignedIn):
        backend.sign_in.redeem_ticket(ticket, BROWSER, "test")


def test_the_newest_of_two_links_is_the_only_one(backend: Backend, school: School) -> None:
    """However close together two one-time links are made, one of them works."""
    admin = school.admin()
    teacher = school.teacher(admin)
    links = [backend.administration.make_reset_link(admin, teacher.id) for _each in range(3)]
    assert backend.mongo["tickets"].count_documents({"purpose": "reset"}) == 1
    for link in links[:2]:
        with pytest.raises(NotFound):
            backend.accounts.reset_owner(link.token)
    assert backend.accounts.reset_owner(links[2].token).id == teacher.id


def test_a_new_address_wants_a_fresh_password(backend: Backend, student: Viewer, clock: SetClock) -> None:
    """Just after signing in an address can be changed; later the password is asked for, and a taken one is refused."""
    assert backend.accounts.change_email(student, "New@Example.org").email == "New@example.org"
    clock.advance(timedelta(minutes=6))
    with pytest.raises(NotAllowed) as caught:
        backend.accounts.change_email(student, "newer@example.org")
    assert caught.value.code == "reauthentication_needed"
    with pytest.raises(NotAllowed):
        backend.accounts.reauthenticate(student, "wrong password")
    backend.accounts.reauthenticate(student, PASSWORD)
    assert backend.accounts.change_email(student, "newer@example.org").id == student.id
    with pytest.raises(Exception, match="e-mail address already"):
        backend.accounts.change_email(student, "ADMIN@example.org")
    assert backend.sign_in.authenticate("newer@example.org", PASSWORD).id == student.id
    with pytest.raises(NotSignedIn):
        backend.sign_in.authenticate("new@example.org", PASSWORD)


def test_a_rehash_does_not_undo_a_new_password(backend: Backend, student: Viewer) -> None:
    """A hash is strengthened only in the place of the one that was looked at."""
    found = backend.mongo["users"].find_one({"_id": student.id})
    assert found
    backend.accounts.change_password(student, PASSWORD, "another horse battery")
    queries = backend.accounts._queries
    assert not queries.set_password(student.id, found["passwordHash"], before=found["passwordHash"])
    assert backend.sign_in.authenticate(student.email, "another horse battery").id == student.id


def test_members_are_what_they_are_in_the_school(backend: Backend, school: School) -> None:
    """A teacher who becomes a student is a student of her classes too, and back again."""
    admin = school.admin()
    teacher = school.teacher(admin)
    classroom = school.classroom(teacher)

    def role() -> str:
        found = backend.mongo["memberships"].find_one({"userId": teacher.id, "classroomId": classroom.id})
        return str(found and found["role"])

    assert role() == "teacher"
    backend.administration.set_role(admin, teacher.id, "student")
    assert role() == "student"
    backend.administration.set_role(admin, teacher.id, "teacher")
    assert role() == "teacher"


def test_a_person_has_a_hundred_sessions_at_most(
    backend: Backend, school: School, student: Viewer, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs in for ever fills no memory: what was unused for longest ends, the newest stays."""
    monkeypatch.setattr(session_queries, "MOST_SESSIONS", 3)
    opened = []
    for _each in range(4):
        clock.advance(timedelta(seconds=1))
        opened.append(school.viewer(school.user(student)))
    kept = {each.id for each in backend.accounts.sessions(opened[-1])}
    assert kept == {each.session_id for each in opened[1:]}
    with pytest.raises(NotSignedIn):
        backend.accounts._sessions.viewer(opened[0].session_id)
