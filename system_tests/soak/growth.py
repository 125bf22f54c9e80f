"""Whether a process grew: what it held in the last quarter of its life beside what it held in the second.

The first quarter fills caches and pools. Databases fill caches that have a size, so they have a bound instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median

JUDGED_MINUTES = 30.0
MAY_GROW = 0.05  # of memory, files and threads
FEW = 4  # files and threads that may always come, as one connection more is no leak
LEAST_SAMPLES = 8
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """One look at one process and its children; seconds from the beginning."""

    at: float
    resident_bytes: int
    files: int
    threads: int


@dataclass(frozen=True)
class Bound:
    """The most that a process may hold whose caches grow with the data, up to a size that it was given."""

    resident_bytes: int
    files: int
    threads: int


BOUNDS = {
    "mongod": Bound(512 * MEBIBYTE, 1_000, 400),  # a cache of 256 MiB, and as much for a hundred connections and code
    "valkey": Bound(96 * MEBIBYTE, 200, 16),  # 64 MiB of data, and what replicas and clients wait for
}


@dataclass(frozen=True)
class Growth:
    """One process: medians of the second and of the last quarter of its life, its most, and its slope after the first.

    `grew` says what grew, and by how much; None where it did not live for long enough to be judged.
    """

    name: str
    minutes: float
    resident_bytes: tuple[float, float]
    files: tuple[float, float]
    threads: tuple[float, float]
    most_bytes: int
    bytes_per_hour: float | None
    grew: Sequence[str] | None


def growth(name: str, seen: Sequence[Sample]) -> Growth:
    """Of the samples of one process, which are in order. Raises ValueError where there are none."""
    if not seen:
        raise ValueError(f"{name} was never seen")
    minutes = (seen[-1].at - seen[0].at) / 60
    held = {what: _medians([getattr(each, what) for each in seen]) for what in ("resident_bytes", "files", "threads")}
    judged = minutes > JUDGED_MINUTES and len(seen) >= LEAST_SAMPLES
    bound = BOUNDS.get(name.partition("-")[0])
    grew = (_beyond(seen, bound) if bound else _grown(held)) if judged else None
    return Growth(
        name,
        minutes,
        **held,
        most_bytes=max(each.resident_bytes for each in seen),
        bytes_per_hour=_slope(seen),
        grew=grew,
    )


def _medians(values: Sequence[int]) -> tuple[float, float]:
    quarter = len(values) / 4
    second = values[int(quarter) : int(2 * quarter)] or values
    return float(median(second)), float(median(values[int(3 * quarter) :]))


def _grown(held: dict[str, tuple[float, float]]) -> list[str]:
    found = []
    for what, (earlier, later) in held.items():
        spare = FEW if what != "resident_bytes" else 0
        if later > max(earlier * (1 + MAY_GROW), earlier + spare):
            found.append(f"{_WORDS[what]} {later / max(1.0, earlier) - 1:+.0%}")
    return found


def _beyond(seen: Sequence[Sample], bound: Bound) -> list[str]:
    most = {what: max(getattr(each, what) for each in seen) for what in _WORDS}
    return [f"{words} beyond its bound" for what, words in _WORDS.items() if most[what] > getattr(bound, what)]


def _slope(seen: Sequence[Sample]) -> float | None:
    settled = seen[len(seen) // 4 :]
    if len(settled) < LEAST_SAMPLES:
        return None
    return linear_regression([each.at for each in settled], [each.resident_bytes for each in settled]).slope * 3600


_WORDS = {"resident_bytes": "memory", "files": "files", "threads": "threads"}
