"""Timing two sides of a ratio in one run: A B, B A, A B … so that a slow minute of the machine meets both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

Call = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Seconds of each call of the two sides."""

    ours: list[float] = field(default_factory=list)
    against: list[float] = field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float]:
        return median(self.ours), median(self.against)

    @property
    def samples(self) -> int:
        """Of the side that has fewer."""
        return min(len(self.ours), len(self.against))


def seconds(call: Call) -> float:
    """How long one call takes."""
    began = perf_counter()
    call()
    return perf_counter() - began


def interleaved(
    ours: Call, against: Call, *, rounds: int, budget_seconds: float, ours_each: int = 1, fewest: int = 3
) -> Pair:
    """Both sides after a warm-up of each, in turns, until `rounds` or the budget is spent (never fewer than `fewest`).

    `ours_each` calls of ours stand in each round beside one of the other, where the other is far slower.
    """
    pair, began = Pair(), perf_counter()
    ours()
    against()
    for turn in range(rounds):
        sides = [(ours, pair.ours)] * ours_each + [(against, pair.against)]
        for call, kept in sides if turn % 2 == 0 else reversed(sides):
            kept.append(seconds(call))
        if turn + 1 >= fewest and perf_counter() - began > budget_seconds:
            break
    return pair


def alternating(ours: Callable[[], float], against: Callable[[], float], *, rounds: int) -> Pair:
    """Return what both sides measure of themselves, in turns, after one of each that does not count."""
    pair = Pair()
    ours()
    against()
    for turn in range(rounds):
        sides = [(ours, pair.ours), (against, pair.against)]
        for measure, kept in sides if turn % 2 == 0 else reversed(sides):
            kept.append(measure())
    return pair


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed. Raises IndexError where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
