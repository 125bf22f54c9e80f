"""Counts of how often keys are read from the cache: kept in this process, summed in Redis for all processes.

Counts are kept for five periods of six hours; newer periods weigh more. Redis is optional here: without it
nothing is kept, and no read fails."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, time
from typing import Any, NamedTuple

from backend.kit.cache.redis_layer import RedisAway
from backend.kit.redis.client import FAILURES, Client

PERIOD_SECONDS = 6 * 3600
PERIODS = 5  # so that the same hour of yesterday counts
KEPT_KEYS = 1000  # for each period, in Redis
HELD_KEYS = 500  # in this process, until they are sent
SEND_SECONDS = 15.0
_SEPARATOR = "\x1f"

_ADD = """
for i = 3, #ARGV, 2 do redis.call('ZINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""

_is_unseen: ContextVar[bool] = ContextVar("reads_unseen", default=False)


class Asked(NamedTuple):
    """A region's key, and how much it was asked for of late."""

    region: str
    key: str
    weight: float


@contextmanager
def unseen() -> Iterator[None]:
    """Leave reads inside the block uncounted, so that warming a key does not make it popular."""
    token = _is_unseen.set(True)
    try:
        yield
    finally:
        _is_unseen.reset(token)


class Popularity:
    """Thread-safe. A read counts when this process did not hold the value itself: every half minute at most."""

    def __init__(self, client: Client | None, namespace: str) -> None:
        self._client = client
        self._key = f"{{{namespace}}}:asked"
        self._lock = threading.Lock()
        self._regions: frozenset[str] = frozenset()
        self._held: Counter[str] = Counter()
        self._sent_at = monotonic()

    def watch(self, region: str) -> None:
        """Count reads of this region from now on."""
        self._regions |= {region}

    def note(self, region: str, key: str) -> None:
        """Count a read; now and then, send the counts to Redis in one round trip."""
        if region not in self._regions or _is_unseen.get():
            return
        member = f"{region}{_SEPARATOR}{key}"
        with self._lock:
            if member in self._held or len(self._held) < HELD_KEYS:
                self._held[member] += 1
            is_due = monotonic() - self._sent_at > SEND_SECONDS
        if is_due:
            self.send()

    def send(self) -> None:
        """Add this process's counts to those of all; what cannot be sent is dropped."""
        with self._lock:
            held, self._held, self._sent_at = self._held, Counter(), monotonic()
        if self._client is None or not held:
            return
        arguments = [value for member, count in held.items() for value in (count, member)]
        try:
            self._client.eval(_ADD, 1, self._period_key(0), PERIODS * PERIOD_SECONDS, KEPT_KEYS, *arguments)
        except FAILURES:
            return

    def most(self, count: int) -> tuple[Asked, ...]:
        """The keys that were asked for most, most first; each period weighs half of the one after it.

        Raises RedisAway.
        """
        if self._client is None:
            raise RedisAway
        weights = {self._period_key(age): 0.5**age for age in range(PERIODS)}
        try:
            found: Any = self._client.zunion(weights, withscores=True)
        except FAILURES as error:
            raise RedisAway from error
        ranked = sorted(((score, member.decode()) for member, score in found), key=lambda each: (-each[0], each[1]))
        return tuple(_asked(member, score) for score, member in ranked[:count])

    def forget(self, asked: Iterable[Asked]) -> None:
        """Count these no more: they mean nothing now."""
        members = [f"{each.region}{_SEPARATOR}{each.key}" for each in asked]
        if self._client is None or not members:
            return
        try:
            for age in range(PERIODS):
                self._client.zrem(self._period_key(age), *members)
        except FAILURES:
            return

    def _period_key(self, age: int) -> str:
        return f"{self._key}:{int(time() // PERIOD_SECONDS) - age}"


def _asked(member: str, weight: float) -> Asked:
    region, _separator, key = member.partition(_SEPARATOR)
    return Asked(region, key, weight)
