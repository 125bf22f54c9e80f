"""The client through which every operation on MongoDB goes: refused while the server is away, bounded by the deadline.

Two breakers, because a set that has lost its primary still answers reads (docs/decisions/0052-breakers.md).
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pymongo
from pymongo import MongoClient
from pymongo.errors import (
    ConnectionFailure,
    NetworkTimeout,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)
from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)
from pymongo.read_preferences import ReadPreference
from pymongo.topology_description import TopologyDescription

from backend.kit import deadline, read_log, staleness
from backend.kit.breaker import CONCLUSIVE, Breaker

PRIMARY, READS = "mongodb", "mongodb_reads"
ELECTION_SECONDS = 12.0  # an election with the server's own default settings; so long a missing primary is no outage
SILENCE_SECONDS = 3.0  # where nobody at all answers, no election will help
PROBE_SECONDS = 2.0
GLANCE_SECONDS = 0.1
TAKE_WRITES = frozenset({"RSPrimary", "Standalone", "Mongos", "LoadBalancer"})  # as the driver names them
TAKE_READS = frozenset({"RSSecondary"})


_may_be_behind: ContextVar[bool] = ContextVar("may_be_behind", default=False)


class MongoRefused(ConnectionFailure):
    """MongoDB was not asked: it has just failed again and again."""


class OutOfTime(NetworkTimeout):
    """MongoDB was not asked: the caller's deadline had passed."""


class Availability(TopologyListener):
    """The last findings of the driver's own monitoring: whether there is a primary, and whether any server answers.

    The driver reports up to a second late. A server that was never seen is not lost: at a start nothing is known yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._had_primary = self._had_any = False
        self._primary_lost: tuple[float, datetime] | None = None
        self._all_lost: tuple[float, datetime] | None = None
        self._breakers: Mapping[str, Breaker] = {}

    def tells(self, breakers: Mapping[str, Breaker]) -> None:
        """Let these know as soon as a server is heard of again."""
        self._breakers = breakers

    @property
    def primary_lost_at(self) -> datetime | None:
        """Since when there is no server that takes writes; None while there is one."""
        lost = self._primary_lost
        return lost[1] if lost and self._had_primary else None

    @property
    def all_lost_at(self) -> datetime | None:
        """Since when no server answers at all; None while one does."""
        lost = self._all_lost
        return lost[1] if lost and self._had_any else None

    def is_known_lost(self, *, needs_primary: bool) -> bool:
        """Return `is_hopeless` if a server was there before, so that callers need not wait to find it out again."""
        return (self._had_primary if needs_primary else self._had_any) and self.is_hopeless(needs_primary=needs_primary)

    def is_hopeless(self, *, needs_primary: bool) -> bool:
        """Return whether no server could answer for longer than an election takes."""
        now, all_lost, primary_lost = monotonic(), self._all_lost, self._primary_lost
        if all_lost and now - all_lost[0] >= SILENCE_SECONDS:
            return True
        return bool(needs_primary and primary_lost and now - primary_lost[0] >= ELECTION_SECONDS)

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        """Called by the driver, in order, from one thread."""
        found, moment = event.new_description, (monotonic(), datetime.now(UTC))
        kinds = {server.server_type_name for server in found.server_descriptions().values()}
        has_primary, has_any = bool(kinds & TAKE_WRITES), bool(kinds & (TAKE_WRITES | TAKE_READS))
        with self._lock:
            had_primary, had_any = self._primary_lost is None, self._all_lost is None
            self._had_primary, self._had_any = self._had_primary or has_primary, self._had_any or has_any
            self._primary_lost = None if has_primary else self._primary_lost or moment
            self._all_lost = None if has_any else self._all_lost or moment
        if has_primary and not had_primary:
            self._hint(PRIMARY)
        if has_any and not had_any:
            self._hint(READS)

    def opened(self, event: TopologyOpenedEvent) -> None: ...
    def closed(self, event: TopologyClosedEvent) -> None: ...

    def _hint(self, name: str) -> None:
        breaker = self._breakers.get(name)
        if breaker:
            breaker.hint()


class GuardedClient(MongoClient[dict[str, Any]]):
    """A MongoClient whose operations pass a breaker and heed the deadline.

    It overrides the one method of the driver that carries out every operation, of cursors and transactions too, and the
    one that looks for a server. They are private: tests/kit/test_breaker.py would show if an upgrade took another way.
    """

    def __init__(self, uri: str, standing: Availability, **options: Any) -> None:
        self.standing = standing
        self.breakers: Mapping[str, Breaker] = {
            PRIMARY: Breaker(PRIMARY, weigh=_weigher(self, needs_primary=True), refusal=_refusal),
            READS: Breaker(READS, weigh=_weigher(self, needs_primary=False), refusal=_refusal),
        }
        standing.tells(self.breakers)
        super().__init__(uri, **options)

    def _retry_internal(self, func: Any, session: Any, *args: Any, **kwargs: Any) -> Any:
        read_log.note_server()
        by_any = kwargs.get("is_read", False) and not (session and session.in_transaction)
        if by_any and kwargs.get("read_pref") == ReadPreference.PRIMARY:
            by_any = _may_be_behind.get()
            kwargs["read_pref"] = ReadPreference.PRIMARY_PREFERRED if by_any else ReadPreference.PRIMARY
        breaker = self.breakers[READS if by_any else PRIMARY]
        with time_left(self._longest(breaker, by_any=by_any)):
            result = breaker.call(super()._retry_internal, func, session, *args, **kwargs)
        lost_at = self.standing.primary_lost_at
        if lost_at and by_any:
            staleness.note((datetime.now(UTC) - lost_at).total_seconds())
        return result

    def _longest(self, breaker: Breaker, *, by_any: bool) -> float | None:
        """How long to wait at most: the driver watches the servers by itself, so a probe need not wait for one to come,
        nor for long a reader to whom any would do where there is none."""
        if self.standing.is_known_lost(needs_primary=not by_any):
            return GLANCE_SECONDS
        if not breaker.is_closed:
            lost_at = self.standing.all_lost_at if by_any else self.standing.primary_lost_at
            return GLANCE_SECONDS if lost_at else PROBE_SECONDS
        return SILENCE_SECONDS if by_any and self.standing.all_lost_at else None

    def _select_server(self, server_selector: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait only a short time per try for a server if any server would do for this read.

        Without this, a read that began before a loss was known would wait until its deadline.
        """
        if not (_may_be_behind.get() and server_selector == ReadPreference.PRIMARY_PREFERRED):
            return super()._select_server(server_selector, *args, **kwargs)
        with time_left(SILENCE_SECONDS):
            return super()._select_server(server_selector, *args, **kwargs)


