"""Kept answers: whatever happens to a claim, the act is one process's at a time."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from backend.kit.clock import SetClock
from backend.kit.embedded import Servers
from backend.kit.idempotency import CLAIM, COLLECTION, MOST_BYTES, Claim, Kept, KeyInUse, KeyReused, Replays
from backend.kit.mongo.client import Mongo
from backend.kit.security.encryption import Sealer
from backend.kit.security.keys import Key, KeyRing

RING = KeyRing([Key("one", "a secret of this test 0123456789abc")])


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 18, 6, 30, tzinfo=UTC))


@pytest.fixture
def mongo(servers: Servers) -> Iterator[Mongo]:
    with closing(Mongo(str(servers.mongodb_uri), f"test_{uuid.uuid4().hex[:12]}")) as opened:
        yield opened
        opened.client.drop_database(opened.database.name)


@pytest.fixture
def replays(mongo: Mongo, clock: SetClock) -> Replays:
    return Replays(mongo, Sealer(RING, "replays"), clock)


def claimed(replays: Replays) -> Claim:
    found = replays.begin("asha", "key", "act")
    assert isinstance(found, Claim)
    return found


def test_two_who_find_the_same_dead_claim_do_not_both_take_it(replays: Replays, mongo: Mongo, clock: SetClock) -> None:
    """Both have read that its time is over; one of them gets the act, and the other hears that it is under way."""
    first = claimed(replays)
    clock.advance(CLAIM)
    found = mongo[COLLECTION].find_one({"_id": first.id})
    one, other = Claim(first.id, "one", "act"), Claim(first.id, "other", "act")
    assert replays._known(found, one, clock.now()) == one
    with pytest.raises(KeyInUse):
        replays._known(found, other, clock.now())


def test_who_was_replaced_keeps_and_releases_nothing(replays: Replays, clock: SetClock) -> None:
    """A process that comes back after its claim was taken over neither answers for the other one nor frees the key."""
    lost = claimed(replays)
    clock.advance(CLAIM)
    claimed(replays)
    replays.keep(lost, Kept(200, {}, b"of the first"))
    replays.release(lost)
    with pytest.raises(KeyInUse):
        replays.begin("asha", "key", "act")


def test_an_answer_is_given_back_to_its_act_alone(replays: Replays) -> None:
    """The same key from somebody else is another key; for another act it is refused."""
    kept = Kept(201, {"location": "/x"}, b"made")
    replays.keep(claimed(replays), kept)
    assert replays.begin("asha", "key", "act") == kept
    assert isinstance(replays.begin("bela", "key", "act"), Claim)
    with pytest.raises(KeyReused):
        replays.begin("asha", "key", "another act")


def test_an_answer_too_long_to_keep_frees_its_key(replays: Replays) -> None:
    """Nothing is half kept: the next request with the key does the act again."""
    replays.keep(claimed(replays), Kept(200, {}, b"x" * (MOST_BYTES + 1)))
    assert isinstance(replays.begin("asha", "key", "act"), Claim)
