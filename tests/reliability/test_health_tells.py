"""A copy of the database that is slow, frozen or away for too long: health names it and says what to do."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from bson import Timestamp
from pydantic import SecretStr

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.embedded import Servers
from backend.operations.models import State
from system_tests.cluster.mongo_set import Member, MongoSet
from tests.operations.test_replica_lag import is_locked, overflow
from tests.reliability.trial import LONG_FORM, Trials
from tests.school import School
from tests.waiting import until

Told = Callable[[str, State, Member], None]
TOLD_SECONDS = 240.0  # a lag is an error from 60 s on, and an oplog forgets but once a minute


@pytest.fixture(scope="module")
def members(trials: Trials, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoSet]:
    if not trials.is_long:
        pytest.skip(LONG_FORM)
    with MongoSet(tmp_path_factory.mktemp("told"), options=("--oplogSize", "1")) as made:
        yield made


@pytest.fixture(scope="module")
def backend(members: MongoSet, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        mongodb_uri=SecretStr(members.uri),
        redis_url=SecretStr(str(servers.redis_url)),
        mongodb_database="told",
    )
    made = build(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def told(backend: Backend) -> Told:
    """Waits until the check of this name is in this state and, unless it is well, tells what to do with this member."""
    admin = School(backend).admin()

    def wait(name: str, state: State, member: Member) -> None:
        def is_told() -> bool:
            backend.mongo["things"].insert_one({})  # so that there is something to be behind of
            found = next(each for each in backend.operations.health(admin).checks if each.name == name)
            return found.state == state and (state == "ok" or member.address in found.fix)

        until(is_told, seconds=TOLD_SECONDS)

    return wait


def test_a_slow_copy_is_a_warning_and_then_an_error(members: MongoSet, told: Told) -> None:
    """One that stops writing is named once it is ten seconds behind, graver after a minute; it catches up."""
    slow = members.secondaries()[0]
    told("replicas", "ok", slow)
    with slow.client(milliseconds=20_000) as client:
        until(lambda: is_locked(client))
        told("replicas", "warning", slow)
        told("replicas", "error", slow)
        client.admin.command("fsyncUnlock")
    told("replicas", "ok", slow)


def test_a_frozen_copy_is_named(members: MongoSet, told: Told) -> None:
    """It counts as away, and as well again once it answers."""
    frozen = members.secondaries()[0]
    frozen.freeze()
    told("mongodb", "warning", frozen)
    frozen.thaw()
    told("mongodb", "ok", frozen)


def kept(members: MongoSet, order: int) -> list[Timestamp]:
    """Of each member that runs, when the oldest (1) or the newest (-1) change was made that it still knows."""
    found = []
    for member in members.members:
        if member.is_running:
            with member.client() as client:
                entry = client["local"]["oplog.rs"].find_one(sort=[("$natural", order)])
                found.append(entry["ts"] if entry else Timestamp(0, 0))
    return found


def test_a_copy_away_for_longer_than_the_oplog_reaches_is_told(members: MongoSet, backend: Backend, told: Told) -> None:
    """It comes back and cannot follow any more; emptied, it copies everything anew."""
    stale = members.secondaries()[0]
    stale.kill()
    since = max(kept(members, -1))

    def has_forgotten() -> bool:
        overflow(backend.mongo["pieces"])
        return min(kept(members, 1)) > since

    until(has_forgotten, seconds=TOLD_SECONDS)
    stale.start()
    told("replicas", "error", stale)
    stale.kill()
    shutil.rmtree(stale.folder / "data")
    stale.start()
    told("replicas", "ok", stale)
    members.await_whole()
