"""Values that a process keeps beside what they were made from, and makes anew when that has changed."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """A thread-safe memo. Two callers at once may both make the value, and either is right.

    `source` is all that a value follows from, compared by `==`: cheap where it is small, or the same objects come
    again. At most `most` values are kept; the oldest leave.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[Hashable, tuple[Any, T]] = {}

    def get(self, key: Hashable, source: object, make: Callable[[], T]) -> T:
        """The value of `key` as `make` makes it from `source`."""
        known = self._values.get(key)
        if known is not None and known[0] == source:
            if known[0] is not source:
                self._keep(key, source, known[1])  # what comes again is compared by identity from now on
            return known[1]
        value = make()
        self._keep(key, source, value)
        return value

    def _keep(self, key: Hashable, source: object, value: T) -> None:
        with self._lock:
            self._values[key] = (source, value)
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
