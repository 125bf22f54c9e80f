"""Shapes of leaderboards: a board is a scope × a period × a measure."""

from datetime import date, datetime
from typing import Literal

from backend.kit.shape import Shape

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


class Standing(Shape, frozen=True, kw_only=True):
    """A participant's score, before ranking. Never leaves the service: doors see entries."""

    student_id: str
    name: str
    score: int


class BoardEntry(Shape, frozen=True, kw_only=True):
    """One line of a board. `name` is the display name that the student chose; equal scores share a rank."""

    rank: int
    name: str
    score: int
    is_me: bool = False


class Board(Shape, frozen=True, kw_only=True):
    """`entries` is the top, `around` the viewer with her neighbours; `reason` says why both are empty.

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
