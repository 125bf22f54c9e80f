"""Record of a soak: acknowledged saves, and calls by minute, kind and outcome."""

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from time import monotonic

OK = "ok"


@dataclass(frozen=True)
class Ack:
    """An acknowledged save; the time is in monotonic seconds."""

    student_id: str
    chapter_id: str
    batch_id: str
    at: float

    @property
    def kept_as(self) -> str:
        """The idempotency key under which the database has it."""
        return f"{self.batch_id}:{self.chapter_id}"


class Ledger:
    """Thread-safe. Minutes count from when it was made."""

    def __init__(self) -> None:
        self.began = monotonic()
        self.acks: list[Ack] = []
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._mutex = threading.Lock()
        self._calls: defaultdict[int, Counter[tuple[str, str]]] = defaultdict(Counter)

    @property
    def minute(self) -> int:
        """The present one, from 0."""
        return int((monotonic() - self.began) // 60)

    def note(self, actor: str, outcome: str, seconds: float | None = None) -> None:
        """One call of an actor: "ok", or in a few words what came instead."""
        with self._mutex:
            self._calls[self.minute][actor, outcome] += 1
            if outcome == OK and seconds is not None:
                self.seconds[actor].append(seconds)

    def acknowledge(self, ack: Ack) -> None:
        """One save is promised to be kept."""
        with self._mutex:
            self.acks.append(ack)

    def calls(self) -> dict[int, Counter[tuple[str, str]]]:
        """Return the number of calls by minute, actor and outcome."""
        with self._mutex:
            return {minute: Counter(found) for minute, found in self._calls.items()}

    def longest_gap(self, since: float, until: float) -> float:
        """The longest time between two acknowledged saves of anybody, in seconds, within these moments."""
        times = sorted([since, *(ack.at for ack in tuple(self.acks) if since < ack.at < until), until])
        return max(later - earlier for earlier, later in pairwise(times))