@contextmanager
def reading_from_any() -> Iterator[None]:
    """Let other servers answer reads inside while there is no primary; the possible age is noted (kit/staleness.py).

    For pages and routes that show data. Code that decides by a read, such as a job, waits for the new primary.
    """
    token = _may_be_behind.set(True)
    try:
        yield
    finally:
        _may_be_behind.reset(token)


@contextmanager
def on_its_own() -> Iterator[None]:
    """For work that a door begins and does not wait for: it has no deadline, and reads the newest.

    A thread that is given its beginner's context, for the language, would otherwise end with the beginner's patience.
    """
    token = _may_be_behind.set(False)
    try:
        with deadline.lifted():
            yield
    finally:
        _may_be_behind.reset(token)


def time_left(at_most: float | None = None) -> AbstractContextManager[Any]:
    """Limit calls inside the block to the time left of the deadline. Raises OutOfTime if none is left."""
    left = deadline.remaining() if at_most is None else deadline.clamped(at_most)
    if left is None:
        return nullcontext()
    if left <= 0:
        raise OutOfTime("the deadline was over before the call")
    return pymongo.timeout(left)


def _refusal(reason: str) -> MongoRefused:
    return MongoRefused(f"not asked, because it failed a moment ago: {reason}")


def _weigher(client: GuardedClient, *, needs_primary: bool) -> Any:
    def weigh(error: BaseException) -> int | None:
        if not isinstance(error, Exception) or isinstance(error, WaitQueueTimeoutError):
            return None  # called off; or all our own connections are in use
        if not isinstance(error, ConnectionFailure):
            return 0
        if client.standing.is_hopeless(needs_primary=needs_primary):
            return CONCLUSIVE
        if isinstance(error, ServerSelectionTimeoutError):
            return None  # an election goes on, or little time was left: nobody was asked
        left = deadline.remaining()
        is_late = left is not None and left <= 0
        return None if is_late or _is_mending(client.topology_description, error) else 1

    return weigh


def _is_mending(known: TopologyDescription, error: ConnectionFailure) -> bool:
    """Return whether another server answers or soon will; the next try then waits for the new primary.

    One primary that is killed breaks the calls of all threads at once, which is no row of failures.
    """
    if not known.has_readable_server(ReadPreference.PRIMARY_PREFERRED):
        return False
    return not (known.has_writable_server() and isinstance(error, NetworkTimeout))


LONGEST_SECONDS = 12 * 3600.0


def without_timeout() -> AbstractContextManager[object]:
    """Calls to MongoDB within the block may take half a day.

    Not `pymongo.timeout(None)`: the driver takes that for "none was given", and uses the client's own ten seconds, in
    which the cursor of a large collection is never read to its end.
    """
    return pymongo.timeout(LONGEST_SECONDS)
