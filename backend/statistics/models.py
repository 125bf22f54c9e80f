"""Shapes of statistics over all students: one chapter's counts, rows summed from them, the projector's state."""

from datetime import date, datetime
from typing import Any, Literal

from backend.classrooms.models import Classroom, KeyFigures, Week
from backend.kit.model import Shape

Grouping = Literal["subject", "class", "unit", "chapter"]
GROUPINGS: tuple[Grouping, ...] = ("subject", "class", "unit", "chapter")


class ChapterStatistics(Shape, frozen=True, kw_only=True):
    """One chapter over all students. `students` counts who has any progress on it; `id` is the chapter's."""

    id: str
    students: int = 0
    completed: int = 0
    in_progress: int = 0
    weak: int = 0
    solved: int = 0

    @property
    def average_solved(self) -> float | None:
        """Questions solved per student with progress; None where there is none."""
        return self.solved / self.students if self.students else None


class StatisticsRow(Shape, frozen=True, kw_only=True):
    """Sums over active chapters. Names that were not grouped by are None.

    `students` is known for single chapters only (a student may work on many). `average_solved` is per student and
    chapter with progress, None where there is none; for a single chapter that is per student.

    `left_out` is how many chapters are in no sum because a student may know nothing of them; where nothing else is
    left, the sums are None.
    """

    subject: str | None = None
    class_: str | None = None
    unit: str | None = None
    chapter: str | None = None
    chapter_id: str | None = None
    chapters: int
    left_out: int = 0
    students: int | None = None
    completed: int | None
    in_progress: int | None
    weak: int | None
    solved: int | None
    average_solved: float | None


class Statistics(Shape, frozen=True, kw_only=True):
    group_by: tuple[Grouping, ...]
    rows: tuple[StatisticsRow, ...]
    as_of: datetime


class Level(Shape, frozen=True, kw_only=True):
    """How many students stand equally far in a subject, or in the whole syllabus where there is none.

    `solved` is the least number of its bin of questions.
    """

    subject: str | None = None
    completed: int
    solved: int
    students: int = 1


class Bin(Shape, frozen=True, kw_only=True):
    """One bar of a histogram: students from `least` to `most`, both included (None: and more)."""

    least: int
    most: int | None
    students: int


class Distribution(Shape, frozen=True, kw_only=True):
    """How students spread. `completion` is in percent of the chapters, `solved` in questions.

    Who never saved anything is not among everyone's students, but is among those of a class.
    """

    subject: str | None = None
    students: int
    chapters: int
    average_completed: float | None
    completion: tuple[Bin, ...]
    solved: tuple[Bin, ...]
    as_of: datetime


class Compared(Shape, frozen=True, kw_only=True):
    """One subject as a student stands in it beside others: shares of its chapters completed, from 0 to 1.

    None where too few others stand behind a figure (shared_figures.py). Others' shares are in steps.
    """

    subject: str
    own: float
    classes: float | None
    everyone: float | None


class Comparison(Shape, frozen=True, kw_only=True):
    """`classmates` and `students` are about how many count, None where they are too few to say anything."""

    rows: tuple[Compared, ...]
    classmates: int | None
    students: int | None
    as_of: datetime


class SharedChapter(Shape, frozen=True, kw_only=True):
    """A chapter as students may know it of others, in steps. `average_solved` is of those at work on it."""

    id: str
    students: int
    completed: int
    in_progress: int
    weak: int
    average_solved: int


class SharedSubject(Shape, frozen=True, kw_only=True):
    """The average share of a subject's chapters that members of a group completed, in steps."""

    subject: str
    completed: float


class SharedFigures(Shape, frozen=True, kw_only=True):
    """The figures of a group that students may see, computed at `as_of`; `looked_at` is when a renewal was last due.

    While `is_told` is False the group is too small, and nothing in here may be shown.
    """

    id: str
    is_told: bool
    students: int
    chapters: tuple[SharedChapter, ...]
    subjects: tuple[SharedSubject, ...]
    as_of: datetime
    looked_at: datetime

    def completed_of(self, subject: str) -> float | None:
        """The share of a subject; None where nothing of it was told."""
        return next((each.completed for each in self.subjects if each.subject == subject), None)


class OthersOnChapter(Shape, frozen=True, kw_only=True):
    """A student's own classes on a chapter, in steps: those at work on it, and what they solved on average."""

    students: int
    completed: int
    average_solved: int


class Deltas(Shape, frozen=True, kw_only=True):
    """The effect of one change, or many, on a chapter's statistics."""

    students: int = 0
    completed: int = 0
    in_progress: int = 0
    weak: int = 0
    solved: int = 0

    def __add__(self, other: "Deltas") -> "Deltas":
        return Deltas(
            students=self.students + other.students,
            completed=self.completed + other.completed,
            in_progress=self.in_progress + other.in_progress,
            weak=self.weak + other.weak,
            solved=self.solved + other.solved,
        )


class Change(Shape, frozen=True, kw_only=True):
    """One activity as the projector reads it. `token` marks the place in the stream just after it."""

    student_id: str
    chapter_id: str
    study_day: date
    deltas: Deltas
    is_imported: bool = False
    token: dict[str, Any]
    at: datetime


class Position(Shape, frozen=True, kw_only=True):
    """Up to where statistics are true: a token of the change stream, or the moment of a rebuild (seconds, count).

    `kinds` says which statistics were kept up to there: those of an older version lack some.
    """

    epoch: int = 0
    kinds: int = 0
    revision: int = 0
    token: dict[str, Any] | None = None
    rebuilt_at: tuple[int, int] | None = None


class ProjectorHealth(Shape, frozen=True, kw_only=True):
    """`owner` is None where no projector ever ran; `lag_seconds` is how far statistics are behind."""

    owner: str | None = None
    epoch: int = 0
    is_alive: bool = False
    lag_seconds: float | None = None


class ClassStatistics(Shape, frozen=True, kw_only=True):
    """Key figures of a class, sums by group, how its learners spread, and its last weeks, the running one last."""

    classroom: Classroom
    figures: KeyFigures
    group_by: tuple[Grouping, ...]
    rows: tuple[StatisticsRow, ...]
    distribution: Distribution
    weeks: tuple[Week, ...]
    as_of: datetime
