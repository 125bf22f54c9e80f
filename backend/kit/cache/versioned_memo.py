"""Values that a process holds and checks by version instead of a time: exact, and cheap while few of many change."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")  # what a version is
T = TypeVar("T")


class VersionedMemo(Generic[V, T]):
    """A thread-safe memo. The caller gives the present version of each value; a value of another version is read again.

    `read` gives a value for every key it is asked for. A version must be read before the value, never after it: then
    a value is at least as new as its version says. At most `most` values are held; the least recently used leave.
    """

    def __init__(self, read: Callable[[Sequence[str]], Mapping[str, T]], *, most: int) -> None:
        self._read = read
        self._most = most
        self._values: OrderedDict[str, tuple[V, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, versions: Mapping[str, V]) -> dict[str, T]:
        """The values of these keys, in their order."""
        with self._lock:
            known = {key: self._values[key] for key in versions if key in self._values}
        moved = [key for key, version in versions.items() if key not in known or known[key][0] != version]
        fresh = self._read(moved) if moved else {}
        with self._lock:
            for key, version in versions.items():
                if key in fresh:
                    self._values[key] = (version, fresh[key])
                if key in self._values:
                    self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return {key: fresh[key] if key in fresh else known[key][1] for key in versions}
