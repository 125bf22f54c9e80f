"""Values renewed before their time on threads of their own, so that no reader waits. Few at once; the rest can wait."""

import threading
from collections.abc import Callable
from time import monotonic

AT_ONCE = 4
_END_SECONDS = 2.0


class Renewals:
    """At most `at_once` pieces of work beside the readers; none of them may raise."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._running: set[threading.Thread] = set()
        self._is_closed = False

    def begin(self, work: Callable[[], None]) -> bool:
        """Start `work` beside the caller; False where all places are taken, no thread is to be had, or it is closed."""
        if not self._places.acquire(blocking=False):
            return False
        thread = threading.Thread(target=self._run, args=(work,), name="cache-renewal", daemon=True)
        with self._lock:
            if self._is_closed:
                self._places.release()
                return False
            try:
                thread.start()
            except RuntimeError:  # the machine gives no more threads: the reader loads
                self._places.release()
                return False
            self._running.add(thread)
        return True

    def close(self) -> None:
        """Begin nothing more, and wait for what runs, two seconds at most."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        end = monotonic() + _END_SECONDS
        for thread in running:
            thread.join(max(0.0, end - monotonic()))

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._running.discard(threading.current_thread())
            self._places.release()
