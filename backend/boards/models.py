"""Shapes of leaderboards: a board is a scope × a period × a measure."""

from datetime import date, datetime
from typing import Literal

from backend.kit.model import Shape

EVERYONE = "everyone"
Period = Literal["week", "month", "all"]
PERIODS: tuple[Period, ...] = ("week", "month", "all")
Measure = Literal["questions", "days"]
MEASURES: tuple[Measure, ...] = ("questions", "days")
ENTRY_LIMIT = 100


class BoardScope(Shape, frozen=True, kw_only=True):
    """A board that the viewer may open: `id` is "everyone" or a classroom's."""

    id: str
    name: str


class ParticipantScores(Shape, frozen=True, kw_only=True):
    """A participant's scores, before ranking. Never leaves the service: doors see entries.

    `revision` grows with every change of their work, name, choice and classes.
    """

    student_id: str
    name: str
    questions: int = 0
    days: int = 0
    revision: int = 0

    @property
    def scores(self) -> tuple[int, ...]:
        """The scores by measure. A negative sum counts as 0."""
        return tuple(max(0, score) for score in (self.questions, self.days))

    def score(self, measure: Measure) -> int:
        return self.scores[MEASURES.index(measure)]


class BoardState(Shape, frozen=True, kw_only=True):
    """The state of the kept boards that every reader checks: their generation, and whether a process keeps them."""

    epoch: int = 0
    is_kept: bool = False


class BoardEntry(Shape, frozen=True, kw_only=True):
    """One line of a board. `name` is the display name that the student chose; equal scores share a rank."""

    rank: int
    name: str
    score: int
    is_me: bool = False


class Board(Shape, frozen=True, kw_only=True):
    """`entries` is the top, `around` the viewer with their neighbours; `reason` says why both are empty.

    `first_day` and `last_day` bound the period in study days (None for all time).
    """

    scope: BoardScope
    period: Period
    measure: Measure
    entries: tuple[BoardEntry, ...] = ()
    around: tuple[BoardEntry, ...] = ()
    me: BoardEntry | None = None
    participants: int = 0
    first_day: date | None = None
    last_day: date | None = None
    reason: str | None = None
    as_of: datetime
