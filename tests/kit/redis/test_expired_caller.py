"""A caller whose time is over learns nothing of Redis: whoever comes next is served from it as before."""

import uuid
from collections.abc import Iterator

import pytest

from backend.kit import deadline
from backend.kit.cache import Cache
from backend.kit.embedded import Servers
from backend.kit.limiter.gcra import Rule, RuleSet
from backend.kit.limiter.limiter import Limiter
from backend.kit.redis.client import Client, connect, disconnect
from backend.kit.redis.ranked_sets import RankedRow, RankedSets, SetsAway
from tests.kit.cache.cache_readers import NUMBERS, Source

HOURLY = RuleSet("hourly", (Rule("hour", 12, 3600),))


@pytest.fixture
def client(servers: Servers) -> Iterator[Client]:
    made = connect(str(servers.redis_url))
    yield made
    disconnect(made)


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def test_the_cache_goes_on_with_redis(client: Client, namespace: str) -> None:
    """A reader without time loads for herself; the next one still finds what is kept in Redis."""
    cache = Cache(client, namespace=namespace)
    cache.get_or_create(NUMBERS, "k", Source(1))
    with deadline.within(0.0):
        assert cache.get_or_create(NUMBERS, "k", Source(2)).value == 2
    answer = cache.get_or_create(NUMBERS, "k", Source(3))
    assert (answer.value, answer.source) == (1, "redis")


def test_ranked_sets_are_still_there(client: Client, namespace: str) -> None:
    """Who has no time looks elsewhere; the next one reads the set."""
    sets = RankedSets(client, namespace=namespace, measures=("points",))
    assert sets.build("one", lambda: [RankedRow(id="a", version=1, scores=(5,), name="Ann")])
    with deadline.within(0.0), pytest.raises(SetsAway):
        sets.read("one", "points", top=5, around=0)
    seen = sets.read("one", "points", top=5, around=0)
    assert seen is not None
    assert seen.size == 1


def test_the_limiter_goes_on_with_redis(client: Client, namespace: str) -> None:
    """Memory decides for who has no time; everybody else's permits are counted together, as before."""
    limiter = Limiter(client, namespace=namespace)
    with deadline.within(0.0):
        assert limiter.take("a", HOURLY).source == "memory"
    assert limiter.source == "redis"
    assert limiter.take("b", HOURLY).source == "redis"
