"""The data of a student's pages, computed from one record and the catalogue: home, lists, insights."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec.structs import asdict, replace

from backend.accounts.models import Viewer
from backend.chapters.models import Chapter
from backend.chapters.service import ChapterService
from backend.kit.clock import Clock
from backend.policy import authorise
from backend.progress import listing, plan, rules, streak, weights
from backend.progress.models import (
    ChapterDetail,
    ChapterFilters,
    ChapterPage,
    ChapterRow,
    CurvePoint,
    Facets,
    Home,
    Insights,
    Progress,
    ProgressCounts,
    StudentRecord,
    StudyDay,
    SubjectCounts,
    Summary,
    SummaryRecord,
    SyllabusNode,
)
from backend.progress.service import ProgressService

WEEK = timedelta(days=7)
YEAR = timedelta(days=364)


class ProgressOverview:
    """The reading side of progress; a teacher's view of a student is computed here as well."""

    def __init__(self, progress: ProgressService, chapters: ChapterService, clock: Clock) -> None:
        self._progress = progress
        self._chapters = chapters
        self._clock = clock

    def chapters(self, viewer: Viewer | None, filters: ChapterFilters) -> ChapterPage:
        """The chapters that fit, with own progress for a student, without for anyone else."""
        if viewer:
            authorise(viewer, "overview.chapters")
        return listing.select(self._rows(viewer), filters)

    def rows(self, viewer: Viewer | None, ids: Sequence[str]) -> tuple[ChapterRow, ...]:
        """The chapters of `ids`, in that order; a chapter that has left the syllabus is left out."""
        if viewer:
            authorise(viewer, "overview.rows")
        by_id = {row.chapter.id: row for row in self._rows(viewer)}
        return tuple(by_id[each] for each in ids if each in by_id)

    def rows_that_fit(self, viewer: Viewer | None, filters: ChapterFilters) -> tuple[ChapterRow, ...]:
        """As `chapters`, all pages together."""
        if viewer:
            authorise(viewer, "overview.rows_that_fit")
        return listing.that_fit(self._rows(viewer), filters)

    def facets(self) -> Facets:
        """Return the values by which the catalogue can be filtered."""
        return listing.facets(self._chapters.active(), self._clock.now().year)

    def chapter(self, viewer: Viewer | None, chapter_id: str) -> ChapterDetail:
        """One chapter with its neighbours in the syllabus, and a student's own record and history."""
        if viewer:
            authorise(viewer, "overview.chapter")
        chapters, chapter = self._chapters.active(), self._chapters.get(chapter_id)
        ids = [each.id for each in chapters]
        position = ids.index(chapter.id)
        is_student = viewer is not None and viewer.role == "student"
        return ChapterDetail(
            row=listing.row(chapter, chapters, self._own(viewer), self._clock.now().year),
            history=self._progress.history(viewer, chapter_id) if viewer and is_student else (),
            previous_id=ids[position - 1] if position else None,
            next_id=ids[position + 1] if position + 1 < len(ids) else None,
        )

    def home(self, viewer: Viewer) -> Home:
        """Everything on a student's first screen."""
        authorise(viewer, "overview.home")
        record, chapters, today = (
            self._progress.record(viewer.id),
            self._chapters.active(),
            self._progress.today(viewer),
        )
        summary = summarised(record, chapters, today)
        days = {day.day: day for day in record.days}
        exam = viewer.exam_date
        return Home(
            summary=summary,
            today=days.get(today, StudyDay(day=today)),
            daily_goal=viewer.daily_goal,
            continue_with=self.rows(viewer, record.summary.recent),
            study_next=plan.study_next(chapters, record.progress, today.year),
            pace=plan.pace(_completed_since(record, today - timedelta(days=27)), summary.total.left, today, exam),
            exam_date=exam,
            days_to_exam=(exam - today).days if exam and exam >= today else None,
            week_solved=solved_between(record.days, today - WEEK + timedelta(days=1), today),
        )

    def insights(self, viewer: Viewer) -> Insights:
        """Calendar of a year, cumulative curve, syllabus map and weighted coverage of the viewer's own work."""
        authorise(viewer, "overview.insights")
        record, chapters, today = (
            self._progress.record(viewer.id),
            self._chapters.active(),
            self._progress.today(viewer),
        )
        studied = [day for day in record.days if rules.counts_as_studied(day)]
        shares = weights.weigh(chapters, today.year).shares
        covered = {
            subject: plan.coverage(part, record.progress, shares)
            for subject, part in listing.by_subject(chapters).items()
        }
        return Insights(
            summary=summarised(record, chapters, today),
            first_day=today - YEAR,
            today=today,
            days=tuple(day for day in record.days if today - YEAR <= day.day <= today),
            curve=_curve(record.days),
            syllabus=tuple(_node(row) for row in listing.rows(chapters, record.progress, today.year)),
            coverage=plan.coverage(chapters, record.progress, shares),
            coverage_by_subject={subject: share for subject, share in covered.items() if share is not None},
            studied_days=len(studied),
            average_per_studied_day=sum(day.solved for day in studied) / len(studied) if studied else None,
        )

    def summary(self, viewer: Viewer) -> Summary:
        """The viewer's own totals."""
        authorise(viewer, "overview.summary")
        record = self._progress.record(viewer.id)
        return summarised(record, self._chapters.active(), self._progress.today(viewer))

    def _rows(self, viewer: Viewer | None) -> tuple[ChapterRow, ...]:
        return listing.rows(self._chapters.active(), self._own(viewer), self._clock.now().year)

    def _own(self, viewer: Viewer | None) -> Mapping[str, Progress] | None:
        return self._progress.record(viewer.id).progress if viewer and viewer.role == "student" else None


