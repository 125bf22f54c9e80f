"""Counts and times of what this process does. A Registry is made at start and handed to the parts that observe.

Times fall into 130 buckets, each 10 % wider than the one before: percentiles within 5 %, and sums over processes
by adding the counts. Each histogram knows two spans of time: since the process started, and the last minutes.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter

REQUESTS = "requests"
SCRIPT_RUNS = "script_runs"
FRAGMENT_RUNS = "fragment_runs"
QUERIES = "queries"
EVENTS = "events"
JOBS = "jobs"
MAILS = "mails"
POOL_WAITS = "pool_waits"

BUCKETS = 130
GROWTH = 1.1
LEAST_SECONDS = 0.000_1  # the last bucket ends at 24 s, beyond every time limit we set
LABELS_PER_KIND = 200  # a label made of what people type would otherwise fill the memory
OTHER = "other"
RECENT_SECONDS = 300.0  # "recent" is the present five minutes and the five before: at least five, at most ten
_LOG_GROWTH = math.log(GROWTH)


@dataclass(frozen=True)
class Figures:
    """Observations so far: how many, how many failed, their sum and longest in seconds, and the buckets."""

    count: int
    failed: int
    total_seconds: float
    max_seconds: float
    buckets: tuple[int, ...]

    def percentile(self, share: float) -> float | None:
        """Seconds within which `share` (0 to 1) of the observations lie, within 5 %; None before the first."""
        if not self.count:
            return None
        rank, seen = share * self.count, 0
        for index, count in enumerate(self.buckets[:BUCKETS]):
            if count and seen + count >= rank:
                return min(self.max_seconds, LEAST_SECONDS * math.pow(GROWTH, index - 1 + (rank - seen) / count))
            seen += count
        return self.max_seconds


class _Span:
    """The observations of one span of time. Guarded by its histogram's lock."""

    __slots__ = ("buckets", "count", "failed", "longest", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (BUCKETS + 1)
        self.count = self.failed = 0
        self.total = self.longest = 0.0

    def add(self, index: int, seconds: float, failed: bool) -> None:
        self.buckets[index] += 1
        self.count += 1
        self.failed += failed
        self.total += seconds
        if seconds > self.longest:  # noqa: PLR1730 - a call of max() costs as much as all the rest
            self.longest = seconds

    def figures(self) -> Figures:
        return Figures(self.count, self.failed, self.total, self.longest, tuple(self.buckets))


class Histogram:
    """Times of one kind of act. Thread-safe. `now` is seconds that only grow; a test sets it."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._lock = threading.Lock()
        self._now = now
        self._before, self._young, self._old = NOTHING, _Span(), NOTHING
        self._turn_at = now() + RECENT_SECONDS

    def observe(self, seconds: float, *, failed: bool = False) -> None:
        """Add one observation."""
        index = bucket_of(seconds)
        with self._lock:
            if self._now() >= self._turn_at:
                self._turn()
            self._young.add(index, seconds, failed)

    def read(self) -> Figures:
        """Return the observations since the process started."""
        with self._lock:
            return merged([self._before, self._young.figures()])

    def recent(self) -> Figures:
        """Return the observations of the last five to ten minutes."""
        with self._lock:
            if self._now() >= self._turn_at:
                self._turn()
            return merged([self._young.figures(), self._old])

    def _turn(self) -> None:
        is_next, past = self._now() < self._turn_at + RECENT_SECONDS, self._young.figures()
        self._before, self._young = merged([self._before, past]), _Span()
        self._old = past if is_next else NOTHING
        self._turn_at = self._now() + RECENT_SECONDS


class Registry:
    """All histograms of a process, by kind and label. Thread-safe; starts nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._histograms: dict[str, dict[str, Histogram]] = {}

    def observe(self, kind: str, label: str, seconds: float, *, failed: bool = False) -> None:
        """Note that an act of `kind` (a constant of this module) took `seconds`.

        `label` must come from a small fixed set, such as a route's template; beyond 200 of a kind it is "other".
        """
        self.histogram(kind, label).observe(seconds, failed=failed)

    @contextmanager
    def timed(self, kind: str, label: str) -> Iterator[None]:
        """Observe the time of a block. One that raises counts as failed, but not one that is called off."""
        started, failed = perf_counter(), False
        try:
            yield
        except Exception:
            failed = True
            raise
        finally:
            self.observe(kind, label, perf_counter() - started, failed=failed)

    def read(self, kind: str) -> dict[str, Figures]:
        """The figures of a kind by label."""
        with self._lock:
            found = dict(self._histograms.get(kind, {}))
        return {label: histogram.read() for label, histogram in found.items()}

    def recent(self, kind: str) -> dict[str, Figures]:
        """The figures of a kind by label, of the last five to ten minutes alone."""
        with self._lock:
            found = dict(self._histograms.get(kind, {}))
        return {label: histogram.recent() for label, histogram in found.items()}

    def histogram(self, kind: str, label: str) -> Histogram:
        """Return the histogram of a kind and label, for callers that observe thousands of times a second."""
        # Reading without the lock is safe: a dict that only grows is never seen half-written.
        known = self._histograms.get(kind, {}).get(label)
        if known is not None:
            return known
        with self._lock:
            labels = self._histograms.setdefault(kind, {})
            if label not in labels and len(labels) >= LABELS_PER_KIND:
                label = OTHER
            return labels.setdefault(label, Histogram())


def bucket_of(seconds: float) -> int:
    """Index of the bucket: 0 up to LEAST_SECONDS, then one for each 10 %, the last for everything longer."""
    if seconds <= LEAST_SECONDS:
        return 0
    return min(BUCKETS, math.ceil(math.log(seconds / LEAST_SECONDS) / _LOG_GROWTH))


def merged(figures: Sequence[Figures]) -> Figures:
    """The figures of all together, exactly as if one histogram had seen everything."""
    if not figures:
        return NOTHING
    return Figures(
        count=sum(each.count for each in figures),
        failed=sum(each.failed for each in figures),
        total_seconds=sum(each.total_seconds for each in figures),
        max_seconds=max((each.max_seconds for each in figures), default=0.0),
        buckets=tuple(map(sum, zip(*(each.buckets for each in figures), strict=True))),
    )


def since(now: Figures, before: Figures) -> Figures:
    """Return the observations between two readings of one histogram; `max_seconds` is that of the later one."""
    return Figures(
        count=now.count - before.count,
        failed=now.failed - before.failed,
        total_seconds=now.total_seconds - before.total_seconds,
        max_seconds=now.max_seconds,
        buckets=tuple(one - other for one, other in zip(now.buckets, before.buckets, strict=True)),
    )


NOTHING = Figures(0, 0, 0.0, 0.0, (0,) * (BUCKETS + 1))
