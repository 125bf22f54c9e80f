"""Loading what will be asked for before it is: the most wanted keys of the regions that say how they are read.

Fills shared values alone, through the same door as every reader; who may see them is decided where they are read."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from backend.errors import AppError
from backend.kit.cache.cache import Cache
from backend.kit.cache.entry import EVERYTHING, Answer, Region
from backend.kit.cache.popularity import Asked, unseen
from backend.kit.cache.redis_layer import RedisAway
from backend.kit.observability import log

MOST_KEYS = 200
MOST_SECONDS = 20.0

Read = Callable[[str], Answer[Any] | None]

_log = log.get(__name__)


@dataclass(frozen=True)
class Warmed:
    """The result of one round: keys loaded, already present, no longer needed, failed, and left as time ran out."""

    loaded: int
    present: int
    forgotten: int
    failed: int
    left: int
    seconds: float


class Warmer:
    """Knows of each region how one of its keys is read again. One round at a time is the caller's business."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._reads: dict[str, Read] = {}
        self._wide: set[str] = {EVERYTHING}
        self._ask: Callable[[], None] = lambda: None
        cache.on_invalidated(self._invalidated)

    def add(self, region: Region[Any], read: Read, *, wide_tags: Sequence[str] = ()) -> None:
        """Let `region` be warmed: `read(key)` reads through the cache exactly as a service does for a viewer.

        It gives None for a key that means nothing any more (a class that is gone, last week's board). `wide_tags`
        are those whose invalidation empties the region, so that it should be warmed again.
        """
        self._reads[region.name] = read
        self._wide |= {region.tag, *wide_tags}
        self._cache.popularity.watch(region.name)

    def when_cold(self, ask: Callable[[], None]) -> None:
        """Call `ask` (from any thread; it must not block) after something that emptied a region, here or elsewhere."""
        self._ask = ask

    def run(
        self,
        *,
        most_keys: int = MOST_KEYS,
        most_seconds: float = MOST_SECONDS,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Warmed:
        """Read the most wanted keys that are not there, within the budget. Without Redis it does nothing."""
        began = monotonic()
        self._cache.popularity.send()
        try:
            wanted = [each for each in self._cache.popularity.most(most_keys) if each.region in self._reads]
        except RedisAway:
            wanted = []
        counts, gone = Counter[str](), list[Asked]()
        with unseen():
            for each in wanted:
                if should_stop() or monotonic() - began > most_seconds:
                    break
                outcome = self._read(each)
                counts[outcome] += 1
                if outcome == "forgotten":
                    gone.append(each)
        self._cache.popularity.forget(gone)
        return Warmed(
            loaded=counts["loaded"],
            present=counts["present"],
            forgotten=counts["forgotten"],
            failed=counts["failed"],
            left=len(wanted) - sum(counts.values()),
            seconds=monotonic() - began,
        )

    def _read(self, asked: Asked) -> str:
        try:
            answer = self._reads[asked.region](asked.key)
        except AppError as error:
            _log.warning("not_warmed", region=asked.region, key=asked.key, error=error.message)
            return "failed"
        except Exception as error:  # noqa: BLE001 - one odd key must not keep the others cold
            _log.warning("not_warmed", region=asked.region, key=asked.key, error=repr(error))
            return "failed"
        if answer is None:
            return "forgotten"
        return "loaded" if answer.source == "database" else "present"

    def _invalidated(self, tags: Iterable[str]) -> None:
        if not self._wide.isdisjoint(tags):
            self._ask()
