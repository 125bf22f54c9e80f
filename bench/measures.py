"""What a measure is, what it must reach, and what it found. Nothing here measures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.school import Bench

Section = Literal["data", "pages", "reads"]
SECTIONS: tuple[Section, ...] = ("data", "pages", "reads")
Sense = Literal["at least", "at most"]
SIGNS: dict[Sense, str] = {"at least": "≥", "at most": "≤"}


@dataclass(frozen=True)
class Target:
    """What must be reached: "at least 100 ×", "at most 500 ms"."""

    sense: Sense
    limit: float
    unit: str = "×"

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.sense == "at least" else value <= self.limit

    def __str__(self) -> str:
        return f"{SIGNS[self.sense]} {self.limit:g} {self.unit}"


@dataclass(frozen=True)
class Result:
    """One line of the table: `value` is compared with the target, in its unit.

    `ours` and `against` are medians in seconds of the two sides of a ratio, where it has two; `samples` counts each
    side. `part` says which of a measure's reads this is; `note` whatever a reader must know about the figure.
    """

    value: float
    part: str = ""
    ours: float | None = None
    against: float | None = None
    samples: int = 0
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """A question with a target. `take(bench)` answers it with a line for each of its parts."""

    name: str
    section: Section
    question: str
    against: str
    target: Target
    take: Callable[["Bench"], Sequence[Result]]


def chosen(measures: Sequence[Measure], names: Sequence[str]) -> list[Measure]:
    """The measures of these names, a whole section by its name, or all. Raises LookupError for an unknown name."""
    known = {measure.name for measure in measures} | {measure.section for measure in measures}
    unknown = sorted(set(names) - known)
    if unknown:
        raise LookupError(f"there is no measure {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return [each for each in measures if not names or each.name in names or each.section in names]
