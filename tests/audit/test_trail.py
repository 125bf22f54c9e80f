"""The audit trail: appended with its act or not at all, chained, searched, forgotten by its time alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from backend.accounts.models import Viewer
from backend.audit.models import AuditFilter, Entry
from backend.bootstrap import Backend
from backend.errors import Invalid, NotAllowed
from backend.kit.clock import SetClock
from backend.kit.origin import Origin, coming_from
from tests.school import School

HERE = Origin(address="203.0.113.7", agent="Firefox", request_id="abc12345")


def record(backend: Backend, admin: Viewer, target: str = "u1", *, origin: Origin = HERE) -> None:
    with coming_from(lambda: origin):
        backend.trail.record(
            admin, "user.role_changed", "user", target, before={"role": "student"}, after={"role": "teacher"}
        )


def newest(backend: Backend, admin: Viewer, **wanted: Any) -> tuple[Entry, ...]:
    return backend.audit.entries(admin, AuditFilter(**wanted)).entries


def test_an_entry_says_who_what_before_and_after_and_from_where(backend: Backend, admin: Viewer) -> None:
    """Everything that was said of an act, and where it came from, is read back as it was."""
    record(backend, admin)
    (entry,) = newest(backend, admin, act="user.role_changed")
    assert (entry.actor_id, entry.actor_role, entry.target_kind, entry.target_id) == (admin.id, "admin", "user", "u1")
    assert (entry.before, entry.after, entry.origin) == ({"role": "student"}, {"role": "teacher"}, HERE)
    assert entry.at == backend.clock.now()


def test_an_act_and_its_entry_stand_or_fall_together(backend: Backend, admin: Viewer) -> None:
    """An entry written in a transaction that fails is not there, nor does the chain miss it."""

    def work(session: Any) -> None:
        backend.trail.record(admin, "classroom.archived", "classroom", "c1", session=session)
        raise Invalid("no")

    with pytest.raises(Invalid):
        backend.mongo.transaction(work)
    record(backend, admin)
    assert newest(backend, admin, act="classroom.archived") == ()
    assert backend.audit.check_all().broken_at is None


def test_many_at_once_make_one_chain(backend: Backend, admin: Viewer) -> None:
    """Acts of the same moment are all written, one after another, without a gap."""
    before = backend.audit.check_all().entries
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: record(backend, admin, f"u{index}"), range(24)))
    state = backend.audit.check_all()
    assert (state.entries - before, state.broken_at) == (24, None)


def changed(backend: Backend) -> None:
    backend.mongo["audit"].update_one({"targetId": "u1"}, {"$set": {"after.role": "admin"}})


def removed(backend: Backend) -> None:
    backend.mongo["audit"].delete_one({"targetId": "u1"})


def cut_off(backend: Backend) -> None:
    backend.mongo["audit"].delete_many({"targetId": {"$in": ["u1", "u2"]}})


def moved(backend: Backend) -> None:
    backend.mongo["audit"].update_one({"targetId": "u1"}, {"$set": {"origin.address": "198.51.100.1"}})


@pytest.mark.parametrize("tamper", [changed, removed, cut_off, moved])
def test_tampering_in_the_database_is_noticed(
    backend: Backend, admin: Viewer, tamper: Callable[[Backend], None]
) -> None:
    """An entry that was changed, taken out, cut off at the end or given another origin breaks the chain there."""
    for target in ("u0", "u1", "u2"):
        record(backend, admin, target)
    (entry,) = newest(backend, admin, people=("u1",))
    assert backend.audit.check_all().broken_at is None
    tamper(backend)
    assert backend.audit.check_all().broken_at == entry.id
    state = backend.audit.state()
    assert state is not None
    assert state.broken_at == entry.id


def test_secrets_are_refused(backend: Backend, admin: Viewer) -> None:
    """A fact whose name sounds like a secret is never written."""
    for name in ("passwordHash", "refreshToken", "joinCode", "jwtSecret"):
        with pytest.raises(ValueError, match="secret"):
            backend.trail.record(admin, "settings.changed", "settings", "x", after={name: "y"})


def test_it_is_searched_by_person_act_and_time(backend: Backend, admin: Viewer, clock: SetClock) -> None:
    """A person is found as who acted and as whom it was done to; acts and times narrow it down."""
    start = clock.now()
    record(backend, admin, "u1")
    clock.advance(timedelta(hours=1))
    backend.trail.record(None, "statistics.rebuilt", "statistics", "all")
    assert [each.target_id for each in newest(backend, admin, people=("u1",))] == ["u1"]
    assert {each.act for each in newest(backend, admin, people=(admin.id,))} >= {"user.role_changed"}
    assert [each.actor_id for each in newest(backend, admin, act="statistics.rebuilt")] == ["system"]
    assert [each.act for each in newest(backend, admin, since=clock.now())] == ["statistics.rebuilt"]
    assert "statistics.rebuilt" not in {each.act for each in newest(backend, admin, since=start, until=clock.now())}


def test_paging_neither_skips_nor_repeats_while_entries_are_added(backend: Backend, admin: Viewer) -> None:
    """The cursor goes on from the last entry seen, whatever was written since."""
    for index in range(7):
        record(backend, admin, f"u{index}")
    seen, before = [], None
    while True:
        page = backend.audit.entries(admin, AuditFilter(act="user.role_changed"), before=before, limit=3)
        seen += [each.target_id for each in page.entries]
        record(backend, admin, "late")
        before = page.next_before
        if before is None:
            break
    assert seen == [f"u{index}" for index in reversed(range(7))]


def test_old_entries_go_by_their_time_and_the_chain_goes_on(backend: Backend, admin: Viewer, clock: SetClock) -> None:
    """What is older than the retention time is taken away, that it was is an entry, and the rest still checks."""
    record(backend, admin, "old")
    clock.advance(timedelta(days=backend.settings.audit_days - 1))
    record(backend, admin, "new")
    clock.advance(timedelta(days=2))
    assert backend.audit.forget_old() > 0
    assert newest(backend, admin, people=("old",)) == ()
    assert [each.target_id for each in newest(backend, admin, people=("new",))] == ["new"]
    assert newest(backend, admin)[0].act == "audit.forgotten"
    assert backend.audit.check_all().broken_at is None


def test_only_administrators_read_it(backend: Backend, admin: Viewer, school: School) -> None:
    """A teacher is refused, and taking a copy of the trail is itself written in it."""
    teacher = school.teacher(admin)
    for call in (backend.audit.entries, backend.audit.export, backend.audit.check):
        with pytest.raises(NotAllowed):
            call(teacher)
    assert next(iter(backend.audit.export(admin))).act == "audit.exported"


def test_nothing_that_reads_or_writes_it_can_change_an_entry(backend: Backend) -> None:
    """The whole public surface of the trail: append, look, check, and forgetting by time or by a person's right."""
    names = {name for part in (backend.audit, backend.trail) for name in dir(part) if not name.startswith("_")}
    assert names == {"entries", "export", "check", "check_all", "state", "forget_old", "record", "record_view"} | {
        "forget_origins"
    }
