"""Figures of a group that students may see, as they were last published; shared_figures.py says when they change."""

from msgspec.structs import replace

from backend.chapters.service import ChapterService
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.statistics.models import SharedFigures
from backend.statistics.shared_figure_queries import SharedFigureQueries
from backend.statistics.shared_figures import FEWEST, enough_changed, figures, is_due, marks

SHARED = Region("sharedFigures", SharedFigures, ttl_seconds=60)


class FigureSharing:
    def __init__(self, queries: SharedFigureQueries, chapters: ChapterService, cache: Cache, clock: Clock) -> None:
        self._queries = queries
        self._chapters = chapters
        self._cache = cache
        self._clock = clock

    def figures_of(self, group: str) -> SharedFigures:
        """Return the figures of everyone or of a class that students may see; `is_told` is False if there are none."""
        return self._cache.get_or_create(SHARED, group, lambda: self._current(group)).value

    def _current(self, group: str) -> SharedFigures:
        told = self._queries.told(group)
        if told is not None and not is_due(told, self._clock.now()):
            return told
        self._renew(group, told)
        return self._queries.told(group) or figures(group, 0, {}, (), self._clock.now())

    def _renew(self, group: str, told: SharedFigures | None) -> None:
        now, known = self._clock.now(), self._queries.marks(group)
        cohort = self._queries.cohort(group, now)
        if len(cohort) < FEWEST:
            kept = told or figures(group, 0, {}, (), now)
            self._queries.tell(told, replace(kept, is_told=False, looked_at=now), known)
        elif told is None or enough_changed(known, marks(cohort)):
            sums = self._queries.sums(cohort)
            fresh = figures(group, len(cohort), sums, self._chapters.active(), now)
            self._queries.tell(told, fresh, marks(cohort))
        else:
            self._queries.tell(told, replace(told, is_told=True, looked_at=now), known)
