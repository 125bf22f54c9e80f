"""Reads that may not wait, such as those of an event loop: they end where the value is not held by this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_may_wait: ContextVar[bool] = ContextVar("may_wait", default=True)


class WouldWait(Exception):
    """A value is not held by this process, and its reader may not wait."""


@contextmanager
def without_waiting() -> Iterator[None]:
    """Inside, a read of the cache that would ask a server raises WouldWait instead."""
    token = _may_wait.set(False)
    try:
        yield
    finally:
        _may_wait.reset(token)


def check_may_wait() -> None:
    """Raises WouldWait inside `without_waiting`."""
    if not _may_wait.get():
        raise WouldWait
