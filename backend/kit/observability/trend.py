"""Detects a process that grows without end: a straight line through its last samples. Pure: measures nothing."""

import threading
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

HOUR_SECONDS = 3600.0
KEPT = 240  # samples: two hours of one each 30 s
FEWEST = 20
SPAN_SECONDS = 1800.0  # a shorter rise is a cache that fills or a class that begins
STEP = 8  # of the samples so many groups are made, whose medians no single peak moves


@dataclass(frozen=True)
class Slope:
    """Growth over `span_seconds`: from, to, and by how much an hour."""

    first: float
    last: float
    per_hour: float
    span_seconds: float
    is_steady: bool


class Growth:
    """The latest samples of one number. Thread-safe; times are seconds that only grow."""

    def __init__(self, *, span_seconds: float = SPAN_SECONDS, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._span_seconds = span_seconds
        self._samples: deque[tuple[float, float]] = deque(maxlen=kept)

    def add(self, at: float, value: float) -> None:
        """Note one sample."""
        with self._lock:
            self._samples.append((at, value))

    def slope(self) -> Slope | None:
        """Return the growth; None if too little is known. Steady: no group of samples lies below the one before it."""
        with self._lock:
            samples = list(self._samples)
        if len(samples) < FEWEST or samples[-1][0] - samples[0][0] < self._span_seconds:
            return None
        size = len(samples) / STEP
        groups = [samples[round(size * index) : round(size * (index + 1))] for index in range(STEP)]
        times = [median(at for at, _value in group) for group in groups]
        values = [median(value for _at, value in group) for group in groups]
        pairs = pairwise(values)
        return Slope(
            first=values[0],
            last=values[-1],
            per_hour=_middle_slope(times, values) * HOUR_SECONDS,
            span_seconds=samples[-1][0] - samples[0][0],
            is_steady=all(after >= before for before, after in pairs),
        )


def _middle_slope(times: list[float], values: list[float]) -> float:
    """The median of the slopes between all pairs (Theil 1950, Sen 1968)."""
    slopes = [
        (values[later] - values[earlier]) / (times[later] - times[earlier])
        for earlier in range(len(times))
        for later in range(earlier + 1, len(times))
    ]
    return median(slopes)
