"""Statistics of single classes: by group, how its learners spread, and a student beside others. Reads only."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from backend.accounts.models import Viewer
from backend.chapters.service import ChapterService
from backend.classrooms.report import ClassroomReports, class_tags
from backend.classrooms.service import ClassroomService
from backend.kit.cache import Cache, CacheAnswer, Region
from backend.kit.clock import Clock
from backend.policy import authorise
from backend.progress import listing
from backend.progress.models import SummaryRecord
from backend.progress.service import ProgressService
from backend.statistics.distribution import distribution, levels
from backend.statistics.figure_queries import FigureQueries
from backend.statistics.models import (
    ChapterStatistics,
    ClassStatistics,
    Compared,
    Comparison,
    Distribution,
    OthersOnChapter,
    SharedFigures,
    Statistics,
)
from backend.statistics.service import chapters_of, checked, rows
from backend.statistics.shared_figure_service import FigureSharing
from backend.statistics.shared_figures import EVERYONE

CLASSES = Region("classStatistics", dict[str, ChapterStatistics], ttl_seconds=30)
WEEKS = 12
Sums = dict[str, ChapterStatistics]


class ClassStatisticsService:
    def __init__(
        self,
        queries: FigureQueries,
        sharing: FigureSharing,
        classrooms: ClassroomService,
        reports: ClassroomReports,
        progress: ProgressService,
        chapters: ChapterService,
        cache: Cache,
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._sharing = sharing
        self._classrooms = classrooms
        self._reports = reports
        self._progress = progress
        self._chapters = chapters
        self._cache = cache
        self._clock = clock

    def statistics(self, viewer: Viewer, classroom_id: str, group_by: str | Sequence[str] = "subject") -> Statistics:
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

    def overview(self, viewer: Viewer, classroom_id: str, group_by: str | Sequence[str] = "subject") -> ClassStatistics:
        """Return key figures, sums by group, distribution and the last twelve weeks. For its teacher and admins.

        Raises NotFound, Invalid.
        """
        authorise(viewer, "class_statistics.overview")
        sums = self.statistics(viewer, classroom_id, group_by)
        report = self._reports.report(viewer, classroom_id)
        return ClassStatistics(
            classroom=report.classroom,
            figures=report.figures,
            group_by=sums.group_by,
            rows=sums.rows,
            distribution=self.distribution(viewer, classroom_id),
            weeks=self._reports.completions_over_time(viewer, classroom_id, WEEKS),
            as_of=min(report.as_of, sums.as_of),
        )

    def distribution(self, viewer: Viewer, classroom_id: str, subject: str | None = None) -> Distribution:
        """Return the distribution of a class's learners, in one subject or all; with those who never saved anything.

        For its teacher and admins. Raises NotFound.
        """
        self._classrooms.taught(viewer, classroom_id, "class_statistics.distribution")
        chapters = chapters_of(self._chapters.active(), subject)
        learners = self._reports.learners_of(classroom_id)
        found = levels((record.summary for record in learners), [subject] if subject else [])
        return distribution(found, subject, len(chapters), len(learners), self._clock.now())

    def comparison(self, viewer: Viewer) -> Comparison:
        """Return a student's share of chapters completed by subject, beside their classes and everyone.

        Figures of others follow shared_figures.py: the day's figures of each class that is large enough.
        """
        authorise(viewer, "class_statistics.comparison")
        own = self._progress.record(viewer.id).summary
        everyone, classes = self._sharing.figures_of(EVERYONE), self._classes_told(viewer)
        return Comparison(
            rows=tuple(
                Compared(
                    subject=subject,
                    own=_own_share(own, subject, len(part)),
                    classes=_average((each.completed_of(subject), each.students) for each in classes),
                    everyone=everyone.completed_of(subject) if everyone.is_told else None,
                )
                for subject, part in listing.by_subject(self._chapters.active()).items()
            ),
            classmates=sum(each.students for each in classes) or None,
            students=everyone.students if everyone.is_told else None,
            as_of=min(each.as_of for each in (everyone, *classes)),
        )

    def chapter_average(self, viewer: Viewer, chapter_id: str) -> OthersOnChapter | None:
        """Return the average of a student's own classes on a chapter, by the day's figures; None if none is shared."""
        authorise(viewer, "class_statistics.chapter_average")
        chapter_id = self._chapters.get(chapter_id).id
        told = [each for group in self._classes_told(viewer) for each in group.chapters if each.id == chapter_id]
        average = _average((each.average_solved, each.students) for each in told)
        if average is None:
            return None
        return OthersOnChapter(
            students=sum(each.students for each in told),
            completed=sum(each.completed for each in told),
            average_solved=round(average),
        )

    def _classes_told(self, viewer: Viewer) -> list[SharedFigures]:
        found = (self._sharing.figures_of(classroom.id) for classroom in self._classrooms.classrooms(viewer))
        return [each for each in found if each.is_told]

    def _sums(self, classroom_ids: Sequence[str]) -> CacheAnswer[Sums]:
        return self._cache.get_or_create(
            CLASSES,
            ",".join(classroom_ids),
            lambda: self._queries.of_classes(classroom_ids),
            tags=class_tags(*classroom_ids),
        )


def _own_share(summary: SummaryRecord, subject: str, chapters: int) -> float:
    return sum(counts.completed for counts in summary.subjects if counts.subject == subject) / chapters


def _average(figures: Iterable[tuple[float | None, int]]) -> float | None:
    """The average of what was told of groups, by how many are in each; None where nothing was."""
    known = [(figure, students) for figure, students in figures if figure is not None and students]
    return sum(figure * students for figure, students in known) / sum(each[1] for each in known) if known else None
