"""Leases: one owner at a time, fenced by an epoch, never longer than they say, whatever became of the clocks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend.bootstrap import Backend
from backend.errors import Conflict, Unavailable
from backend.kit.mongo import lease
from backend.kit.mongo.client import Document, Mongo, new_id
from backend.kit.mongo.lease import LeaseLost, MongoLease
from backend.kit.schedule.runs import Run, Runs
from tests.waiting import until

FUTURE = [timedelta(seconds=50), timedelta(hours=1), timedelta(days=1), timedelta(days=36_500)]


def acquired(mongo: Mongo, name: str, owner: str, seconds: float = 60.0) -> MongoLease:
    """A lease that is free."""
    found = lease.acquire(mongo.database, name, owner, seconds)
    assert found is not None
    return found


def keep(mongo: Mongo, name: str, fields: Document) -> None:
    """Write into a lease what nobody of this version would."""
    mongo["leases"].update_one({"_id": name}, {"$set": fields}, upsert=True)


def test_one_of_many_gets_it(backend: Backend) -> None:
    """Of twelve that ask at once one has the lease, and keeps it under its epoch when it asks again."""
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda n: lease.acquire(backend.mongo.database, "race", f"owner {n}", 60.0), range(12)))
    (won,) = [each for each in found if each]
    assert lease.holder(backend.mongo.database, "race") == won.owner
    assert acquired(backend.mongo, "race", won.owner) == won


def test_a_released_one_is_free_at_once_and_numbered_on(backend: Backend) -> None:
    """The next owner leads under a higher epoch, and the one before can neither renew nor release it."""
    first = acquired(backend.mongo, "turns", "first")
    first.release()
    second = acquired(backend.mongo, "turns", "second")
    assert second.epoch == first.epoch + 1
    with pytest.raises(LeaseLost):
        first.renew()
    first.release()
    assert lease.holder(backend.mongo.database, "turns") == "second"


@pytest.mark.parametrize("ahead", FUTURE, ids=str)
@pytest.mark.parametrize("seconds", [6.0, None], ids=["this version's", "an older version's"])
def test_a_lease_further_ahead_than_it_is_long_is_over(
    backend: Backend, ahead: timedelta, seconds: float | None
) -> None:
    """Written by a clock that ran ahead, it holds nobody up: it has no holder, and the next owner gets it."""
    fields = {"owner": "gone", "epoch": 3, "expiresAt": backend.runs.now() + ahead}
    keep(backend.mongo, "ahead", fields | ({"seconds": seconds} if seconds else {}))
    assert lease.holder(backend.mongo.database, "ahead") is None
    assert acquired(backend.mongo, "ahead", "next", 6.0).epoch == 4


def test_a_lease_of_an_older_version_is_respected(backend: Backend) -> None:
    """One without a length stands for as long as the one who asks would have it."""
    keep(backend.mongo, "older", {"owner": "old", "epoch": 1, "expiresAt": backend.runs.now() + timedelta(seconds=30)})
    assert lease.acquire(backend.mongo.database, "older", "new", 40.0) is None


def test_it_is_renewed_beside_long_work(backend: Backend) -> None:
    """While the block runs, nobody else gets it, also long after its length; afterwards it ends by itself."""
    ends: set[object] = set()

    def was_renewed() -> bool:
        ends.add((backend.mongo["leases"].find_one({"_id": "long"}) or {})["expiresAt"])
        return len(ends) > 4

    with acquired(backend.mongo, "long", "worker", 3.0).renewed():
        until(was_renewed)
        assert lease.acquire(backend.mongo.database, "long", "other", 3.0) is None
    until(lambda: lease.acquire(backend.mongo.database, "long", "other", 3.0) is not None)


def test_a_renewal_that_lost_it_ends(backend: Backend) -> None:
    """The thread stops where another owner has it: the work finds out by its epoch."""
    held = acquired(backend.mongo, "lost", "first", 0.3)
    with held.renewed():
        keep(backend.mongo, "lost", {"owner": "second", "epoch": held.epoch + 1})
        until(lambda: all(each.name != "lease-lost" for each in threading.enumerate()))


@pytest.mark.parametrize("ahead", FUTURE, ids=str)
def test_saving_is_not_blocked_by_a_clock_that_ran_ahead(backend: Backend, ahead: timedelta) -> None:
    """A block on writing that ends in a day is over, and the next restore may have its own."""
    fields = {"owner": "gone", "epoch": 1, "seconds": 30.0, "expiresAt": backend.runs.now() + ahead}
    keep(backend.mongo, "writeHold", fields)
    other = Mongo(_uri(backend), backend.settings.mongodb_database)
    try:
        assert other.transaction(lambda _session: "saved") == "saved"
        with backend.mongo.writes_blocked():
            with pytest.raises(Unavailable, match="being restored"):
                backend.mongo.transaction(lambda _session: "saved")
            with pytest.raises(Conflict), other.writes_blocked():
                pass
    finally:
        other.close()


def _uri(backend: Backend) -> str:
    assert backend.settings.mongodb_uri
    return backend.settings.mongodb_uri.get_secret_value()


@pytest.mark.parametrize("ahead", FUTURE, ids=str)
def test_a_job_is_taken_over_from_a_clock_that_ran_ahead(backend: Backend, ahead: timedelta) -> None:
    """A run whose lease ends in a day is taken over; one whose lease stands is not."""
    runs = Runs(backend.mongo)
    run = runs.claim("job", runs.now(), "slot", new_id(), 30.0)
    assert isinstance(run, Run)
    assert runs.take_over(["job"], "other", 30.0) is None
    backend.mongo["jobRuns"].update_one({"_id": run.id}, {"$set": {"leaseUntil": runs.now() + ahead}})
    taken = runs.take_over(["job"], "other", 30.0)
    assert taken and (taken.id, taken.owner) == (run.id, "other")


def test_a_job_planned_by_a_clock_that_ran_ahead_is_due(backend: Backend) -> None:
    """Since when a job is planned is never after now: its next time comes."""
    backend.mongo["jobs"].insert_one({"_id": "job", "since": backend.runs.now() + timedelta(days=1)})
    plan = backend.runs.plan("job", "0 2 * * *", "Asia/Kolkata", makes_up=True)
    assert plan.since <= backend.runs.now()
