"""The two-layer cache: in-process over Redis, one creator for each missing value, invalidation by tags.

Who reads gives a region, a key, a loader and the tags that will invalidate the value. Redis is soft: without it
the loader answers."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from time import monotonic, sleep, time
from typing import Any, Generic, TypeVar

import msgspec
import structlog

from backend.errors import Unavailable
from backend.kit import deadline, read_log, staleness
from backend.kit.cache.early_renewal import Renewals
from backend.kit.cache.entry import (
    EVERYTHING,
    KEPT_SECONDS,
    CacheAnswer,
    CacheEntry,
    Region,
    decode,
    encode,
    new_entry,
    region_tag,
)
from backend.kit.cache.freshness import AlwaysNewest, Truth
from backend.kit.cache.invalidation_listener import InvalidationListener
from backend.kit.cache.local_layer import LocalLayer
from backend.kit.cache.redis_layer import Reading, RedisAway, RedisFailed, SharedLayer
from backend.kit.cache.single_flight import Flight, Flights
from backend.kit.cache.statistics import CacheRegion, CacheStatistics, RegionCounts
from backend.kit.cache.waiting import check_may_wait
from backend.kit.read_log import ReadLog, Source
from backend.kit.redis.client import Client

T = TypeVar("T")
R = TypeVar("R")

_LOCK_SECONDS = 10.0  # longer than MongoDB may take for one operation is of no use
_WAIT_SECONDS = 3.0  # for another process, which may have died; then we load ourselves
_FIRST_PAUSE_SECONDS = 0.004
_LONGEST_PAUSE_SECONDS = 0.05

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    region: Region[T]
    key: str
    watched: tuple[str, ...]
    load: Callable[[], T]
    counts: RegionCounts
    generation: int


class Cache:
    """Thread-safe. Values are shared between readers and must never be changed by them.

    `client` None means no Redis: every read loads, but readers at the same moment share one load.
    Until start() the in-process layer serves nothing, because nothing would tell it of others' changes;
    and a restart of Redis between two reads goes unnoticed. Only short-lived commands do without it.
    """

    def __init__(
        self,
        client: Client | None,
        *,
        namespace: str = "cp",
        truth: Truth | None = None,
        local_ttl_seconds: float = 30.0,
        local_max_entries: int = 2000,
    ) -> None:
        self._truth = truth or AlwaysNewest()
        self._local_ttl_seconds = local_ttl_seconds
        self._local = LocalLayer(local_max_entries)
        self._shared = SharedLayer(client, namespace, lock_seconds=_LOCK_SECONDS)
        self._listener = InvalidationListener(self._shared, self._local)
        self._statistics = CacheStatistics()
        self._flights = Flights()
        self._renewals = Renewals()

    def start(self) -> None:
        """Begin to hear other processes (a daemon thread), so that the in-process layer may serve."""
        if self._shared.client is not None:
            self._listener.start()

    def close(self) -> None:
        """Stop renewing and listening. The client stays open: its creator closes it."""
        self._renewals.close()
        self._listener.stop()

    @property
    def healthy(self) -> bool:
        """Whether Redis answers and others' invalidations are heard; only then the in-process layer serves."""
        return self._listener.hears(monotonic())

    def get_or_create(
        self, region: Region[T], key: str, load: Callable[[], T], *, tags: Sequence[str] = ()
    ) -> CacheAnswer[T]:
        """The value of `key`, from the nearest layer that has it, else from load(); never an error of Redis.

        An exception of load() travels to every reader who waited for it, and nothing is kept. A value near its end
        is renewed on another thread (load() is called there), and served meanwhile; failures of that are logged.
        Where load() raises Unavailable, the last value that nothing has invalidated stands in, for a quarter of an
        hour: the answer says so (`is_kept`).
        """
        counts = self._statistics.for_region(region.name)
        full_key = f"{region.name}:{key}"
        generation = self._local.generation  # before anything is read: what is read is as old as this
        now = monotonic()
        if self._listener.hears(now):
            held = self._local.get(full_key, now)
            if held is not None:
                counts.add("hits_app")
                read_log.note_held(held.watched, held.until)
                return _noted(held.entry.answer("app", time()))
        check_may_wait()
        watched = (EVERYTHING, region.tag, *tags)
        request = _Request(region, full_key, watched, load, counts, generation)
        try:
            return _noted(self._beyond_this_process(request))
        except Unavailable:
            kept = self._kept(request)
            if kept is None:
                raise
            return _noted(kept)

    def begin_log(self) -> ReadLog:
        """Note from now on what is read in this context, so that what is made of it can be kept."""
        return read_log.begin(self._local.generation)

    def derived(self, name: str, key: Hashable) -> Any | None:
        """Return what `keep_derived` kept, while this process may serve every value that it was made of."""
        now = monotonic()
        held = self._local.get((name, key), now) if self._listener.hears(now) else None
        if held is None:
            return None
        self._statistics.for_region(name).add("hits_app")
        return held.entry.value

    def keep_derived(self, name: str, key: Hashable, value: object, log: ReadLog) -> None:
        """Keep a value in this process that was made of nothing but the values in `log`, for as long as they stand."""
        if log.is_of_this_process:
            self._statistics.for_region(name).add("misses")
            entry, watched = CacheEntry(value, time(), math.inf, 0.0), (*log.tags, region_tag(name))
            self._local.put((name, key), entry, name, watched, generation=log.generation, until=log.until)

    def invalidate(self, *tags: str) -> None:
        """Forget all values that carry any of these tags; call it after the commit.

        The next read of this process sees the change, others within milliseconds. While Redis cannot be
        reached the tags are remembered and sent before anything is read from it again.
        """
        try:
            self._shared.invalidate(tags)
        except RedisAway as away:
            _log.debug("invalidation waits for Redis", tags=tags, failed=isinstance(away, RedisFailed))
        finally:
            self._local.invalidate(tags)

    def clear_region(self, name: str) -> int | None:
        """Forget all values of a region, everywhere. How many this process held; None for an unknown region."""
        held = self._local.entries_by_region()[name]
        self.invalidate(region_tag(name))
        return held if self._statistics.knows(name) else None

    def on_invalidated(self, hear: Callable[[Sequence[str]], None]) -> None:
        """Let `hear` know of every invalidation, of this process and of others; it must neither block nor raise."""
        self._local.on_invalidated = hear

    def statistics(self) -> tuple[CacheRegion, ...]:
        """Return, by region, how many reads each layer answered in this process since its start."""
        return self._statistics.read(self._local.entries_by_region())

    def _beyond_this_process(self, request: _Request[T]) -> CacheAnswer[T]:
        reading = self._ask(request, lambda: self._shared.read(request.key, request.watched))
        entry = self._decode(request, reading.written, reading.versions) if reading else None
        now = time()
        if reading and entry and entry.is_fresh(now) and not entry.is_due_early(now):
            return self._serve(request, entry)
        if reading and entry and now < entry.expires + request.region.grace_seconds:
            return self._renew(request, reading, entry)
        request.counts.add("misses")
        return self._load_or_join(request, reading)

    def _kept(self, request: _Request[T]) -> CacheAnswer[T] | None:
        """The last value known, where no invalidation of it can have been missed and it is not too old."""
        if not self._listener.hears(monotonic()):
            return None
        now = time()
        entry: CacheEntry[T] | None = self._local.kept(request.key)
        source: Source = "app"
        if entry is None or now - entry.created > KEPT_SECONDS:
            reading = self._ask(request, lambda: self._shared.read(request.key, request.watched))
            entry = self._decode(request, reading.written, reading.versions) if reading else None
            source = "redis"
        if entry is None or now - entry.created > KEPT_SECONDS:
            return None
        return entry.answer(source, now, is_kept=True)

    def _serve(self, request: _Request[T], entry: CacheEntry[T]) -> CacheAnswer[T]:
        """An answer from Redis, kept in the process if it is still in its time."""
        now = time()
        request.counts.add("hits_redis")
        if entry.is_fresh(now):
            self._keep_local(request, entry, now)
        else:
            request.counts.add("stale")
        return entry.answer("redis", now)

    def _renew(self, request: _Request[T], reading: Reading, entry: CacheEntry[T]) -> CacheAnswer[T]:
        """Have one reader load the successor: in the background while the entry is fresh, else that reader waits.

        Other readers get the old entry meanwhile."""
        flight = self._flights.board(self._flight_key(request, reading))
        if not flight.leads:
            return self._serve(request, entry)
        if not entry.is_fresh(time()):
            return flight.fly(lambda: self._load_successor(request, reading, entry))
        if not self._renewals.begin(lambda: self._renew_unseen(request, reading, entry, flight)):
            flight.stay()
        return self._serve(request, entry)

    def _load_successor(self, request: _Request[T], reading: Reading, entry: CacheEntry[T]) -> CacheAnswer[T]:
        token, newest = self._await_turn(request, reading, entry)
        if newest:
            return self._serve(request, newest)
        request.counts.add("misses")
        return self._load(request, reading, token)

    def _renew_unseen(self, request: _Request[T], reading: Reading, entry: CacheEntry[T], flight: Flight) -> None:
        def load() -> CacheAnswer[T]:
            token, newest = self._await_turn(request, reading, entry)
            if newest:
                return newest.answer("redis", time())
            answer = self._load(request, reading, token)
            request.counts.add("renewals")
            return answer

        try:
            flight.fly(load)
        except Exception as error:  # noqa: BLE001 - nobody waits for it, and the value still serves
            _log.warning("early renewal failed", key=request.key, error=str(error))
            request.counts.add("errors")

    def _load_or_join(self, request: _Request[T], reading: Reading | None) -> CacheAnswer[T]:
        flight = self._flights.board(self._flight_key(request, reading))
        if flight.leads:
            return flight.fly(lambda: self._load_in_turn(request, reading))
        request.counts.add("waits")
        if not flight.has_landed(deadline.clamped(_WAIT_SECONDS + _LOCK_SECONDS)):
            return self._load(request, reading, None)
        return flight.result()

    def _flight_key(self, request: _Request[T], reading: Reading | None) -> Hashable:
        """A load is shared only by readers between whom nothing was invalidated, here or elsewhere."""
        versions = reading.versions if reading else None
        return request.key, self._local.last_invalidated(request.watched), versions

    def _load_in_turn(self, request: _Request[T], reading: Reading | None) -> CacheAnswer[T]:
        """Load as the only process that does, or take what another one has loaded meanwhile."""
        token, entry = self._await_turn(request, reading, None) if reading else (None, None)
        if entry is None:
            return self._load(request, reading, token)
        self._keep_local(request, entry, time())
        return entry.answer("redis", time())

    def _await_turn(
        self, request: _Request[T], reading: Reading, known: CacheEntry[T] | None
    ) -> tuple[str | None, CacheEntry[T] | None]:
        """The right to load, or an entry that makes it needless, or neither (Redis left, or waited enough).

        Who knows an old entry does not wait: if it is another's turn, the old entry serves."""
        give_up, pause = monotonic() + deadline.clamped(_WAIT_SECONDS), _FIRST_PAUSE_SECONDS
        while True:
            turn = self._ask(request, lambda: self._shared.take_turn(request.key, reading.versions))
            if turn is None:
                return None, known
            seen = turn.written is None or turn.written == reading.written
            entry = None if seen else self._decode(request, turn.written, reading.versions)
            if entry and (known is None or entry.created > known.created):
                self._finish(request, reading, turn.token)
                return None, entry
            if turn.token or known or monotonic() >= give_up:
                return turn.token, None if turn.token else known
            if pause == _FIRST_PAUSE_SECONDS:
                request.counts.add("waits")
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _load(self, request: _Request[T], reading: Reading | None, token: str | None) -> CacheAnswer[T]:
        began, truth = time(), self._truth.truth()
        try:
            value = request.load()
        except BaseException:
            if reading and token:
                self._finish(request, reading, token)
            raise
        entry = new_entry(request.region, value, began=began, now=time())
        if truth is None or truth != self._truth.truth():  # read from a server that may not have the newest
            if reading:
                self._finish(request, reading, token)
            behind = self._truth.behind_since()
            return CacheAnswer(value, "database", max(0.0, time() - (behind or began)), is_kept=behind is not None)
        if reading:
            self._keep(request, reading, token, entry)
        return entry.answer("database", time())

    def _keep(self, request: _Request[T], reading: Reading, token: str | None, entry: CacheEntry[T]) -> None:
        """Write the entry under the versions that its tags had before it was loaded."""
        try:
            written = encode(entry, reading.versions)
            kept = decode(request.region, written, reading.versions)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            _log.error("value cannot be cached", key=request.key, error=str(error))
            request.counts.add("errors")
            self._finish(request, reading, token)
            return
        self._finish(request, reading, token, written, entry.expires - time() + request.region.kept_seconds)
        if kept:  # as it was read back, so that every source gives the same types and nobody else can change it
            self._keep_local(request, kept, time())

    def _finish(
        self,
        request: _Request[T],
        reading: Reading,
        token: str | None,
        written: bytes = b"",
        ttl_seconds: float = 0.0,
    ) -> None:
        if token or written:
            finish = self._shared.finish
            self._ask(request, lambda: finish(request.key, reading.versions, token, written, ttl_seconds))

    def _keep_local(self, request: _Request[T], entry: CacheEntry[T], now: float) -> None:
        moment = monotonic()
        if self._listener.hears(moment):
            until = moment + min(self._local_ttl_seconds, entry.expires - now)
            self._local.put(
                request.key,
                entry,
                request.region.name,
                request.watched,
                generation=request.generation,
                until=until,
            )

    def _decode(self, request: _Request[T], written: bytes | None, versions: tuple[bytes, ...]) -> CacheEntry[T] | None:
        if written is None:
            return None
        try:
            return decode(request.region, written, versions)
        except (msgspec.MsgspecError, ValueError) as error:
            _log.warning("unreadable cache entry", key=request.key, error=str(error))
            request.counts.add("errors")
            return None

    def _ask(self, request: _Request[T], question: Callable[[], R]) -> R | None:
        """Return the answer of Redis; None if it failed (counted as an error) or is known to be away."""
        try:
            return question()
        except RedisFailed as failure:
            _log.debug("cache cannot use Redis", key=request.key, error=str(failure.__cause__))
            request.counts.add("errors")
        except RedisAway:
            pass
        return None


def _noted(answer: CacheAnswer[T]) -> CacheAnswer[T]:
    """The answer, after its source was noted, and its age where it is not the newest."""
    read_log.note_source(answer.source)
    if answer.is_kept:
        staleness.note(answer.age_seconds)
        read_log.note_server()
    return answer
