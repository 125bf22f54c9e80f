"""The deadline of a call: set where it enters, shortened on the way down, and kept by calls to servers.

It lives in a context variable, so work handed to a thread without its context has no deadline: nobody waits for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_end: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit calls inside the block to `seconds`, or to the caller's remaining time if that is shorter."""
    end, own = _end.get(), monotonic() + seconds
    token = _end.set(own if end is None else min(end, own))
    try:
        yield
    finally:
        _end.reset(token)


@contextmanager
def lifted() -> Iterator[None]:
    """Remove the deadline inside the block, for long work that reports its progress."""
    token = _end.set(None)
    try:
        yield
    finally:
        _end.reset(token)


def remaining() -> float | None:
    """Seconds left, below 0.0 once it is over; None if no deadline is set."""
    end = _end.get()
    return None if end is None else end - monotonic()


def clamped(seconds: float) -> float:
    """`seconds`, or what is left where that is less; never below 0.0."""
    left = remaining()
    return seconds if left is None else max(0.0, min(seconds, left))
