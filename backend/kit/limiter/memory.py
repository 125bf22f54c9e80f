"""Limits kept in this process, for the time that Redis is away: the same decisions, each process for itself."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic_ns
from typing import TypeVar

from backend.kit.limiter.gcra import Attempts, Delay, Grant, Rule, attempt, decide

T = TypeVar("T")

SUBJECTS = 20_000  # beyond these, the subject seen least recently is forgotten


class MemoryLimits:
    """Thread-safe and bounded. Never raises."""

    def __init__(self, subjects: int = SUBJECTS) -> None:
        self._lock = threading.Lock()
        self._most = subjects
        self._kept: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._attempts: OrderedDict[str, Attempts] = OrderedDict()

    def take(self, subject: str, rules: Sequence[Rule], *, wanted: int = 1, refund: int = 0, now: int = 0) -> Grant:
        """Up to `wanted` permits of `subject`, after giving back `refund` of them."""
        with self._lock:
            kept = self._kept.setdefault(subject, {})
            grant, after = decide(kept, rules, now or _now(), wanted=wanted, refund=refund)
            kept.update(after)
            _bound(self._kept, subject, self._most)
            return grant

    def attempt(self, subject: str, delay: Delay, *, now: int = 0) -> int:
        """Microseconds that the next attempt must wait; 0 counts one."""
        now = now or _now()
        with self._lock:
            known = self._attempts.get(subject, Attempts())
            if now - known.not_before > delay.forget_seconds * 1_000_000:
                known = Attempts()
            waits, self._attempts[subject] = attempt(known, delay, now)
            _bound(self._attempts, subject, self._most)
            return waits

    def forgive(self, subject: str) -> None:
        """Forget the attempts of `subject`."""
        with self._lock:
            self._attempts.pop(subject, None)

    def forget(self, subject: str) -> None:
        """Forget all that is kept of `subject`."""
        with self._lock:
            self._kept.pop(subject, None)
            self._attempts.pop(subject, None)


def _bound(kept: OrderedDict[str, T], subject: str, most: int) -> None:
    kept.move_to_end(subject)
    while len(kept) > most:
        kept.popitem(last=False)


def _now() -> int:
    return monotonic_ns() // 1000
