"""Counting what the cache does, region by region; the sums are of this process and since its start."""

import threading
from collections import Counter

from backend.kit.model import Shape

OUTCOMES = ("hits_app", "hits_redis", "misses", "stale", "errors", "waits", "renewals")


class CacheRegion(Shape, frozen=True, kw_only=True):
    """Reads of one cache region since this process started, by the layer that answered."""

    # hits_app, hits_redis and misses add up to the reads; stale are those hits in Redis that were past their time.
    name: str
    hits_app: int
    hits_redis: int
    misses: int
    stale: int
    errors: int  # failures of Redis, unreadable bytes, values that could not be written, renewals that failed
    waits: int  # reads that waited for another reader's load
    renewals: int  # values loaded anew before their end, which no reader waited for
    entries: int  # held by this process now

    @property
    def hit_share(self) -> float | None:
        """Reads that needed no database, of all reads; None before the first read."""
        hits = self.hits_app + self.hits_redis
        return hits / (hits + self.misses) if hits + self.misses else None


class RegionCounts:
    """The running counts of one region."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._counts = Counter[str]()

    def add(self, outcome: str) -> None:
        with self._lock:
            self._counts[outcome] += 1

    def read(self, entries: int) -> CacheRegion:
        with self._lock:
            counts = {outcome: self._counts[outcome] for outcome in OUTCOMES}
        return CacheRegion(name=self.name, entries=entries, **counts)


class CacheStatistics:
    """The counts of all regions that were ever asked for."""

    def __init__(self) -> None:
        self._regions: dict[str, RegionCounts] = {}

    def for_region(self, name: str) -> RegionCounts:
        counts = self._regions.get(name)
        return counts if counts is not None else self._regions.setdefault(name, RegionCounts(name))

    def knows(self, name: str) -> bool:
        return name in self._regions

    def read(self, entries: dict[str, int]) -> tuple[CacheRegion, ...]:
        """One line for each region, by name; `entries` counts what the process holds of each."""
        return tuple(self._regions[name].read(entries.get(name, 0)) for name in sorted(self._regions))
