"""Statistics over all students, summed over the active catalogue from one document per chapter."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from backend.accounts.models import Viewer
from backend.chapters.models import Chapter
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.chapters.service import ChapterService
from backend.classrooms.models import ClassDays, Week
from backend.classrooms.report import WEEKS_LIMIT
from backend.classrooms.weeks import first_day, weekly
from backend.errors import Invalid, NotFound
from backend.kit.cache import Cache, CacheAnswer, Region, Warmer
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.policy import authorise
from backend.progress.rules import study_day
from backend.statistics.distribution import distribution
from backend.statistics.figure_queries import FigureQueries
from backend.statistics.models import (
    GROUPINGS,
    ChapterStatistics,
    Distribution,
    Grouping,
    Level,
    ProjectorHealth,
    SharedChapter,
    Statistics,
    StatisticsRow,
)
from backend.statistics.queries import ProjectorQueries, StatisticsQueries
from backend.statistics.shared_figure_service import FigureSharing
from backend.statistics.shared_figures import EVERYONE

STATISTICS = Region("statistics", dict[str, ChapterStatistics], ttl_seconds=10)
LEVELS = Region("statisticsLevels", tuple[Level, ...], ttl_seconds=60)
DAYS = Region("statisticsDays", ClassDays, ttl_seconds=10)
TAG = "statistics"


class StatisticsService:
    def __init__(
        self,
        queries: StatisticsQueries,
        figures: FigureQueries,
        projector: ProjectorQueries,
        chapters: ChapterService,
        cache: Cache,
        clock: Clock,
        sharing: FigureSharing,
    ) -> None:
        self._sharing = sharing
        self._queries = queries
        self._figures = figures
        self._projector = projector
        self._chapters = chapters
        self._cache = cache
        self._clock = clock

    def statistics(self, viewer: Viewer, group_by: str | Sequence[str] = "subject") -> Statistics:
        """Sums over active chapters, a row per group in syllabus order.

        Every chapter counts, also one that nobody has begun. Students are told what shared_figures.py lets them know,
        and read sums of that. Raises Invalid for an unknown or repeated grouping.
        """
        authorise(viewer, "statistics.statistics")
        grouping = checked(group_by)
        if viewer.role == "student":
            return self._shared_statistics(grouping)
        answer = self._every()
        return Statistics(
            group_by=grouping,
            rows=rows(self._chapters.active(), answer.value, grouping),
            as_of=self._as_of(answer),
        )

    def _shared_statistics(self, grouping: tuple[Grouping, ...]) -> Statistics:
        shared = self._sharing.figures_of(EVERYONE)
        known = {each.id: as_sums(each) for each in shared.chapters} if shared.is_told else {}
        return Statistics(
            group_by=grouping,
            rows=rows(self._chapters.active(), known, grouping, are_all_known=False),
            as_of=shared.as_of,
        )

    def chapter(self, viewer: Viewer, chapter_id: str) -> ChapterStatistics:
        """Return one active chapter; zeros if nobody has progress on it. For teachers and admins. Raises NotFound."""
        authorise(viewer, "statistics.chapter")
        chapter_id = self._chapters.get(chapter_id).id
        return self._every().value.get(chapter_id, ChapterStatistics(id=chapter_id))

    def distribution(self, viewer: Viewer, subject: str | None = None) -> Distribution:
        """Return the distribution of all students who ever saved anything, in one subject or all. Raises NotFound.

        At most a minute old: the only figure here that has to look at every student. For teachers and admins.
        """
        authorise(viewer, "statistics.distribution")
        chapters = chapters_of(self._chapters.active(), subject)
        answer = self.levels()
        students = sum(level.students for level in answer.value if level.subject is None)
        return distribution(answer.value, subject, len(chapters), students, self._as_of(answer))

    def weeks(self, viewer: Viewer, weeks: int = 12) -> tuple[Week, ...]:
        """Chapters completed and questions solved by all students per week, oldest first, the running week last.

        Weeks are of study days, Monday to Sunday. For teachers and admins. Raises Invalid.
        """
        authorise(viewer, "statistics.weeks")
        if not 1 <= weeks <= WEEKS_LIMIT:
            raise Invalid(_("Between 1 and {most} weeks can be shown.").format(most=WEEKS_LIMIT))
        today = study_day(self._clock.now(), viewer.time_zone, viewer.day_end_hour)
        since = first_day(today, weeks)
        found = self._cache.get_or_create(DAYS, str(since), lambda: self._figures.days(since), tags=[TAG]).value
        return weekly(found.days, today, weeks, has_earlier=found.has_earlier)

    def levels(self) -> CacheAnswer[tuple[Level, ...]]:
        """Return the number of students at each level, for services that have authorised the reader."""
        return self._cache.get_or_create(LEVELS, "all", self._figures.levels, tags=[CATALOGUE_TAG])

    def _as_of(self, answer: CacheAnswer[Any]) -> datetime:
        return self._clock.now() - timedelta(seconds=answer.age_seconds)

    def projector_health(self) -> ProjectorHealth:
        """Return which process keeps the statistics, and how far they are behind."""
        return self._projector.health()

    def warmed_by(self, warmer: Warmer) -> None:
        """Register the figures of all chapters with the cache warmer."""
        warmer.add(STATISTICS, {"all": self._every})

    def _every(self) -> CacheAnswer[dict[str, ChapterStatistics]]:
        return self._cache.get_or_create(STATISTICS, "all", self._queries.every, tags=[TAG])


def rows(
    chapters: Iterable[Chapter],
    known: Mapping[str, ChapterStatistics],
    grouping: Sequence[Grouping],
    *,
    are_all_known: bool = True,
) -> tuple[StatisticsRow, ...]:
    """A row per group of chapters, in the order in which they come.

    Where not all are known, a chapter that is not may have been begun or not: it is left out.
    """
    groups: dict[tuple[str, ...], list[Chapter]] = {}
    for chapter in chapters:
        groups.setdefault(tuple(_name(chapter, each) for each in grouping), []).append(chapter)
    return tuple(_row(group, known, grouping, are_all_known) for group in groups.values())


def as_sums(shared: SharedChapter) -> ChapterStatistics:
    """Return the shared figures of a chapter as sums, without any further detail."""
    return ChapterStatistics(
        id=shared.id,
        students=shared.students,
        completed=shared.completed,
        in_progress=shared.in_progress,
        weak=shared.weak,
        solved=shared.average_solved * shared.students,
    )


def chapters_of(chapters: Iterable[Chapter], subject: str | None) -> tuple[Chapter, ...]:
    """Return the chapters of one subject, or all. Raises NotFound for a subject without chapters."""
    found = tuple(chapter for chapter in chapters if subject in (None, chapter.subject))
    if subject is not None and not found:
        raise NotFound(_("There is no such subject."))
    return found


def _row(
    group: Sequence[Chapter], known: Mapping[str, ChapterStatistics], grouping: Sequence[Grouping], are_all_known: bool
) -> StatisticsRow:
    told = [known[chapter.id] for chapter in group if chapter.id in known and known[chapter.id].students]
    is_known, first, is_chapter = bool(told) or are_all_known, group[0], "chapter" in grouping
    records, solved = sum(each.students for each in told), sum(each.solved for each in told)
    return StatisticsRow(
        subject=first.subject if is_chapter or "subject" in grouping else None,
        class_=first.class_ if is_chapter or "class" in grouping else None,
        unit=first.unit if is_chapter or "unit" in grouping else None,
        chapter=first.chapter if is_chapter else None,
        chapter_id=first.id if is_chapter else None,
        chapters=len(group),
        left_out=0 if are_all_known else len(group) - len(told),
        students=records if is_chapter and is_known else None,
        completed=sum(each.completed for each in told) if is_known else None,
        in_progress=sum(each.in_progress for each in told) if is_known else None,
        weak=sum(each.weak for each in told) if is_known else None,
        solved=solved if is_known else None,
        average_solved=solved / records if records else None,
    )


def _name(chapter: Chapter, grouping: Grouping) -> str:
    names = {"subject": chapter.subject, "class": chapter.class_, "unit": chapter.unit, "chapter": chapter.id}
    return names[grouping]


def checked(group_by: str | Sequence[str]) -> tuple[Grouping, ...]:
    """The groupings as a tuple. Raises Invalid."""
    names = (group_by,) if isinstance(group_by, str) else group_by
    grouping = tuple(known for name in names for known in GROUPINGS if known == name)
    if not grouping or len(grouping) < len(names) or len(set(grouping)) < len(grouping):
        raise Invalid(_("Statistics can be grouped by subject, class, unit and chapter, each once."))
    return grouping
