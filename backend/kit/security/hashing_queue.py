"""The queue before slow hashing: a few at once, a short wait in order, and a plain refusal where it would be long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from backend.errors import RateLimited
from backend.kit import deadline
from backend.kit.i18n import _, waiting_time

WAIT_SECONDS = 6.0  # with what comes after, an answer within the ten seconds of a request
AFTER_SECONDS = 2.0  # what the caller still has to do once it was its turn
_FIRST_GUESS_SECONDS = 0.1
_WEIGHT_OF_LATEST = 0.2


class HashingQueue:
    """Thread-safe. Its estimate of the wait follows how long hashing took lately on this machine."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._turns = threading.Semaphore(at_once)  # wakes those who wait in order
        self._lock = threading.Lock()
        self._inside = 0
        self._seconds = _FIRST_GUESS_SECONDS

    @property
    def expected_seconds(self) -> float:
        """How long somebody who comes now will wait for a turn."""
        ahead = self._inside - self._at_once + 1
        return max(0, ahead) * self._seconds / self._at_once

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One of the few turns. Raises RateLimited, saying when to come again, where the wait would be too long."""
        left = deadline.remaining()
        patience = WAIT_SECONDS if left is None else min(WAIT_SECONDS, left - AFTER_SECONDS)
        with self._lock:
            expected = self.expected_seconds
            if expected > max(0.0, patience):
                raise _busy(expected)
            self._inside += 1
        try:
            if not self._turns.acquire(timeout=max(0.0, patience)):
                raise _busy(max(expected, WAIT_SECONDS))
            try:
                yield from self._timed()
            finally:
                self._turns.release()
        finally:
            with self._lock:
                self._inside -= 1

    def _timed(self) -> Iterator[None]:
        begun = monotonic()
        yield
        with self._lock:
            self._seconds += _WEIGHT_OF_LATEST * (monotonic() - begun - self._seconds)


def _busy(seconds: float) -> RateLimited:
    words = _("Many people are signing in just now. Please try again in {time}.")
    return RateLimited(words.format(time=waiting_time(seconds)), retry_after_seconds=max(1.0, seconds))
