"""Statistics of single classes: by group, how its learners spread, and a student beside others. Reads only."""

from collections.abc import Sequence
from datetime import timedelta

from backend.accounts.models import Viewer
from backend.chapters.models import Chapter
from backend.chapters.service import ChapterService
from backend.classrooms.report import FEWEST_CLASSMATES, ClassroomReports, class_tags
from backend.classrooms.service import ClassroomService
from backend.kit.cache import Answer, Cache, Region
from backend.kit.clock import Clock
from backend.policy import authorise
from backend.progress.models import SummaryRecord
from backend.progress.service import ProgressService
from backend.statistics.distribution import average_completed, distribution, levels
from backend.statistics.figure_queries import FigureQueries
from backend.statistics.models import (
    ChapterStatistics,
    Compared,
    Comparison,
    Distribution,
    Grouping,
    Level,
    Statistics,
)
from backend.statistics.service import StatisticsService, chapters_of, checked, rows

CLASSES = Region("classStatistics", dict[str, ChapterStatistics], ttl_seconds=30)
Sums = dict[str, ChapterStatistics]


class ClassStatisticsService:
    def __init__(
        self,
        queries: FigureQueries,
        statistics: StatisticsService,
        classrooms: ClassroomService,
        reports: ClassroomReports,
        progress: ProgressService,
        chapters: ChapterService,
        cache: Cache,
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._statistics = statistics
        self._classrooms = classrooms
        self._reports = reports
        self._progress = progress
        self._chapters = chapters
        self._cache = cache
        self._clock = clock

    def statistics(
        self, viewer: Viewer, classroom_id: str, group_by: Grouping | Sequence[Grouping] = "subject"
    ) -> Statistics:
        """Sums over active chapters for one class, as StatisticsService gives them for everyone.

        For its teacher and admins. Raises NotFound, Invalid.
        """
        self._classrooms.taught(viewer, classroom_id, "class_statistics.statistics")
        grouping = checked(group_by)
        answer = self._sums([classroom_id])
        return Statistics(
            group_by=grouping,
            rows=rows(self._chapters.active(), answer.value, grouping),
            as_of=self._clock.now() - timedelta(seconds=answer.age_seconds),
        )

    def distribution(self, viewer: Viewer, classroom_id: str, subject: str | None = None) -> Distribution:
        """How the learners of a class spread, in one subject or all; also who never saved anything.

        For its teacher and admins. Raises NotFound.
        """
        self._classrooms.taught(viewer, classroom_id, "class_statistics.distribution")
        chapters = chapters_of(self._chapters.active(), subject)
        learners = self._reports.learners_of(classroom_id)
        found = levels((record.summary for record in learners), [subject] if subject else [])
        return distribution(found, subject, len(chapters), len(learners), self._clock.now())

    def comparison(self, viewer: Viewer) -> Comparison:
        """A student's share of chapters completed by subject, beside her classes and everyone, herself included.

        Nothing is said of fewer than five others: an average of so few would tell of single people.
        """
        authorise(viewer, "class_statistics.comparison")
        chapters = self._chapters.active()
        own = self._progress.record(viewer.id).summary
        everyone = self._statistics.levels()
        students = sum(level.students for level in everyone.value if level.subject is None)
        others = _enough(students - (own.last_activity_at is not None))
        classroom_ids = sorted(classroom.id for classroom in self._classrooms.classrooms(viewer))
        members = {member.id for member in self._reports.members(classroom_ids)} if classroom_ids else set()
        classmates = _enough(len(members - {viewer.id}))
        sums = self._sums(classroom_ids).value if classmates else {}
        return Comparison(
            rows=tuple(
                Compared(
                    subject=subject,
                    own=_own_share(own, subject, len(part)),
                    classes=_class_share(sums, part, len(members)) if classmates else None,
                    everyone=_everyones_share(everyone.value, subject, len(part), students) if others else None,
                )
                for subject, part in _by_subject(chapters).items()
            ),
            classmates=classmates,
            students=others,
            as_of=self._clock.now() - timedelta(seconds=everyone.age_seconds),
        )

    def _sums(self, classroom_ids: Sequence[str]) -> Answer[Sums]:
        return self._cache.get_or_create(
            CLASSES,
            ",".join(classroom_ids),
            lambda: self._queries.of_classes(classroom_ids),
            tags=class_tags(*classroom_ids),
        )


def _enough(others: int) -> int | None:
    return others if others >= FEWEST_CLASSMATES else None


def _by_subject(chapters: Sequence[Chapter]) -> dict[str, list[Chapter]]:
    subjects: dict[str, list[Chapter]] = {}
    for chapter in chapters:
        subjects.setdefault(chapter.subject, []).append(chapter)
    return subjects


def _own_share(summary: SummaryRecord, subject: str, chapters: int) -> float:
    return sum(counts.completed for counts in summary.subjects if counts.subject == subject) / chapters


def _class_share(sums: Sums, chapters: Sequence[Chapter], members: int) -> float:
    completed = sum(sums[chapter.id].completed for chapter in chapters if chapter.id in sums)
    return completed / (len(chapters) * members)


def _everyones_share(found: Sequence[Level], subject: str, chapters: int, students: int) -> float | None:
    return average_completed([level for level in found if level.subject == subject], chapters, students)
