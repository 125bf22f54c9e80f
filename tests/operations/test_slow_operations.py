"""Slow commands: known by shape and plan, added up over processes, and never with anybody's data."""

from collections.abc import Iterator

import pytest

from backend.bootstrap import Backend
from backend.config import Settings
from backend.kit.mongo.client import Mongo
from backend.kit.mongo.slow_commands import SHAPES, SlowOperations, shape_of
from backend.kit.observability.metrics import Registry
from backend.operations.models import SlowOperation
from backend.operations.slow_commands import SlowCommandStore
from backend.operations.slow_queries import MOST, SlowQueries

SECRET = "a word that somebody typed"


@pytest.fixture
def watched(settings: Settings, backend: Backend) -> Iterator[Mongo]:
    """The database of this test through a client to which every command is slow."""
    mongo = Mongo(str(settings.mongodb_uri and settings.mongodb_uri.get_secret_value()),
                  backend.mongo.database.name, Registry(), slow_seconds=0.000_001)  # fmt: skip
    yield mongo
    mongo.close()


def kept(backend: Backend, collection: str, operation: str) -> SlowOperation:
    found = SlowQueries(backend.mongo).slowest(MOST)
    (one,) = (each for each in found if (each.collection, each.operation) == (collection, operation))
    return one


def test_a_slow_command_is_kept_with_its_shape_and_plan(backend: Backend, watched: Mongo) -> None:
    """The same question with other values is one shape; its plan names the index, or that there is none."""
    keeper = SlowCommandStore(watched.slow, SlowQueries(backend.mongo))
    for word in (SECRET, "another"):
        list(watched["memberships"].find({"userId": word}))
    keeper.keep()
    by_index = kept(backend, "memberships", "find")
    assert (by_index.count, by_index.shape) == (2, '{"filter":{"userId":"?"}}')
    assert "IXSCAN user" in by_index.plan
    list(watched["chapters"].find({"name": {"$regex": SECRET}}))
    keeper.keep()
    assert "COLLSCAN" in kept(backend, "chapters", "find").plan
    for each in backend.mongo["slowOperations"].find():
        assert SECRET not in str(each)


def test_processes_add_up(backend: Backend, watched: Mongo) -> None:
    """Two processes that met the same shape are one line with both counts."""
    for _process in range(2):
        list(watched["users"].find({"name": SECRET}))
        SlowCommandStore(watched.slow, SlowQueries(backend.mongo)).keep()
    assert kept(backend, "users", "find").count == 2


def test_the_servers_profiler_stays_off(backend: Backend, watched: Mongo) -> None:
    """It would keep commands with everything that people typed, in a collection that nobody empties."""
    list(watched["users"].find({"name": SECRET}))
    SlowCommandStore(watched.slow, SlowQueries(backend.mongo)).keep()
    assert backend.mongo.database.command("profile", -1)["was"] == 0


def test_shapes_are_bounded() -> None:
    """However many shapes are met, this process holds a hundred; long lists and deep nesting are cut."""
    slow = SlowOperations(0.1)
    for number in range(SHAPES + 50):
        slow.note("find", {"find": f"collection{number}", "filter": {}}, 1.0, failed=False)
    assert (len(slow.take()), slow.count, slow.take()) == (SHAPES, SHAPES + 50, [])
    nested: object = SECRET
    for _level in range(50):
        nested = {"a": nested}
    huge = shape_of(
        {"filter": {"a": nested, **{f"f{each}": 1 for each in range(500)}}, "updates": [{"q": {"n": "x"}}] * 999}
    )
    assert len(huge) < 1_000
    assert SECRET not in huge


def test_a_shape_holds_names_and_no_values() -> None:
    """Field paths, operators and orders stay; words, numbers, dates, lists and ids go, also where an id is a name."""
    pipeline = [
        {"$match": {"studentId": SECRET, "at": {"$gte": 17}, "list": {"$in": [SECRET, "b"]}}},
        {"$lookup": {"from": "users", "localField": "studentId", "foreignField": "_id", "as": "who"}},
        {"$group": {"_id": "$unit", "all": {"$sum": "$solved"}, "said": {"$first": {"$literal": "$5 is a price"}}}},
    ]
    shape = shape_of({"pipeline": pipeline, "sort": {"at": -1}, "update": {"$inc": {"by.0123456789abcdef01234567": 5}}})
    assert SECRET not in shape
    assert "price" not in shape
    assert "17" not in shape
    assert "0123456789abcdef" not in shape
    for name in ('"from":"users"', '"$in":["?"]', '"_id":"$unit"', '"sort":{"at":-1}', '"by.?":"?"'):
        assert name in shape
