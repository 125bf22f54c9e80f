"""Loading the values that everybody needs before somebody asks: each region names its keys and how one is read.

Fills shared values alone, by the same function as every reader; who may see them is decided where they are read."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from backend.errors import AppError
from backend.kit.cache.cache import Cache
from backend.kit.cache.entry import EVERYTHING, CacheAnswer, Region
from backend.kit.observability import log

MOST_SECONDS = 20.0

Read = Callable[[], CacheAnswer[Any]]

_log = log.get(__name__)


@dataclass(frozen=True)
class Warmed:
    """The result of one round: keys loaded, already present, failed, and left as time ran out or Redis was away."""

    loaded: int
    present: int
    failed: int
    left: int


class Warmer:
    """Knows the keys to load. One round at a time is the caller's business."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._reads: dict[str, Read] = {}
        self._wide: set[str] = {EVERYTHING}
        self._ask: Callable[[], None] = lambda: None
        cache.on_invalidated(self._invalidated)

    def add(self, region: Region[Any], reads: Mapping[str, Read], *, wide_tags: Sequence[str] = ()) -> None:
        """Have these keys of `region` loaded, each by the function that reads it through the cache for everybody.

        `wide_tags` are those whose invalidation empties the region, so that it should be warmed again.
        """
        self._reads |= {f"{region.name}:{key}": read for key, read in reads.items()}
        self._wide |= {region.tag, *wide_tags}

    def when_cold(self, ask: Callable[[], None]) -> None:
        """Call `ask` (from any thread; it must not block) after something that emptied a region, here or elsewhere."""
        self._ask = ask

    def run(self, *, most_seconds: float = MOST_SECONDS, should_stop: Callable[[], bool] = lambda: False) -> Warmed:
        """Read every key, and begin no read after `most_seconds`. Without Redis it does nothing: nothing is kept."""
        end, counts = monotonic() + most_seconds, Counter[str]()
        for name, read in self._reads.items():
            if should_stop() or monotonic() > end or not self._cache.healthy:
                counts["left"] += 1
            else:
                counts[self._outcome(name, read)] += 1
        return Warmed(loaded=counts["loaded"], present=counts["present"], failed=counts["failed"], left=counts["left"])

    def _outcome(self, name: str, read: Read) -> str:
        try:
            answer = read()
        except AppError as error:
            _log.warning("not_warmed", key=name, error=error.message)
            return "failed"
        except Exception as error:  # noqa: BLE001 - one key must not keep the others cold
            _log.warning("not_warmed", key=name, error=repr(error))
            return "failed"
        return "loaded" if answer.source == "database" else "present"

    def _invalidated(self, tags: Iterable[str]) -> None:
        if not self._wide.isdisjoint(tags):
            self._ask()
