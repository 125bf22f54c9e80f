"""A copy of the database that stops following, and an oplog that is too short, are made and seen."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from backend.kit.mongo.client import Mongo
from backend.operations import checks
from backend.operations.server_queries import ServerQueries
from system_tests.cluster.mongo_set import MongoSet
from tests.waiting import until

OPLOG_BYTES = 1_048_576
PIECE_BYTES = 65_536


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoSet]:
    """A set of three with the smallest oplog that there is, of 1 MB."""
    with MongoSet(tmp_path_factory.mktemp("lag"), options=("--oplogSize", "1")) as made:
        yield made


@pytest.fixture
def mongo(members: MongoSet) -> Iterator[Mongo]:
    with closing(Mongo(members.uri, "lag")) as made:
        yield made


def is_locked(client: MongoClient[dict[str, Any]]) -> bool:
    """Whether writes to this member are locked now; a young member takes it up once it has its first checkpoint."""
    try:
        client.admin.command("fsync", lock=True)
    except OperationFailure:
        return False
    return True


def overflow(pieces: Collection[dict[str, Any]], written_bytes: int = 2 * OPLOG_BYTES) -> None:
    """Write more than the oplog holds."""
    for _piece in range(written_bytes // PIECE_BYTES):
        pieces.insert_one({"piece": "x" * PIECE_BYTES})


def test_a_copy_that_stops_following_is_behind(members: MongoSet, mongo: Mongo) -> None:
    """While writes to one copy are locked it falls behind by seconds, the other one does not; then it catches up."""
    queries = ServerQueries(mongo)
    locked = members.secondaries()[0]

    def behind() -> tuple[float, float]:
        """By how much the one that may be locked, and the other."""
        mongo["things"].insert_one({})
        found = {each.name: each.seconds for each in queries.behind() or ()}
        assert len(found) == 2
        return found.pop(locked.address), found.popitem()[1]

    def is_behind() -> bool:
        one, other = behind()
        return one >= 3 and other <= 2

    with locked.client(milliseconds=20_000) as client:
        until(lambda: is_locked(client))
        try:
            until(is_behind)
            assert checks.replicas(queries.behind()).value is not None
        finally:
            client.admin.command("fsyncUnlock")
    until(lambda: behind()[0] <= 1)


def test_an_oplog_that_reaches_back_for_moments_is_told(mongo: Mongo) -> None:
    """A young one has room left, which is well; full after seconds it is a warning with what to do, and an error where
    the journal of backups is kept, which would get gaps."""
    queries = ServerQueries(mongo)
    young = queries.oplog()
    assert checks.oplog(young, keeps_journal=True).state == "ok"
    overflow(mongo["pieces"].with_options(write_concern=WriteConcern(w=3)))  # or a slow copy would be left behind
    full = queries.oplog()
    assert full is not None
    found = [checks.oplog(full, keeps_journal=keeps) for keeps in (False, True)]
    assert [(each.state, "replSetResizeOplog" in each.fix) for each in found] == [("warning", True), ("error", True)]
    assert 0 < full.window_seconds < 600
