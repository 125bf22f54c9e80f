"""Shapes of a teacher's groups: the classroom, its report, one learner, the matrix, weeks and averages."""

from datetime import date, datetime
from typing import Literal

from backend.chapters.models import Chapter, OwnProgress
from backend.kit.model import Shape
from backend.progress.models import ChapterRow, ProgressCounts, StudyDay, Summary, SummaryRecord

NAME_LENGTH = 80
BoardMode = Literal["off", "opt-in"]
BOARD_MODES: tuple[BoardMode, ...] = ("off", "opt-in")
Flag = Literal["on track", "watch", "at risk"]
URGENCY: dict[Flag | None, int] = {"at risk": 0, "watch": 1, "on track": 2, None: 3}  # the most urgent first


class Classroom(Shape, frozen=True, kw_only=True):
    """A teacher's group. `join_code` is as people type it ("ABCD-EFGH"), None where the reader may not see it."""

    id: str
    name: str
    teacher_ids: tuple[str, ...] = ()
    join_code: str | None = None
    board_mode: BoardMode = "opt-in"
    created_at: datetime
    archived_at: datetime | None = None


class Member(Shape, frozen=True, kw_only=True):
    """An active student of a classroom; `known_since` is when they joined their first class."""

    id: str
    name: str
    time_zone: str
    day_end_hour: int = 0
    exam_date: date | None = None
    joined_at: datetime
    known_since: datetime


class LearnerRecord(Shape, frozen=True, kw_only=True):
    """The data for one row of a report: the kept summary and the study days of the last five weeks."""

    member: Member
    summary: SummaryRecord
    days: tuple[StudyDay, ...] = ()


class Learner(Shape, frozen=True, kw_only=True):
    """One row of the class table.

    `solved_7_days` and `change_7_days` (against the seven days before) are None for who never saved anything;
    `flag` is None for who joined less than 14 days ago; each reason is a plain sentence.
    """

    id: str
    name: str
    counts: ProgressCounts
    solved_7_days: int | None = None
    change_7_days: int | None = None
    last_activity_at: datetime | None = None
    joined_at: datetime
    flag: Flag | None = None
    reasons: tuple[str, ...] = ()


class KeyFigures(Shape, frozen=True, kw_only=True):
    """`average_completed` is a share from 0 to 1, None for a class without learners; `flagged` = watch + at risk."""

    learners: int
    active_7_days: int
    average_completed: float | None
    solved_7_days: int
    flagged: int
    at_risk: int


class ClassReport(Shape, frozen=True, kw_only=True):
    classroom: Classroom
    figures: KeyFigures
    learners: tuple[Learner, ...]
    as_of: datetime


class RecentActivity(Shape, frozen=True, kw_only=True):
    """One saved change of a learner, with the chapter's names beside it."""

    at: datetime
    study_day: date
    chapter_id: str
    chapter: str
    subject: str
    before: OwnProgress
    after: OwnProgress
    is_undo: bool = False


class Week(Shape, frozen=True, kw_only=True):
    """A week from Monday on. None where nobody had saved anything yet: no data is not 0."""

    first_day: date
    completed: int | None = None
    solved: int | None = None


class LearnerDetail(Shape, frozen=True, kw_only=True):
    """One learner beside the list: `learner` is the same row as in the report."""

    learner: Learner
    summary: Summary
    recent: tuple[RecentActivity, ...]
    weak_chapters: tuple[ChapterRow, ...]
    weeks: tuple[Week, ...]
    as_of: datetime


class MatrixColumn(Shape, frozen=True, kw_only=True):
    """A chapter with its footer: how many learners stand where."""

    chapter: Chapter
    completed: int
    in_progress: int
    weak: int


class MatrixRow(Shape, frozen=True, kw_only=True):
    """A learner's cells in the order of the columns; None = never touched ("no data")."""

    id: str
    name: str
    cells: tuple[OwnProgress | None, ...]


class Matrix(Shape, frozen=True, kw_only=True):
    """Learners × chapters; `total` counts the chapters, of which `columns` may be a part."""

    classroom: Classroom
    subject: str | None
    total: int
    columns: tuple[MatrixColumn, ...]
    rows: tuple[MatrixRow, ...]
    as_of: datetime


class ClassDays(Shape, frozen=True, kw_only=True):
    """The study days of a whole class added up, from some day on; `has_earlier`: there are days before that."""

    days: tuple[StudyDay, ...]
    has_earlier: bool
