"""Statistics over all students, summed over the active catalogue from one document per chapter."""

from collections.abc import Sequence

from backend.accounts.models import Viewer
from backend.statistics.models import ChapterStatistics, Grouping, ProjectorHealth, Statistics


class StatisticsService:
    def statistics(self, viewer: Viewer, group_by: Grouping | Sequence[Grouping] = "subject") -> Statistics:
        """Rows in syllabus order, one per group. Raises Invalid for an unknown or repeated grouping."""
        raise NotImplementedError

    def chapter(self, viewer: Viewer, chapter_id: str) -> ChapterStatistics:
        """One active chapter; zeros where nobody has progress on it yet. Raises NotFound."""
        raise NotImplementedError

    def projector_health(self) -> ProjectorHealth:
        """Who keeps the statistics, and how far they are behind."""
        raise NotImplementedError
