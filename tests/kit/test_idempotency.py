"""Kept answers: whatever happens to a claim, the act is one process's at a time."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from backend.kit.clock import SetClock
from backend.kit.embedded import Servers
from backend.kit.idempotency import MOST_BYTES, Claim, KeyInUse, KeyReused, ReplayedAnswer, Replays
from backend.kit.mongo.client import Mongo
from backend.kit.mongo.once_per_key import COLLECTION
from backend.kit.security.encryption import Sealer
from backend.kit.security.keys import Key, KeyRing
from tests.at_once import at_once
from tests.waiting import until

ANSWER = ReplayedAnswer(201, {"location": "/there"}, b'{"success": true}')
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
def make(mongo: Mongo, clock: SetClock) -> Iterator[Callable[[], Replays]]:
    """Processes whose claims are over within a fifth of a second, unless they are renewed."""
    made: list[Replays] = []

    def process() -> Replays:
        made.append(Replays(mongo, Sealer(RING, "replays"), clock, claim_seconds=0.2))
        return made[-1]

    yield process
    for each in made:
        each.close()


@pytest.fixture
def replays(make: Callable[[], Replays]) -> Replays:
    return make()


@pytest.fixture
def dead(make: Callable[[], Replays], mongo: Mongo) -> Claim:
    """The claim of a process that has died at work, whose time is over."""
    process = make()
    claim = claimed(process)
    process.close()
    over = {"_id": claim.id, "$expr": {"$lte": ["$claimedUntil", "$$NOW"]}}
    until(lambda: mongo[COLLECTION].find_one(over) is not None)
    return claim


def claimed(replays: Replays) -> Claim:
    found = replays.begin("asha", "key", "act")
    assert isinstance(found, Claim)
    return found


def test_two_who_find_the_same_dead_claim_do_not_both_take_it(replays: Replays, mongo: Mongo, dead: Claim) -> None:
    """Both have read that its time is over; one of them gets the act, and the other hears that it is under way."""
    found = mongo[COLLECTION].find_one({"_id": dead.id})
    one, other = Claim(dead.id, "one", "act"), Claim(dead.id, "other", "act")
    assert replays._known(found, one) == one
    with pytest.raises(KeyInUse):
        replays._known(found, other)


def test_a_process_that_was_replaced_keeps_and_releases_nothing(replays: Replays, dead: Claim) -> None:
    """A process that comes back after its claim was taken over neither answers for the other one nor frees the key."""
    claimed(replays)
    replays.keep(dead, ReplayedAnswer(200, {}, b"of the first"))
    replays.release(dead)
    with pytest.raises(KeyInUse):
        replays.begin("asha", "key", "act")


def test_an_act_that_takes_long_keeps_its_key(make: Callable[[], Replays], mongo: Mongo) -> None:
    """While its process lives the claim is renewed, however short its time is; the act is not done beside itself."""
    here, there = make(), make()
    claim = claimed(here)

    def ends_at() -> datetime:
        found = mongo[COLLECTION].find_one({"_id": claim.id})
        return found["claimedUntil"] if found else datetime.min.replace(tzinfo=UTC)

    first = ends_at()
    until(lambda: ends_at() > first + timedelta(seconds=1))
    with pytest.raises(KeyInUse):
        there.begin("asha", "key", "act")


def test_a_claim_of_a_clock_that_ran_ahead_is_over(replays: Replays, mongo: Mongo, dead: Claim) -> None:
    """A claim that has longer than any may have blocks nobody."""
    tomorrow = {"$add": ["$$NOW", 24 * 3600 * 1000]}
    mongo[COLLECTION].update_one({"_id": dead.id}, [{"$set": {"claimedUntil": tomorrow}}])
    assert isinstance(replays.begin("asha", "key", "act"), Claim)


def test_an_answer_is_given_back_to_its_act_alone(replays: Replays) -> None:
    """The same key from somebody else is another key; for another act it is refused."""
    kept = ReplayedAnswer(201, {"location": "/x"}, b"made")
    replays.keep(claimed(replays), kept)
    assert replays.begin("asha", "key", "act") == kept
    assert isinstance(replays.begin("bela", "key", "act"), Claim)
    with pytest.raises(KeyReused):
        replays.begin("asha", "key", "another act")


def test_an_answer_too_long_to_keep_frees_its_key(replays: Replays) -> None:
    """Nothing is half kept: the next request with the key does the act again."""
    replays.keep(claimed(replays), ReplayedAnswer(200, {}, b"x" * (MOST_BYTES + 1)))
    assert isinstance(replays.begin("asha", "key", "act"), Claim)


def test_the_claim_of_the_dead_is_taken_over_once(replays: Replays, dead: Claim) -> None:
    """A process that died at work holds its key for seconds; then exactly one of many goes on."""
    found = at_once(*[lambda: attempt(replays)] * 6)
    assert sorted(found) == ["Claim"] + ["KeyInUse"] * 5


def attempt(replays: Replays) -> str:
    """What becomes of one that asks for the key."""
    try:
        return type(replays.begin("asha", "key", "act")).__name__
    except KeyInUse as error:
        return type(error).__name__


def test_one_claim_at_a_time(replays: Replays) -> None:
    """While the first is at work others wait; then they get its answer; another act under the key never does."""
    claim = replays.begin("sita", "k", "act")
    assert isinstance(claim, Claim)
    with pytest.raises(KeyInUse):
        replays.begin("sita", "k", "act")
    with pytest.raises(KeyReused):
        replays.begin("sita", "k", "other act")
    replays.keep(claim, ANSWER)
    assert replays.begin("sita", "k", "act") == ANSWER
    with pytest.raises(KeyReused):
        replays.begin("sita", "k", "other act")


def test_a_key_that_was_let_go_is_free(replays: Replays) -> None:
    """After a failure another act may use the key; an answer that is too long is not kept."""
    claim = replays.begin("sita", "k", "act")
    assert isinstance(claim, Claim)
    replays.release(claim)
    other = replays.begin("sita", "k", "other act")
    assert isinstance(other, Claim)
    replays.keep(other, ReplayedAnswer(200, {}, b"x" * (5 * 1024 * 1024)))
    assert isinstance(replays.begin("sita", "k", "third act"), Claim)