def summarised(record: StudentRecord, chapters: Sequence[Chapter], today: date) -> Summary:
    """The kept summary with the size of the syllabus beside it: every subject that has chapters appears."""
    return from_summary(record.summary, chapters, today)


def from_summary(kept: SummaryRecord, chapters: Sequence[Chapter], today: date) -> Summary:
    """A student's totals as every page, table and export shows them."""
    known = {counts.subject: counts for counts in kept.subjects}
    subjects = tuple(
        replace(known.get(subject, SubjectCounts(subject=subject)), chapters=size)
        for subject, size in weights.weigh(chapters, today.year).sizes.items()
    )
    return Summary(
        student_id=kept.id,
        total=ProgressCounts(**(asdict(kept.total) | {"chapters": len(chapters)})),
        subjects=subjects,
        streak=streak.as_of(kept.streak, today),
        last_activity_at=kept.last_activity_at,
        studied_days=kept.studied_days,
    )


def solved_between(days: Sequence[StudyDay], first: date, last: date) -> int:
    """Questions solved on the study days from `first` to `last`, both included; never below 0."""
    return max(0, sum(day.solved for day in days if first <= day.day <= last))


def _completed_since(record: StudentRecord, first: date) -> int:
    return max(0, sum(day.completed for day in record.days if day.day >= first))


def _curve(days: Sequence[StudyDay]) -> tuple[CurvePoint, ...]:
    points, solved, completed = [], 0, 0
    for day in days:
        solved += day.solved + day.carried_solved
        completed += day.completed + day.carried_completed
        points.append(CurvePoint(day=day.day, solved=solved, completed=completed))
    return tuple(points)


def _node(row: ChapterRow) -> SyllabusNode:
    own = row.own
    return SyllabusNode(
        subject=row.chapter.subject,
        unit=row.chapter.unit,
        chapter=row.chapter.chapter,
        chapter_id=row.chapter.id,
        questions=row.chapter.question_total,
        solved=own.question_solved if own else 0,
        status=own.status if own else "Not Started",
        is_weak_chapter=own.is_weak_chapter if own else False,
    )
