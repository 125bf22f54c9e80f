"""Which layers answered the cached reads of one request: remembered in its context, for a door to tell its caller."""

from contextvars import ContextVar
from typing import TypeVar

from backend.kit.cache_entry import Answer, Source

T = TypeVar("T")

_DISTANCE: dict[Source | None, int] = {None: 0, "app": 1, "redis": 2, "database": 3}
_farthest: ContextVar[Source | None] = ContextVar("farthest_source", default=None)


def noted(answer: Answer[T]) -> Answer[T]:
    """The answer, after its source was remembered. A request runs in a context of its own, so nothing is reset."""
    if _DISTANCE[answer.source] > _DISTANCE[_farthest.get()]:
        _farthest.set(answer.source)
    return answer


def farthest_source() -> Source | None:
    """The farthest layer that had to be asked in this context; None where nothing was read through the cache."""
    return _farthest.get()
