"""Waiting in line for a permit that comes back within seconds, so that one who asks without pause takes not each."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from backend.kit import deadline

AFTER_SECONDS = 2.0  # what the caller still has to do once it has its permit
_PAUSE_SECONDS = 0.25  # a permit may be given back sooner than was said


class WaitingLine:
    """In this process, thread-safe. A caller has one place in the line of a subject; without a place nobody waits."""

    def __init__(self, *, places: int, places_in_all: int, seconds: float) -> None:
        self._places = places
        self._places_in_all = places_in_all
        self._seconds = seconds
        self._changed = threading.Condition()
        self._lines: defaultdict[str, list[str]] = defaultdict(list)

    def wait_for(self, subject: str, caller: str, ask: Callable[[], float]) -> float:
        """0.0 once `ask` has given a permit by saying 0.0; otherwise in how many seconds to come again.

        Those in line are served in order, and a newcomer does not overtake them.
        """
        wait = self._seconds if self._lines.get(subject) else ask()
        if not wait or wait > self._seconds:
            return wait
        left = deadline.remaining()
        until = monotonic() + (self._seconds if left is None else min(self._seconds, left - AFTER_SECONDS))
        with self._place(subject, caller) as has_place:
            return self._served(subject, caller, ask, until) if has_place else wait

    def _served(self, subject: str, caller: str, ask: Callable[[], float], until: float) -> float:
        with self._changed:
            is_first = self._changed.wait_for(lambda: self._lines[subject][0] == caller, max(0.0, until - monotonic()))
        if not is_first:
            return self._seconds
        while (wait := ask()) and monotonic() + wait <= until:
            sleep(min(wait, _PAUSE_SECONDS))
        return wait

    @contextmanager
    def _place(self, subject: str, caller: str) -> Iterator[bool]:
        with self._changed:
            line = self._lines[subject]
            taken = sum(map(len, self._lines.values()))
            is_free = caller not in line and len(line) < self._places and taken < self._places_in_all
            if is_free:
                line.append(caller)
            elif not line:
                del self._lines[subject]
        try:
            yield is_free
        finally:
            if is_free:
                with self._changed:
                    self._leave(subject, caller)

    def _leave(self, subject: str, caller: str) -> None:
        self._lines[subject].remove(caller)
        if not self._lines[subject]:
            del self._lines[subject]
        self._changed.notify_all()
