"""A copy of the database that stops following is seen by how far it is behind."""

from contextlib import closing
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from backend.kit.mongo import Mongo
from backend.operations import checks
from backend.operations.server_queries import ServerQueries
from deploy.cluster.mongo_set import MongoSet
from tests.waiting import until


def is_locked(client: MongoClient[dict[str, Any]]) -> bool:
    """Whether writes to this member are locked now; a young member takes it up once it has its first checkpoint."""
    try:
        client.admin.command("fsync", lock=True)
    except OperationFailure:
        return False
    return True


def test_a_copy_that_stops_following_is_behind(tmp_path: Path) -> None:
    """While writes to one copy are locked it falls behind by seconds, the other one does not; then it catches up."""
    with MongoSet(tmp_path) as members, closing(Mongo(members.uri, "lag")) as mongo:
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
            until(lambda: is_locked(client), seconds=30)
            try:
                until(is_behind, seconds=60)
                assert checks.replicas(queries.behind()).value is not None
            finally:
                client.admin.command("fsyncUnlock")
        until(lambda: behind()[0] <= 1, seconds=60)
