"""The reads of a request: from which layer of the cache, under which tags, and whether a server was asked.

The log is one object in a context variable, so that threads that work for the request write into the same one.
Without a log nothing is noted.
"""

import math
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

Source = Literal["app", "redis", "database"]

_DISTANCE: dict[Source | None, int] = {None: 0, "app": 1, "redis": 2, "database": 3}


@dataclass(slots=True)
class ReadLog:
    """`generation` is that of the in-process layer when the log began; `until` (monotonic) is when its values end."""

    generation: int
    farthest: Source | None = None
    tags: set[str] = field(default_factory=set)
    until: float = math.inf
    asked_servers: bool = False

    @property
    def is_of_this_process(self) -> bool:
        """Whether something was read, and all of it was held by this process."""
        return self.farthest == "app" and not self.asked_servers


_current: ContextVar[ReadLog | None] = ContextVar("read_log", default=None)


def begin(generation: int) -> ReadLog:
    """Note from now on what is read in this context, in the log that is returned."""
    log = ReadLog(generation)
    _current.set(log)
    return log


def note_source(source: Source) -> None:
    """A read of the cache was answered by this layer."""
    log = _current.get()
    if log is not None and _DISTANCE[source] > _DISTANCE[log.farthest]:
        log.farthest = source


def note_held(tags: Iterable[str], until: float) -> None:
    """A value was read that this process holds under `tags`, until a monotonic time."""
    log = _current.get()
    if log is not None:
        log.tags.update(tags)
        log.until = min(log.until, until)


def note_server() -> None:
    """A server was asked, or a value was read that is older than it should be."""
    log = _current.get()
    if log is not None:
        log.asked_servers = True


def farthest_source() -> Source | None:
    """The farthest layer that a cached read came from; None where nothing was read through the cache."""
    log = _current.get()
    return log.farthest if log else None
