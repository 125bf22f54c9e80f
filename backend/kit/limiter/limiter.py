"""Rate limit permits: from Redis in one call, from blocks leased from it, or from memory while Redis is away.

Nothing here raises: a limiter that fails must neither stop the app nor stand open.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from backend.kit.limiter.gcra import MICROSECONDS, Delay, Grant, RuleSet
from backend.kit.limiter.leases import Lease, Source, leased, next_block
from backend.kit.limiter.memory import MemoryLimits
from backend.kit.limiter.redis import RedisLimits
from backend.kit.observability import log
from backend.kit.redis.client import FAILURES, Client, is_too_late

T = TypeVar("T")

LEASES = 20_000
TURNS = 64
RETRY_SECONDS = 1.0  # between two tries of Redis where no heartbeat looks for it
GIVEN_UP_SECONDS = 10.0
BEAT_SECONDS = 2.0
BEAT_SECONDS_WHILE_AWAY = 0.5

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, and by rule of `rule_set` what is left and in how many microseconds it is whole again."""

    allowed: bool
    rule_set: RuleSet
    remaining: tuple[int, ...]
    reset: tuple[int, ...]
    retry_after_seconds: float
    source: Source

    @property
    def header(self) -> bytes:
        """The field RateLimit of draft-ietf-httpapi-ratelimit-headers-10; with r=0, t is the time to the next one."""
        retry = -(-self.retry_after_seconds // 1) if not self.allowed else 0
        parts = zip(self.rule_set.prefixes, self.remaining, self.reset, strict=True)
        return ", ".join(
            f"{prefix}{left};t={int(retry) if not left and retry else -(-reset // MICROSECONDS)}"
            for prefix, left, reset in parts
        ).encode()


class Limiter:
    """Thread-safe. `client` None means no Redis: every process for itself."""

    def __init__(self, client: Client | None, *, namespace: str = "cp", processes: int = 1) -> None:
        self._shared = RedisLimits(client, namespace) if client is not None else None
        self._memory = MemoryLimits()
        self._least_processes = processes
        self._processes = processes
        self._lock = threading.Lock()
        self._turns = tuple(threading.Lock() for _turn in range(TURNS))
        self._leases: OrderedDict[tuple[str, str], Lease] = OrderedDict()
        self._allowed: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._away_until = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to say that this process lives, and to hear how many do (a daemon thread)."""
        if self._shared is not None and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._beat, args=(self._shared,), name="limiter", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop, and no longer count as a process. The client stays open: its creator closes it."""
        self._stopping.set()
        if self._thread is None:
            return
        self._thread.join(timeout=2.0)
        self._thread = None
        self._ask(lambda shared: shared.leave())

    @property
    def processes(self) -> int:
        """By how many an allowance is divided in memory: as last heard from Redis, never fewer than configured."""
        return max(self._least_processes, self._processes)

    @property
    def source(self) -> Source:
        """The place where decisions are made at present: "redis" or "memory"."""
        return "redis" if self._shared is not None and monotonic() >= self._away_until else "memory"

    def counts(self) -> dict[str, tuple[int, int]]:
        """By set of rules: how often this process said yes, and no."""
        with self._lock:
            names = sorted(self._allowed.keys() | self._refused.keys())
            return {name: (self._allowed[name], self._refused[name]) for name in names}

    def take_held(self, subject: str, rule_set: RuleSet) -> Decision | None:
        """A decision from what this process holds already, without waiting; None where take() must be asked."""
        lease = self._leases.get((subject, rule_set.name))
        if lease is None:
            return None
        with self._lock:
            now = monotonic()
            if now < lease.refused_until:
                self._refused[rule_set.name] += 1
                return Decision(False, lease.rule_set, lease.remaining, lease.reset, lease.retry_at - now, lease.source)
            if not lease.left or now >= lease.until:
                return None
            lease.left -= 1
            self._allowed[rule_set.name] += 1
            left = lease.left
        remaining = tuple([each + left for each in lease.remaining])
        return Decision(True, lease.rule_set, remaining, lease.reset, 0.0, lease.source)

    def take(self, subject: str, rule_set: RuleSet) -> Decision:
        """Whether `subject` may now, by every rule of the set; where it may, it is counted. May wait for Redis.

        Who asks often is given permits in blocks, at most a twentieth of the smallest quota to each process; what
        is left of a block when its second is over is given back by the next call.
        """
        key = (subject, rule_set.name)
        with self._turns[hash(key) % TURNS]:  # one asks for a block, the others wait for it
            held = self.take_held(subject, rule_set)
            if held is not None:
                return held
            with self._lock:
                before = self._leases.pop(key, None)
                wanted, refund = next_block(before, rule_set, monotonic())
            grant, source = self._decide(subject, rule_set, wanted, refund)
            return self._lease(key, rule_set, grant, source, wanted)

    def give_back(self, subject: str, rule_set: RuleSet) -> None:
        """Take back one permit that turned out not to be needed."""
        key = (subject, rule_set.name)
        with self._lock:
            lease = self._leases.pop(key, None)
            refund = 1 + (lease.left if lease else 0)
            if lease:
                lease.end()
        if self._ask(lambda shared: shared.take(subject, rule_set.rules, wanted=0, refund=refund)) is None:
            self._memory.take(subject, self._divided(rule_set).rules, wanted=0, refund=refund)

    def attempt(self, subject: str, delay: Delay) -> float:
        """Seconds that the next attempt of `subject` must wait; 0.0 means go on, and counts it until forgiven."""
        waits = self._ask(lambda shared: shared.attempt(subject, delay))
        if waits is None:
            waits = self._memory.attempt(subject, delay)
        return waits / MICROSECONDS

    def forgive(self, subject: str) -> None:
        """Forget the attempts of `subject`: one has succeeded."""
        self._memory.forgive(subject)
        self._ask(lambda shared: shared.forgive(subject))

    def forget(self, subject: str) -> None:
        """Forget all counts of `subject`, here and in Redis, after a person was deleted."""
        with self._lock:
            for key in [key for key in self._leases if key[0] == subject]:
                del self._leases[key]
        self._memory.forget(subject)
        self._ask(lambda shared: shared.forget(subject))

    def _decide(self, subject: str, rule_set: RuleSet, wanted: int, refund: int) -> tuple[Grant, Source]:
        grant = self._ask(lambda shared: shared.take(subject, rule_set.rules, wanted=wanted, refund=refund))
        if grant is not None:
            return grant, "redis"
        return self._memory.take(subject, self._divided(rule_set).rules, wanted=1), "memory"

    def _lease(self, key: tuple[str, str], rule_set: RuleSet, grant: Grant, source: Source, wanted: int) -> Decision:
        allowed = grant.taken > 0
        rules = rule_set if source == "redis" else self._divided(rule_set)
        lease = leased(rules, grant, source, wanted)
        with self._lock:
            (self._allowed if allowed else self._refused)[rule_set.name] += 1
            self._leases[key] = lease
            if len(self._leases) > LEASES:
                self._leases.popitem(last=False)
        remaining = tuple(each + lease.left for each in grant.remaining)
        return Decision(allowed, rules, remaining, grant.reset, grant.retry / MICROSECONDS, source)

    def _divided(self, rule_set: RuleSet) -> RuleSet:
        return rule_set.scaled(1 / self.processes)

    def _ask(self, question: Callable[[RedisLimits], T]) -> T | None:
        """Return the answer of Redis; None while it is away."""
        shared = self._shared
        if shared is None or monotonic() < self._away_until:
            return None
        if self._away_until:
            self._away_until = monotonic() + RETRY_SECONDS
        try:
            answer = question(shared)
        except FAILURES as error:
            if not is_too_late(error):
                self._note_away(error)
            return None
        except Exception as error:  # noqa: BLE001  (a limiter is soft: whatever is wrong with Redis, memory decides)
            _log.error("limiter_failed", exc_info=error)
            return None
        self._away_until = 0.0
        return answer

    def _note_away(self, error: Exception) -> None:
        if not self._away_until:
            _log.warning("limiter_without_redis", reason=str(error), processes=self.processes)
        # While the heartbeat looks for it, no caller has to wait for a server that may hang.
        self._away_until = monotonic() + (GIVEN_UP_SECONDS if self._thread else RETRY_SECONDS)

    def _beat(self, shared: RedisLimits) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            try:
                self._processes = shared.alive()
                self._away_until, pause = 0.0, BEAT_SECONDS
            except Exception as error:  # noqa: BLE001 - whatever it was, a heart that stopped would never beat again
                self._note_away(error)
                pause = BEAT_SECONDS_WHILE_AWAY
