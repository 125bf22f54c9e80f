"""A set that has lost its primary: who may read from the others, what he is told, and who waits.

Written for pymongo 4.20 (tests/kit/test_driver_versions.py).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import Unavailable
from backend.kit import deadline, staleness
from backend.kit.embedded import Servers
from backend.kit.mongo.client import Mongo, translated
from backend.kit.mongo.guarded_client import PRIMARY, READS, reading_from_any
from system_tests.cluster.mongo_set import MongoSet
from tests.cut_off import Doors, doors, through
from tests.waiting import until

__all__ = ["doors"]


@pytest.fixture
def two_servers(tmp_path: Path) -> Iterator[MongoSet]:
    """Two servers: the one that stays behind can never lead alone."""
    with MongoSet(tmp_path, members=2) as started:
        yield started


def _count(mongo: Mongo) -> int:
    with translated():
        return mongo["things"].count_documents({})


def test_what_others_know_is_read_and_said_to_be_old(two_servers: MongoSet) -> None:
    """With a primary everything is the newest. Without, a door that shows something reads from the other server and
    hears how old that may be; jobs and writes are refused, without opening the breaker of reads; nothing that was read
    meanwhile counts as the newest. When the primary returns, all is as before.
    """
    mongo = Mongo(two_servers.uri, "test")
    try:
        mongo["things"].insert_one({"_id": "one"})
        with reading_from_any(), staleness.apart():
            assert _count(mongo) == 1
            assert staleness.oldest_seconds() is None
        assert mongo.truth() is not None
        assert mongo.truth() == mongo.truth()

        primary = two_servers.primary()
        assert primary is not None
        until(lambda: _copied(two_servers))
        primary.kill()
        until(lambda: mongo.standing.primary_lost_at is not None)
        with reading_from_any(), staleness.apart(), deadline.within(30):
            assert _count(mongo) == 1
            oldest = staleness.oldest_seconds()
        assert oldest is not None
        assert oldest >= 0.0
        assert mongo.truth() is None
        assert mongo.behind_since() is not None
        with deadline.within(0.5), pytest.raises(Unavailable):
            _count(mongo)
        with deadline.within(0.5), pytest.raises(Unavailable):
            mongo.transaction(lambda session: mongo["things"].insert_one({"_id": "two"}, session=session))
        assert mongo.breakers[READS].is_closed

        primary.start()
        until(lambda: mongo.standing.primary_lost_at is None)
        mongo["things"].insert_one({"_id": "three"})
        assert mongo.breakers[PRIMARY].is_closed
        with reading_from_any(), staleness.apart():
            assert _count(mongo) == 2
            assert staleness.oldest_seconds() is None
    finally:
        mongo.close()


def _copied(two_servers: MongoSet) -> bool:
    """Whether the other server can be asked for what was written."""
    for member in two_servers.secondaries():
        with member.client() as client:
            return client["test"]["things"].count_documents({}) == 1
    return False


@pytest.mark.timeout(120)
def test_nobody_waits_long_for_what_is_known_to_be_gone(doors: Doors, servers: Servers) -> None:
    """With every server gone, a reader who began before that was known, and then a writer, are told soon: neither waits
    the ten minutes that they would have, though no breaker is open yet. When it is back, all is as before.
    """
    uri = through(doors, str(servers.mongodb_uri))
    mongo = Mongo(uri.replace("timeoutMS=4000", "timeoutMS=600000"), "nothing_of_this_test")
    try:
        assert _count(mongo) == 0
        doors.database.refuse()
        with reading_from_any(), pytest.raises(Unavailable):
            _count(mongo)
        until(lambda: mongo.standing.is_known_lost(needs_primary=True))
        assert mongo.breakers[PRIMARY].is_closed
        with pytest.raises(Unavailable):
            mongo.transaction(lambda session: mongo["things"].insert_one({}, session=session))
        doors.database.heal()
        until(lambda: mongo.standing.primary_lost_at is None)
        assert _count(mongo) == 0
    finally:
        mongo.close()
