"""Shapes of progress: one record, one change, what a save returns, and what a student's pages show."""

from datetime import date, datetime
from typing import Literal

import msgspec

from backend.chapters.models import Chapter, OwnProgress, Status
from backend.kit.model import Shape

SOLVED_LIMIT = 10_000
BATCH_LIMIT = 500


class Progress(OwnProgress, frozen=True, kw_only=True):
    """One student's record on one chapter. Absent in the database = these defaults with version 0."""

    chapter_id: str
    version: int = 0
    updated_at: datetime | None = None
    completed_at: datetime | None = None


class ProgressChange(Shape, frozen=True, kw_only=True):
    """A change of progress; None leaves a field as it is. `questions_delta` adds, `question_solved` sets.

    With `version`, the change is refused if the record has another version by now.
    """

    status: Status | None = None
    question_solved: int | None = None
    questions_delta: int | None = None
    is_weak_chapter: bool | None = None
    version: int | None = None


def change_of(fields: object) -> ProgressChange:
    """Return the change that a message or a form with fields of the same names asks for."""
    return ProgressChange(**{name: getattr(fields, name) for name in ProgressChange.__struct_fields__})


class Activity(Shape, frozen=True, kw_only=True):
    """One saved change: what was before, what is after, and the study day it counts for (unless imported)."""

    id: str
    chapter_id: str
    at: datetime
    study_day: date
    before: OwnProgress
    after: OwnProgress
    batch_id: str
    undoes: str | None = None
    is_imported: bool = msgspec.field(default=False, name="carried")  # its published name since the first version


class Saved(Shape, frozen=True, kw_only=True):
    """The result of a save. `batch_id` is what `undo` takes; `changed` is 0 where all stood so already."""

    batch_id: str
    at: datetime
    study_day: date
    progress: tuple[Progress, ...]
    changed: int


class ChapterRow(Shape, frozen=True, kw_only=True):
    """A chapter with the viewer's own progress beside it (None for those who keep none)."""

    chapter: Chapter
    own: Progress | None = None
    recent_total: int = 0
    exam_share: float = 0.0
    trend: Literal["rising", "falling", "steady"] = "steady"


Sort = Literal[
    "syllabus", "chapter", "subject", "class", "unit", "asked", "recent", "solved", "left", "status", "updated"
]  # fmt: skip


class ChapterFilters(Shape, frozen=True, kw_only=True):
    """Filters of a chapter list. `min_recent` asks for at least so many questions in the last three years."""

    subject: str | None = None
    class_: str | None = None
    unit: str | None = None
    status: Status | None = None
    weak_chapters: bool | None = None
    search: str = ""
    min_recent: int | None = None
    sort: Sort = "syllabus"
    descending: bool = False
    page: int = 1
    limit: int = 20
    after: str | None = None


class ChapterPage(Shape, frozen=True, kw_only=True):
    rows: tuple[ChapterRow, ...]
    total: int
    page: int
    limit: int
    total_pages: int
    next_cursor: str | None = None


class Facets(Shape, frozen=True, kw_only=True):
    """The values of the filters, in syllabus order. `units` maps "subject" to its units."""

    subjects: tuple[str, ...]
    classes: tuple[str, ...]
    units: dict[str, tuple[str, ...]]
    years: tuple[str, ...]


class ProgressCounts(Shape, frozen=True, kw_only=True):
    """`chapters` is the whole syllabus of the scope; not started = chapters − in_progress − completed."""

    chapters: int = 0
    completed: int = 0
    in_progress: int = 0
    weak: int = 0
    solved: int = 0

    @property
    def left(self) -> int:
        return max(0, self.chapters - self.completed)  # below 0 while a recount follows an archived chapter


class SubjectCounts(ProgressCounts, frozen=True, kw_only=True):
    subject: str


class Streak(Shape, frozen=True, kw_only=True):
    """Study days in a row. `is_today_done`: today already counts; `froze`: the weekly freeze bridged a day."""

    current: int = 0
    longest: int = 0
    is_today_done: bool = False
    froze: bool = False


