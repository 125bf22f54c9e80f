"""The in-process layer: a bounded map of decoded values that knows when each tag was last invalidated.

An invalidation touches no entry. It moves the tag's clock, and an entry read before that moment is no longer
believed, even if it is stored later: that is what closes the race between a load and an invalidation."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.kit.cache.entry import EVERYTHING, CacheEntry

_MAX_TAGS = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """An entry, and what it stands and falls with."""

    entry: CacheEntry[Any]
    region: str
    watched: tuple[str, ...]
    generation: int
    until: float


class LocalLayer:
    """Holds at most `max_entries`, the least recently used leave first. Times are time.monotonic()."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Held] = OrderedDict()
        self._invalidated: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0  # tags that fell out of the map were last invalidated at or before this generation
        self._generation = 0
        self.on_invalidated: Callable[[Sequence[str]], None] = lambda _tags: None

    @property
    def generation(self) -> int:
        """The number of invalidations so far; take it before reading what will be put."""
        return self._generation

    def last_invalidated(self, watched: Sequence[str]) -> int:
        """The generation at which one of these tags was last invalidated."""
        with self._lock:
            return self._last(watched)

    def get(self, key: Hashable, now: float) -> Held | None:
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            if held.generation < self._last(held.watched):
                del self._held[key]
                return None
            if now >= held.until:  # kept all the same: see `kept`
                return None
            self._held.move_to_end(key)
            return held

    def kept(self, key: str) -> CacheEntry[Any] | None:
        """Return the entry held last, even if it has expired; None if it was invalidated."""
        with self._lock:
            held = self._held.get(key)
            return held.entry if held and held.generation >= self._last(held.watched) else None

    def put(
        self,
        key: Hashable,
        entry: CacheEntry[Any],
        region: str,
        watched: tuple[str, ...],
        *,
        generation: int,
        until: float,
    ) -> None:
        """Keep an entry that was read under `generation`; one that was invalidated since is left out."""
        with self._lock:
            if generation < self._last(watched):
                return
            self._held[key] = Held(entry, region, watched, generation, until)
            self._held.move_to_end(key)
            if len(self._held) > self._max_entries:
                self._held.popitem(last=False)

    def invalidate(self, tags: Sequence[str]) -> None:
        """From now on nothing that was read earlier under any of these tags is served."""
        with self._lock:
            self._generation += 1
            for tag in tags:
                self._invalidated[tag] = self._generation
                self._invalidated.move_to_end(tag)
            while len(self._invalidated) > _MAX_TAGS:
                self._forgotten = self._invalidated.popitem(last=False)[1]
            if EVERYTHING in tags:
                self._held.clear()
        self.on_invalidated(tags)

    def entries_by_region(self) -> Counter[str]:
        with self._lock:
            return Counter(held.region for held in self._held.values())

    def _last(self, watched: Sequence[str]) -> int:
        invalidated, forgotten = self._invalidated, self._forgotten
        return max(invalidated.get(tag, forgotten) for tag in watched)
