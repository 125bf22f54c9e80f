"""Leaderboards by choice: only participants are on them, under the names they chose."""

from datetime import timedelta
from typing import NamedTuple

from backend.accounts.models import Viewer
from backend.accounts.observers import BOARDS_TAG
from backend.boards import ranking
from backend.boards.board_store import BoardStore
from backend.boards.models import (
    ENTRY_LIMIT,
    EVERYONE,
    MEASURES,
    PERIODS,
    Board,
    BoardEntry,
    BoardScope,
    Measure,
    ParticipantScores,
    Period,
)
from backend.boards.periods import BoardSpan, span
from backend.boards.queries import BoardQueries
from backend.classrooms.service import ClassroomService
from backend.errors import Invalid, NotFound
from backend.kit.cache import Cache, CacheAnswer, Region
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.redis.ranked_sets import RankedEntry
from backend.policy import authorise
from backend.progress.models import StudentRecord
from backend.progress.rules import counts_as_studied
from backend.progress.service import ProgressService, classroom_tag

STANDINGS = Region("boards", tuple[ParticipantScores, ...], ttl_seconds=1)  # where Redis keeps no boards


class BoardService:
    def __init__(
        self,
        queries: BoardQueries,
        store: BoardStore,
        classrooms: ClassroomService,
        progress: ProgressService,
        cache: Cache,
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._store = store
        self._classrooms = classrooms
        self._progress = progress
        self._cache = cache
        self._clock = clock

    def scopes(self, viewer: Viewer) -> tuple[BoardScope, ...]:
        """Return the boards that the viewer may open: everyone, and their classrooms whose board is not off."""
        authorise(viewer, "boards.scopes")
        classes = (each for each in self._classrooms.classrooms(viewer) if each.board_mode != "off")
        return (
            BoardScope(id=EVERYONE, name=_("Everyone")),
            *(BoardScope(id=classroom.id, name=classroom.name) for classroom in classes),
        )

    def board(
        self,
        viewer: Viewer,
        scope: str = EVERYONE,
        period: Period = "week",
        measure: Measure = "questions",
        *,
        limit: int = 10,
        around: int = 3,
    ) -> Board:
        """The top `limit`, and the viewer ± `around`; a student who has not joined sees how many have, no ranks.

        A week is Monday to Sunday and a month a calendar month in study days; "questions" counts those solved,
        "days" the study days. Who has just saved sees it, everybody else within a second. Raises Invalid, NotFound
        (a class that is not the viewer's, or has no board).
        """
        authorise(viewer, "boards.board")
        _check(period, measure, limit, around)
        shown = self._scope(viewer, scope)
        days = span(period, self._progress.today(viewer))
        may_see = viewer.role != "student" or is_participant(viewer)
        seen = self._seen(viewer, shown.id, days, measure, limit if may_see else 0, around)
        return Board(
            scope=shown,
            period=period,
            measure=measure,
            entries=seen.entries,
            around=seen.around,
            me=next((entry for entry in seen.around if entry.is_me), None),
            participants=seen.participants,
            first_day=days.first_day,
            last_day=days.last_day,
            reason=None if may_see else _("Join the leaderboard under a name of your choice to see it."),
            as_of=self._clock.now() - timedelta(seconds=seen.age_seconds),
        )

    def _scope(self, viewer: Viewer, scope: str) -> BoardScope:
        for seen in self.scopes(viewer):
            if seen.id == scope:
                return seen
        raise NotFound(_("There is no such leaderboard."))

    def _seen(self, viewer: Viewer, scope: str, days: BoardSpan, measure: Measure, limit: int, around: int) -> "_Seen":
        own = self._own(viewer, days) if viewer.role == "student" else None
        kept = self._store.read(scope, days, measure, top=limit, around=around, own=own)
        if kept is None:
            return self._computed(viewer, scope, days, measure, own, limit, around)
        return _Seen(
            entries=tuple(_entry(place, viewer.id) for place in kept.top),
            around=tuple(_entry(place, viewer.id) for place in kept.around),
            participants=kept.size,
        )

    def _computed(
        self,
        viewer: Viewer,
        scope: str,
        days: BoardSpan,
        measure: Measure,
        own: ParticipantScores | None,
        limit: int,
        around: int,
    ) -> "_Seen":
        """The same from MongoDB, at most a second old but for the viewer's own entry."""
        answer = self._standings(scope, days)
        standings = answer.value if viewer.role != "student" else ranking.with_own(answer.value, own, viewer.id)
        entries = ranking.ranked(standings, measure, viewer.id) if limit else ()
        return _Seen(
            entries=entries[:limit],
            around=ranking.neighbours(entries, around),
            participants=len(standings),
            age_seconds=answer.age_seconds,
        )

    def _standings(self, scope: str, days: BoardSpan) -> CacheAnswer[tuple[ParticipantScores, ...]]:
        tags = [BOARDS_TAG]
        return self._cache.get_or_create(
            STANDINGS,
            f"{scope}:{days.id}",
            lambda: self._queries.standings(scope, days),
            tags=tags if scope == EVERYONE else [*tags, classroom_tag(scope)],
        )

    def _own(self, viewer: Viewer, days: BoardSpan) -> ParticipantScores | None:
        """Return the viewer's standing from their own fresh record, so that their last click shows at once."""
        if not is_participant(viewer):
            return None
        record = self._progress.record(viewer.id)
        return ParticipantScores(
            student_id=viewer.id,
            name=viewer.board_name or "",
            revision=record.summary.revision,
            **own_scores(record, days),
        )


class _Seen(NamedTuple):
    """The answer of either store, in one shape."""

    entries: tuple[BoardEntry, ...]
    around: tuple[BoardEntry, ...]
    participants: int
    age_seconds: float = 0.0


def _entry(place: RankedEntry, me: str) -> BoardEntry:
    return BoardEntry(rank=place.rank, name=place.name, score=place.score, is_me=place.id == me)


def own_scores(record: StudentRecord, span: BoardSpan) -> dict[Measure, int]:
    """Return a student's scores from their record, equal to those that the queries compute for everyone."""
    if span.first_day is None or span.last_day is None:
        return {"questions": record.summary.total.solved, "days": record.summary.studied_days}
    days = [day for day in record.days if span.first_day <= day.day <= span.last_day]
    return {"questions": sum(day.solved for day in days), "days": sum(map(counts_as_studied, days))}


def is_participant(viewer: Viewer) -> bool:
    """Return whether the viewer joined the boards and chose a display name."""
    return viewer.board_joined and bool(viewer.board_name)


def _check(period: str, measure: str, limit: int, around: int) -> None:
    if period not in PERIODS or measure not in MEASURES:
        raise Invalid(_("A leaderboard is for a week, a month or all time, and counts questions or days."))
    if not (1 <= limit <= ENTRY_LIMIT and 0 <= around <= ENTRY_LIMIT):
        raise Invalid(_("A leaderboard shows between 1 and {most} lines.").format(most=ENTRY_LIMIT))