class StudyDay(Shape, frozen=True, kw_only=True):
    """The work of one study day. `carried_…` came with a list from elsewhere: past work, not this day's."""

    day: date
    solved: int = 0
    completed: int = 0
    changes: int = 0
    carried_solved: int = 0
    carried_completed: int = 0


class Suggestion(Shape, frozen=True, kw_only=True):
    """A chapter worth studying next; `reason` is the sentence shown, `gap` is None where nothing is known yet."""

    chapter: Chapter
    own: Progress
    reason: str
    exam_share: float
    gap: float | None
    score: float


class Pace(Shape, frozen=True, kw_only=True):
    """Chapters completed in the last four weeks, carried on. `sentence` is what the page says."""

    completed_in_28_days: int
    chapters_left: int
    finish_on: date | None
    exam_date: date | None
    days_late: int | None
    sentence: str


class Summary(Shape, frozen=True, kw_only=True):
    """A student's kept totals: counts over the active catalogue, streak, last activity."""

    student_id: str
    total: ProgressCounts
    subjects: tuple[SubjectCounts, ...]
    streak: Streak
    last_activity_at: datetime | None = None
    studied_days: int = 0


class Home(Shape, frozen=True, kw_only=True):
    summary: Summary
    today: StudyDay
    daily_goal: int
    continue_with: tuple[ChapterRow, ...]
    study_next: tuple[Suggestion, ...]
    pace: Pace
    exam_date: date | None
    days_to_exam: int | None
    week_solved: int


class SyllabusNode(Shape, frozen=True, kw_only=True):
    """One chapter as a leaf of the syllabus map: where it stands, its exam weight and how far it is."""

    subject: str
    unit: str
    chapter: str
    chapter_id: str
    questions: int
    solved: int
    status: Status
    is_weak_chapter: bool


class CurvePoint(Shape, frozen=True, kw_only=True):
    day: date
    solved: int
    completed: int


class Insights(Shape, frozen=True, kw_only=True):
    """`days` has only the days with changes; `curve` is cumulative; coverage is a share from 0 to 1, or None."""

    summary: Summary
    first_day: date
    today: date
    days: tuple[StudyDay, ...]
    curve: tuple[CurvePoint, ...]
    syllabus: tuple[SyllabusNode, ...]
    coverage: float | None
    coverage_by_subject: dict[str, float]
    studied_days: int
    average_per_studied_day: float | None


class ChapterDetail(Shape, frozen=True, kw_only=True):
    row: ChapterRow
    history: tuple[Activity, ...] = ()
    previous_id: str | None = None
    next_id: str | None = None


class StreakRecord(Shape, frozen=True, kw_only=True):
    """The streak as kept: `current` counts up to `last_day`; `freeze_week` is the ISO week of the last freeze."""

    current: int = 0
    longest: int = 0
    last_day: date | None = None
    freeze_week: str | None = None


class CountedDay(Shape, frozen=True, kw_only=True):
    """The last day that work was counted for, and the settings by which it began."""

    day: date
    time_zone: str
    day_end_hour: int


class SummaryRecord(Shape, frozen=True, kw_only=True):
    """A student's summary as kept in the database. `recent` holds the last chapters worked on, newest first.

    `revision` grows with every change of what the boards show of the student.
    """

    id: str
    revision: int = 0
    total: ProgressCounts = ProgressCounts()
    subjects: tuple[SubjectCounts, ...] = ()
    streak: StreakRecord = StreakRecord()
    recent: tuple[str, ...] = ()
    studied_days: int = 0
    last_activity_at: datetime | None = None
    counted_day: CountedDay | None = None


class StudentRecord(Shape, frozen=True, kw_only=True):
    """All that a student's pages are computed from: one value, one cache entry."""

    summary: SummaryRecord
    progress: dict[str, Progress]
    days: tuple[StudyDay, ...]


class SaveContext(Shape, frozen=True, kw_only=True):
    """The context of a save. `batch` is what was saved under its id before: empty for a new one. Chapters that do not
    exist and records that do not are absent."""

    summary: SummaryRecord
    chapters: dict[str, Chapter]
    day: StudyDay
    batch: tuple[Activity, ...]
    records: dict[str, Progress]
