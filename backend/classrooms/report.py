"""Reports on a class: the list, one learner, the matrix, weeks, averages. Reads only."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from backend.accounts.models import Viewer
from backend.accounts.observers import BOARDS_TAG
from backend.audit.trail import AuditTrail
from backend.chapters.models import Chapter, OwnProgress
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.chapters.service import ChapterService
from backend.classrooms import attention, matrix
from backend.classrooms.attention import Facts
from backend.classrooms.models import (
    URGENCY,
    ClassReport,
    KeyFigures,
    Learner,
    LearnerDetail,
    LearnerRecord,
    Matrix,
    Member,
    RecentActivity,
    Week,
)
from backend.classrooms.queries import ClassroomQueries, Version, Work
from backend.classrooms.service import ClassroomService
from backend.classrooms.weeks import first_day, weekly
from backend.errors import Invalid, NotFound
from backend.kit.cache import Cache, Region
from backend.kit.cache.memo import Memo
from backend.kit.cache.versioned_memo import VersionedMemo
from backend.kit.clock import Clock
from backend.kit.i18n import _, current_locale
from backend.kit.model import Shape
from backend.progress import listing, rules, weights
from backend.progress.models import Activity, ChapterRow, ProgressCounts, StudentRecord, StudyDay, SummaryRecord
from backend.progress.overview import from_summary, summarised
from backend.progress.service import ProgressService, classroom_tag


class Peers(Shape, frozen=True, kw_only=True):
    """The figure of a whole class that each learner is compared with."""

    quartile: float | None


MEMBERS = Region("classMembers", tuple[Member, ...], ttl_seconds=30)
PEERS = Region("classPeers", Peers, ttl_seconds=30, stale_seconds=0)

KEPT_DAYS = timedelta(days=36)  # four weeks of pace, and some for zones and a report that is open over midnight
ACTIVE_DAYS = 7
RECENT_LIMIT = 20
LEARNER_WEEKS = 8
WEEKS_LIMIT = 53
ONE_DAY = timedelta(days=1)
QUARTER_HOUR = 900
WHOLE = slice(None)
HELD = 1_000  # students whose data a process keeps: some ten classes


Known = tuple[LearnerRecord, ProgressCounts, Facts]


class ClassroomReports:
    """The read side of classrooms. A learner's figures are computed by the same code as on their own pages."""

    def __init__(
        self,
        queries: ClassroomQueries,
        classrooms: ClassroomService,
        progress: ProgressService,
        chapters: ChapterService,
        cache: Cache,
        clock: Clock,
        trail: AuditTrail,
    ) -> None:
        self._trail = trail
        self._queries = queries
        self._classrooms = classrooms
        self._progress = progress
        self._chapters = chapters
        self._cache = cache
        self._clock = clock
        self._work = VersionedMemo[Version, Work](queries.work, most=HELD)
        self._cells = VersionedMemo[Version, dict[str, OwnProgress]](queries.progress, most=HELD)
        self._standings = Memo[Known](most=HELD)
        self._learners = Memo[Learner](most=HELD)

    def report(self, viewer: Viewer, classroom_id: str) -> ClassReport:
        """Key figures and a row per learner, most in need of attention first. For its teacher and admins."""
        classroom, now = self._classrooms.taught(viewer, classroom_id, "reports.report"), self._clock.now()
        self._trail.record_view(viewer, "classroom.viewed", "classroom", classroom_id)
        known = self._known(classroom_id, now)
        quartile = attention.quartile(facts for _record, _counts, facts in known)
        learners = sorted(self._told(known, quartile), key=by_urgency)
        return ClassReport(
            classroom=classroom,
            figures=_figures(learners, known),
            learners=tuple(learners),
            as_of=now,
        )

    def _known(self, classroom_id: str, now: datetime) -> list[Known]:
        """Return the data of the report, computed again only for learners who saved since, or whose day has begun."""
        return self._known_of(self.members([classroom_id]), now)

    def _known_of(self, members: Sequence[Member], now: datetime) -> list[Known]:
        chapters, since = self._chapters.active(), _kept_since(now)
        work, sizes, known = (
            self._work.get(self._versions(members)),
            weights.weigh(chapters, now.year).sizes,
            list[Known](),
        )
        for member in members:
            own = work[member.id]
            today = _today(member, now, own[0])
            source = (member, own, today, since, sizes)
            make = partial(_standing, member, own, today, since, chapters)
            known.append(self._standings.get(member.id, source, make))
        return known

    def _told(self, known: Sequence[Known], quartile: float | None) -> list[Learner]:
        locale = current_locale()
        return [
            self._learners.get((each[0].member.id, locale), (each, quartile), partial(_learner, *each, quartile))
            for each in known
        ]

    def export(self, viewer: Viewer, classroom_id: str) -> ClassReport:
        """The report, to be taken away as a file: that it was taken is written down first."""
        classroom = self._classrooms.taught(viewer, classroom_id, "reports.export")
        self._trail.record(viewer, "classroom.exported", "classroom", classroom.id)
        return self.report(viewer, classroom_id)

    def learner(self, viewer: Viewer, classroom_id: str, student_id: str) -> LearnerDetail:
        """Return one learner for the panel beside the list. Raises NotFound for a person who is not in this class."""
        self._classrooms.taught(viewer, classroom_id, "reports.learner")
        now = self._clock.now()
        member = next((each for each in self.members([classroom_id]) if each.id == student_id), None)
        if member is None:
            raise NotFound(_("There is no such student in this class."))
        self._trail.record_view(viewer, "classroom.viewed", "classroom", classroom_id)
        self._trail.record_view(viewer, "student.viewed", "user", student_id)
        record, chapters = self._progress.record(student_id), self._chapters.active()
        today = _today(member, now, record.summary)
        (row,) = self._told(self._known_of([member], now), self._peers(classroom_id, now).quartile)
        return LearnerDetail(
            learner=row,
            summary=summarised(record, chapters, today),
            recent=self._recent(student_id),
            weak_chapters=_weak(record, chapters, today.year),
            weeks=weekly(record.days, today, LEARNER_WEEKS),
            as_of=now,
        )

    def _peers(self, classroom_id: str, now: datetime) -> Peers:
        def load() -> Peers:
            known = self._known(classroom_id, now)
            return Peers(quartile=attention.quartile(facts for _record, _counts, facts in known))

        key = f"{classroom_id} {int(now.timestamp()) // QUARTER_HOUR}"  # a study day begins at one, in any zone
        return self._cache.get_or_create(PEERS, key, load, tags=class_tags(classroom_id)).value

    def matrix(self, viewer: Viewer, classroom_id: str, subject: str | None = None, part: slice = WHOLE) -> Matrix:
        """Return learners by name × active chapters, of one subject or all; `part` of the chapters alone."""
        classroom, now = self._classrooms.taught(viewer, classroom_id, "reports.matrix"), self._clock.now()
        self._trail.record_view(viewer, "classroom.viewed", "classroom", classroom_id)
        members = self.members([classroom_id])
        records = self._cells.get(self._versions(members))
        chapters = [each for each in self._chapters.active() if subject is None or each.subject == subject]
        return Matrix(
            classroom=classroom,
            subject=subject,
            total=len(chapters),
            columns=matrix.columns(members, chapters[part], records),
            rows=matrix.rows(members, chapters[part], records),
            as_of=now,
        )

    def completions_over_time(self, viewer: Viewer, classroom_id: str, weeks: int = 12) -> tuple[Week, ...]:
        """Chapters completed and questions solved per week, oldest first, the running week last."""
        self._classrooms.taught(viewer, classroom_id, "reports.completions_over_time")
        if not 1 <= weeks <= WEEKS_LIMIT:
            raise Invalid(_("Between 1 and {most} weeks can be shown.").format(most=WEEKS_LIMIT))
        today = self._progress.today(viewer)
        since = first_day(today, weeks)
        work = self._work.get(self._versions(self.members([classroom_id]))).values()
        days = [day for _summary, own in work for day in own[_place(own, since) :]]
        has_earlier = any(own and own[0].day < since for _summary, own in work)
        return weekly(days, today, weeks, has_earlier=has_earlier)

    def learners_of(self, classroom_id: str) -> tuple[LearnerRecord, ...]:
        """Return the present records of a class's learners, for services that have authorised the reader."""
        members, since = self.members([classroom_id]), _kept_since(self._clock.now())
        work = self._work.get(self._versions(members))
        return tuple(_record(member, *work[member.id], since) for member in members)

    def members(self, classroom_ids: Sequence[str]) -> tuple[Member, ...]:
        """The active students of these classes, each once, for services that have authorised the reader."""
        return self._cache.get_or_create(
            MEMBERS,
            ",".join(classroom_ids),
            lambda: self._queries.members(classroom_ids),
            tags=[BOARDS_TAG],  # invalidated by joining, leaving and a change of name, not by work
        ).value

    def _versions(self, members: Sequence[Member]) -> dict[str, Version]:
        return self._queries.versions([member.id for member in members])

    def _recent(self, student_id: str) -> tuple[RecentActivity, ...]:
        known = {chapter.id: chapter for chapter in self._chapters.every()}
        found = self._queries.recent_activity(student_id, RECENT_LIMIT)
        return tuple(_named(each, known[each.chapter_id]) for each in found if each.chapter_id in known)


