"""Loads in progress in this process, which readers who come meanwhile share instead of starting their own."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any

from backend.kit import deadline
from backend.kit.cache.entry import CacheAnswer, T

_TOO_LITTLE_SECONDS = 0.5  # a driver gives up a round trip or more before the end


class Flight:
    """One load. The caller with `leads` runs it; the others wait for its result."""

    def __init__(self, key: Hashable, future: Future[CacheAnswer[Any]], flights: "Flights", *, leads: bool) -> None:
        self.leads = leads
        self._key = key
        self._future = future
        self._flights = flights

    def fly(self, load: Callable[[], CacheAnswer[T]]) -> CacheAnswer[T]:
        """Load for all waiting readers; they share an exception too, unless this reader's time was over."""
        try:
            answer = load()
        except Exception as error:
            if deadline.clamped(_TOO_LITTLE_SECONDS) < _TOO_LITTLE_SECONDS:
                self._cancel()
            else:
                self._future.set_exception(error)
            raise
        except BaseException:  # somebody stopped this reader, not the others
            self._cancel()
            raise
        else:
            self._future.set_result(answer)
            return answer
        finally:
            self._flights.remove(self._key)

    def stay(self) -> None:
        """Give up the load; readers that were waiting for it load for themselves."""
        self._cancel()
        self._flights.remove(self._key)

    def has_landed(self, timeout_seconds: float) -> bool:
        """Wait for the end of the load; False if it did not come, or the leader was stopped or had no time."""
        wait([self._future], timeout_seconds)
        return self._future.done() and not self._future.cancelled()

    def result(self) -> CacheAnswer[Any]:
        """Return the answer of the load, or raise its exception."""
        return self._future.result()

    def _cancel(self) -> None:
        self._future.cancel()
        self._future.set_running_or_notify_cancel()  # only this wakes those who wait


class Flights:
    """All loads in progress, by what they load."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[Hashable, Future[CacheAnswer[Any]]] = {}

    def board(self, key: Hashable) -> Flight:
        """The load of `key` in progress, or a new one to lead."""
        with self._lock:
            future = self._futures.get(key)
            leads = future is None
            if future is None:
                future = self._futures[key] = Future()
            return Flight(key, future, self, leads=leads)

    def remove(self, key: Hashable) -> None:
        with self._lock:
            del self._futures[key]
