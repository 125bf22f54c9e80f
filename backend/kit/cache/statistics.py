"""Counting what the cache does, region by region; the sums are of this process and since its start."""

import threading

import msgspec


class RegionStatistics(msgspec.Struct, frozen=True):
    """Reads of one region by how they ended, and what went wrong meanwhile.

    hits_local, hits_redis and misses add up to the reads; `stale` are those hits in Redis that were past
    their time; `waits` are reads that waited for another reader's load; `errors` are failures of Redis,
    unreadable bytes, values that could not be written, and early renewals that failed; `renewals` are values
    loaded anew before their end, which no reader waited for; `kept` are misses that an old value answered while the
    database was out of reach; `entries` are held by this process now.
    """

    name: str
    hits_local: int
    hits_redis: int
    misses: int
    stale: int
    errors: int
    waits: int
    entries: int
    renewals: int = 0
    kept: int = 0


class RegionCounts:
    """The running counts of one region."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._counts = {
            "hits_local": 0,
            "hits_redis": 0,
            "misses": 0,
            "stale": 0,
            "errors": 0,
            "waits": 0,
            "renewals": 0,
            "kept": 0,
        }

    def add(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1

    def read(self, entries: int) -> RegionStatistics:
        with self._lock:
            return RegionStatistics(name=self.name, entries=entries, **self._counts)


class Statistics:
    """The counts of all regions that were ever asked for."""

    def __init__(self) -> None:
        self._regions: dict[str, RegionCounts] = {}

    def of(self, name: str) -> RegionCounts:
        counts = self._regions.get(name)
        return counts if counts is not None else self._regions.setdefault(name, RegionCounts(name))

    def knows(self, name: str) -> bool:
        return name in self._regions

    def read(self, entries: dict[str, int]) -> tuple[RegionStatistics, ...]:
        """One line for each region, by name; `entries` counts what the process holds of each."""
        return tuple(self._regions[name].read(entries.get(name, 0)) for name in sorted(self._regions))