def class_tags(*classroom_ids: str) -> list[str]:
    """Cache tags of what is computed from these classes' learners and their work."""
    return [*(classroom_tag(each) for each in classroom_ids), BOARDS_TAG, CATALOGUE_TAG]


def _record(member: Member, summary: SummaryRecord, days: tuple[StudyDay, ...], since: date) -> LearnerRecord:
    return LearnerRecord(member=member, summary=summary, days=days[_place(days, since) :])


def _place(days: Sequence[StudyDay], since: date) -> int:
    """Return the index of the first day from `since` on, in sorted days."""
    return bisect_left(days, since, key=lambda each: each.day)


def _today(member: Member, now: datetime, summary: SummaryRecord) -> date:
    return rules.counted_for(now, member.time_zone, member.day_end_hour, summary)


def _kept_since(now: datetime) -> date:
    return (now - KEPT_DAYS).date()


def _standing(member: Member, own: Work, today: date, since: date, chapters: Sequence[Chapter]) -> Known:
    record = _record(member, *own, since)
    counts = from_summary(record.summary, chapters, today).total
    return record, counts, attention.facts(record, today, counts.left)


def _learner(record: LearnerRecord, counts: ProgressCounts, facts: Facts, quartile: float | None) -> Learner:
    solved, before, _earlier = facts.solved_by_week
    reasons = attention.reasons(facts, quartile)
    has_data = record.summary.last_activity_at is not None
    return Learner(
        id=record.member.id,
        name=record.member.name,
        counts=counts,
        solved_7_days=solved if has_data else None,
        change_7_days=solved - before if has_data else None,
        last_activity_at=record.summary.last_activity_at,
        joined_at=record.member.joined_at,
        flag=attention.flag(facts, reasons),
        reasons=reasons,
    )


