"""Run many checks at once with a time limit for each: one that hangs does not delay the others."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

AT_ONCE = 24  # more than there are checks: those that hang must not stand in the way of the others


class Probes:
    """Runs named calls in parallel on threads of its own, which start with the first run."""

    def __init__(self, bound_seconds: float) -> None:
        self._bound_seconds = bound_seconds
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe")
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Any]] = {}

    def run(self, calls: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return the result of each call, or the exception it raised; TimeoutError for one that is still running.

        A call that hung in an earlier run is waited for again, not started a second time.
        """
        with self._lock:
            asked = {name: self._ask(name, call) for name, call in calls.items()}
        wait(asked.values(), timeout=self._bound_seconds)
        return {name: _outcome(future) for name, future in asked.items()}

    def close(self) -> None:
        """Start no more calls; those that still run end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, name: str, call: Callable[[], Any]) -> Future[Any]:
        pending = self._asked.get(name)
        if pending is not None and not pending.done():
            return pending
        # The reader's language lives in a context variable, which a thread of a pool does not inherit.
        self._asked[name] = future = self._pool.submit(copy_context().run, call)
        return future


def _outcome(future: Future[Any]) -> Any:
    if not future.done():
        return TimeoutError()
    return future.exception() or future.result()
