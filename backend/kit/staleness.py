"""The age of data that is not the newest: noted during reads, so that pages and routes can show it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_oldest: ContextVar[float | None] = ContextVar("oldest_seconds", default=None)


def note(seconds: float) -> None:
    """Something was read that may be so old."""
    _oldest.set(max(seconds, _oldest.get() or 0.0))


def oldest_seconds() -> float | None:
    """The age of the oldest thing read in this context that was not the newest; None where all was."""
    return _oldest.get()


def forget() -> None:
    """Forget earlier reads: a request may have inherited the context that started it."""
    _oldest.set(None)


@contextmanager
def apart() -> Iterator[None]:
    """Inside, `oldest_seconds` tells of what is read inside alone; afterwards that counts for the outside too."""
    before = _oldest.get()
    _oldest.set(None)
    try:
        yield
    finally:
        if before is not None:
            note(before)