def _figures(learners: Sequence[Learner], known: Sequence[Known]) -> KeyFigures:
    shares = [counts.completed / counts.chapters for _record, counts, _facts in known if counts.chapters]
    quiet = [facts.quiet_days for _record, _counts, facts in known]
    return KeyFigures(
        learners=len(learners),
        active_7_days=sum(days is not None and days < ACTIVE_DAYS for days in quiet),
        average_completed=sum(shares) / len(shares) if shares else None,
        solved_7_days=sum(each.solved_7_days or 0 for each in learners),
        flagged=sum(each.flag in ("watch", "at risk") for each in learners),
        at_risk=sum(each.flag == "at risk" for each in learners),
    )


def by_urgency(learner: Learner) -> tuple[int, str, str]:
    """Return the sort key of learners: those most in need of attention first, then by name."""
    return URGENCY[learner.flag], learner.name.casefold(), learner.id


def _weak(record: StudentRecord, chapters: Sequence[Chapter], this_year: int) -> tuple[ChapterRow, ...]:
    rows = listing.rows(chapters, record.progress, this_year)
    return tuple(row for row in rows if row.own and row.own.is_weak_chapter)


def _named(activity: Activity, chapter: Chapter) -> RecentActivity:
    return RecentActivity(
        at=activity.at,
        study_day=activity.study_day,
        chapter_id=chapter.id,
        chapter=chapter.chapter,
        subject=chapter.subject,
        before=activity.before,
        after=activity.after,
        is_undo=activity.undoes is not None,
    )
