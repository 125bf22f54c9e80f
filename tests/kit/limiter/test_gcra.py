"""The arithmetic of limits, in Python and in Lua alike."""

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.kit.embedded import Servers
from backend.kit.limiter.gcra import MICROSECONDS, Delay, Rule
from backend.kit.limiter.memory import MemoryLimits
from backend.kit.limiter.redis import RedisLimits
from backend.kit.redis.client import connect, disconnect

START = 1_800_000_000 * MICROSECONDS
TEN_IN_TWO = (Rule("two seconds", 10, 2),)
RULES = st.builds(Rule, st.just("rate"), st.integers(1, 50), st.integers(1, 3600))
BURSTS = st.builds(Rule, st.just("burst"), st.integers(1, 20), st.integers(1, 5))
STEPS = st.lists(
    st.tuples(st.integers(0, 3 * MICROSECONDS), st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=40
)
Limits = MemoryLimits | RedisLimits


@pytest.fixture
def redis_limits(servers: Servers) -> Iterator[RedisLimits]:
    """Limits in the shared Valkey, under a name of their own."""
    client = connect(str(servers.redis_url))
    yield RedisLimits(client, f"test-{uuid.uuid4().hex[:8]}")
    disconnect(client)


@pytest.fixture(params=["memory", "redis"])
def limits(request: pytest.FixtureRequest, redis_limits: RedisLimits) -> Limits:
    """One after the other: both must pass the same tests."""
    return MemoryLimits() if request.param == "memory" else redis_limits


def test_at_most_the_quota_passes_around_the_edge_of_a_window(limits: Limits) -> None:
    """9 of 10 late in one clock window and 10 early in the next: a fixed window lets 19 through, this one 10."""
    taken = [limits.take("a", TEN_IN_TWO, now=START + 1_900_000).taken for _try in range(9)]
    taken += [limits.take("a", TEN_IN_TWO, now=START + 2_050_000).taken for _try in range(10)]
    assert sum(taken) == 10


def test_permits_come_back_one_by_one(limits: Limits) -> None:
    """After the whole quota the next permit is there when one interval has passed, and not a moment before."""
    assert limits.take("a", TEN_IN_TWO, wanted=10, now=START).taken == 10
    refused = limits.take("a", TEN_IN_TWO, now=START)
    assert (refused.taken, refused.retry, refused.remaining) == (0, 200_000, (0,))
    assert limits.take("a", TEN_IN_TWO, now=START + 199_999).taken == 0
    assert limits.take("a", TEN_IN_TWO, now=START + 200_000).taken == 1


def test_a_changed_limit_keeps_the_history(limits: Limits) -> None:
    """Who has spent 5 a minute waits 6 s instead of 12 once it is 10 a minute, and is not given 10 at once."""
    five, ten = (Rule("rate", 5, 60),), (Rule("rate", 10, 60),)
    assert limits.take("a", five, wanted=5, now=START).taken == 5
    assert limits.take("a", five, now=START).retry == 12 * MICROSECONDS
    assert limits.take("a", ten, now=START).retry == 6 * MICROSECONDS
    assert limits.take("a", ten, now=START + 6 * MICROSECONDS).taken == 1


def test_a_permit_is_given_only_where_every_rule_gives_it(limits: Limits) -> None:
    """What the burst refuses is not counted against the hour."""
    rules = (Rule("hour", 100, 3600), Rule("burst", 2, 1))
    assert [limits.take("a", rules, now=START).taken for _try in range(4)] == [1, 1, 0, 0]
    assert limits.take("a", rules, now=START + MICROSECONDS).remaining == (97, 1)


def test_what_was_given_back_can_be_taken_again(limits: Limits) -> None:
    """A refund restores the quota, and never more than the quota."""
    assert limits.take("a", TEN_IN_TWO, wanted=8, now=START).remaining == (2,)
    assert limits.take("a", TEN_IN_TWO, wanted=0, refund=5, now=START).remaining == (7,)
    assert limits.take("a", TEN_IN_TWO, wanted=0, refund=500, now=START).remaining == (10,)


def test_delays_grow_and_end(limits: Limits) -> None:
    """Three attempts are free, then 1, 2, 4 … seconds up to the most; forgiving begins anew."""
    delay, now, waits = Delay(free=3, first_seconds=1, most_seconds=5, forget_seconds=60), START, []
    for _attempt in range(8):
        wait = limits.attempt("a", delay, now=now)
        waits.append(wait // MICROSECONDS)
        now += wait
        if wait:
            assert limits.attempt("a", delay, now=now) == 0
    assert waits == [0, 0, 0, 1, 2, 4, 5, 5]
    limits.forgive("a")
    assert [limits.attempt("a", delay, now=now) for _attempt in range(3)] == [0, 0, 0]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rate=RULES, burst=BURSTS, steps=STEPS)
def test_both_decide_alike_and_never_above_the_rule(
    redis_limits: RedisLimits, rate: Rule, burst: Rule, steps: list[tuple[int, int, int]]
) -> None:
    """For the same times Lua and Python give the same grants, and no window sees more than burst + rate × time."""
    memory, subject, now, rules = MemoryLimits(), uuid.uuid4().hex, START, (rate, burst)
    given_at: list[tuple[int, int]] = []
    for pause, wanted, unused in steps:
        now += pause
        refund = min(unused, given_at[-1][1]) if given_at else 0
        grant = memory.take(subject, rules, wanted=wanted, refund=refund, now=now)
        assert grant == redis_limits.take(subject, rules, wanted=wanted, refund=refund, now=now)
        if refund:
            given_at[-1] = (given_at[-1][0], given_at[-1][1] - refund)
        given_at.append((now, grant.taken))
    for first, (since, _taken) in enumerate(given_at):
        total = 0
        for at, taken in given_at[first:]:
            total += taken
            for rule in rules:
                assert total <= rule.quota + (at - since) / rule.interval


def test_the_server_keeps_no_subject_longer_than_it_matters(redis_limits: RedisLimits, servers: Servers) -> None:
    """A key dies when all of its use is forgotten, and its name shows neither the person nor the limit."""
    redis_limits.take("asha@example.org", (Rule("rate", 10, 100),), wanted=2)
    client = connect(str(servers.redis_url))
    (key,) = list(client.scan_iter(f"{redis_limits._namespace}:limit:*"))
    assert b"asha" not in key
    assert 19_000 < client.pttl(key) <= 20_001
    disconnect(client)


def test_a_wait_is_not_forgotten_before_it_is_over(redis_limits: RedisLimits, servers: Servers) -> None:
    """Attempts are remembered for the whole wait that they led to, and `forget_seconds` beyond it."""
    delay = Delay(free=1, first_seconds=900, most_seconds=900, forget_seconds=60)
    assert redis_limits.attempt("asha@example.org", delay) == 0
    client = connect(str(servers.redis_url))
    (key,) = list(client.scan_iter(f"{redis_limits._namespace}:attempts:*"))
    assert 900_000 < client.pttl(key) <= 960_000
    disconnect(client)


def test_a_smaller_limit_never_makes_wait_longer_than_its_window(limits: Limits) -> None:
    """Who had spent 3,600 an hour waits 12 s once it is 5 a minute, not the hour; nor where a clock was set back."""
    assert limits.take("a", (Rule("rate", 3600, 3600),), wanted=3600, now=START).taken == 3600
    assert limits.take("a", (Rule("rate", 5, 60),), now=START).retry == 12 * MICROSECONDS
    assert limits.take("b", (Rule("rate", 5, 60),), wanted=5, now=START + 7200 * MICROSECONDS).taken == 5
    assert limits.take("b", (Rule("rate", 5, 60),), now=START).retry == 12 * MICROSECONDS


def test_memory_keeps_few_subjects() -> None:
    """Beyond its bound who was seen least recently begins anew, in permits as in attempts."""
    memory, delay = MemoryLimits(subjects=2), Delay(free=1, first_seconds=60, most_seconds=60, forget_seconds=60)
    for subject in "abc":
        memory.take(subject, TEN_IN_TWO, wanted=10, now=START)
        memory.attempt(subject, delay, now=START)
    assert [memory.take(subject, TEN_IN_TWO, wanted=0, now=START).remaining for subject in "cba"] == [(0,), (0,), (10,)]
    assert [memory.attempt(subject, delay, now=START) > 0 for subject in "cba"] == [True, True, False]


def test_memory_forgets_attempts_in_time() -> None:
    """`forget_seconds` after a wait is over the attempts count no more, and not a moment before."""
    delay = Delay(free=2, first_seconds=10, most_seconds=40, forget_seconds=60)
    for pause, waits in ((69, 20), (71, 0)):
        memory = MemoryLimits()
        assert [memory.attempt("a", delay, now=START) for _attempt in range(2)] == [0, 0]
        again = START + pause * MICROSECONDS
        assert memory.attempt("a", delay, now=again) == 0
        assert memory.attempt("a", delay, now=again) == waits * MICROSECONDS
