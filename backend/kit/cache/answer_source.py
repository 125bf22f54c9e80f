"""Which layers answered the cached reads of one request: remembered in its context, for a door to tell its caller."""

from contextvars import ContextVar
from typing import TypeVar

from backend.kit import staleness
from backend.kit.cache.entry import Answer, Source

T = TypeVar("T")

_DISTANCE: dict[Source | None, int] = {None: 0, "app": 1, "redis": 2, "database": 3}
_farthest: ContextVar[Source | None] = ContextVar("farthest_source", default=None)


def noted(answer: Answer[T]) -> Answer[T]:
    """The answer, after its source was remembered, and its age where it is not the newest."""
    if answer.is_kept:
        staleness.note(answer.age_seconds)
    if _DISTANCE[answer.source] > _DISTANCE[_farthest.get()]:
        _farthest.set(answer.source)
    return answer


def forget_sources() -> None:
    """Forget earlier reads: a request may have inherited the context that started it."""
    _farthest.set(None)
    staleness.forget()


def farthest_source() -> Source | None:
    """The farthest layer that had to be asked in this context; None where nothing was read through the cache."""
    return _farthest.get()
