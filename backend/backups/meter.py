"""How far long work on a backup is: progress of single collections, added up to a share of the whole."""

from collections.abc import Callable
from time import monotonic

from msgspec.structs import replace

from backend.backups.models import Task

TELL_SECONDS = 0.5


class Meter:
    """A Progress of an archive; `tell` is given the task as it stands, twice a second."""

    def __init__(self, task: Task, expected: int, tell: Callable[[Task], None]) -> None:
        self.task = task
        self._expected = max(1, expected)
        self._tell = tell
        self._done: dict[str, int] = {}
        self._told_at = float("-inf")

    def __call__(self, collection: str, done: int, _expected: int) -> None:
        self._done[collection] = done
        share = min(0.99, sum(self._done.values()) / self._expected)
        self.task = replace(self.task, share=share, collection=collection)
        if monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = monotonic()
            self._tell(self.task)
