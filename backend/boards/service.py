"""Leaderboards by choice: only participants are on them, under the names they chose."""

from datetime import date, timedelta

from backend.accounts.models import Viewer
from backend.accounts.service import BOARDS_TAG
from backend.boards import ranking
from backend.boards.models import (
    ENTRY_LIMIT,
    EVERYONE,
    MEASURES,
    PERIODS,
    Board,
    BoardScope,
    Measure,
    Period,
    Standing,
)
from backend.boards.queries import BoardQueries
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.classrooms.service import ClassroomService
from backend.errors import Invalid, NotFound
from backend.kit.cache import Answer, Cache, Region
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.policy import authorise
from backend.progress.models import StudentRecord
from backend.progress.overview import solved_between
from backend.progress.rules import counts_as_studied
from backend.progress.service import ProgressService, classroom_tag

STANDINGS = Region("boards", tuple[Standing, ...], ttl_seconds=30)
Days = tuple[date | None, date | None]


class BoardService:
    def __init__(
        self,
        queries: BoardQueries,
        classrooms: ClassroomService,
        progress: ProgressService,
        cache: Cache,
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._classrooms = classrooms
        self._progress = progress
        self._cache = cache
        self._clock = clock

    def scopes(self, viewer: Viewer) -> tuple[BoardScope, ...]:
        """The boards that the viewer may open: everyone, and her classrooms whose board is not off."""
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
        "days" the study days. Raises Invalid, NotFound (a class that is not the viewer's, or has no board).
        """
        authorise(viewer, "boards.board")
        _check(period, measure, limit, around)
        seen = self._scope(viewer, scope)
        first_day, last_day = days = period_days(period, self._progress.today(viewer))
        answer = self._standings(scope, measure, days)
        standings = answer.value
        if viewer.role == "student":
            standings = ranking.with_own(standings, self._own(viewer, measure, days), viewer.id)
        may_see = viewer.role != "student" or is_participant(viewer)
        entries = ranking.ranked(standings, viewer.id) if may_see else ()
        return Board(
            scope=seen,
            period=period,
            measure=measure,
            entries=entries[:limit],
            around=ranking.neighbours(entries, around),
            me=next((entry for entry in entries if entry.is_me), None),
            participants=len(standings),
            first_day=first_day,
            last_day=last_day,
            reason=None if may_see else _("Join the leaderboard under a name of your choice to see it."),
            as_of=self._clock.now() - timedelta(seconds=answer.age_seconds),
        )

    def _scope(self, viewer: Viewer, scope: str) -> BoardScope:
        for seen in self.scopes(viewer):
            if seen.id == scope:
                return seen
        raise NotFound(_("There is no such leaderboard."))

    def _standings(self, scope: str, measure: Measure, days: Days) -> Answer[tuple[Standing, ...]]:
        first_day, last_day = days
        tags = [BOARDS_TAG, CATALOGUE_TAG]
        return self._cache.get_or_create(
            STANDINGS,
            f"{scope}:{measure}:{first_day}:{last_day}",
            lambda: self._queries.standings(scope, measure, first_day, last_day),
            tags=tags if scope == EVERYONE else [*tags, classroom_tag(scope)],
        )

    def _own(self, viewer: Viewer, measure: Measure, days: Days) -> Standing | None:
        """The viewer's standing from her own fresh record, so that she sees her last click at once."""
        if not is_participant(viewer):
            return None
        score = own_score(self._progress.record(viewer.id), measure, days)
        return Standing(student_id=viewer.id, name=viewer.board_name or "", score=score)


def period_days(period: Period, today: date) -> Days:
    """First and last study day of the running week (Monday to Sunday) or month; neither for all time."""
    if period == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    if period == "month":
        next_month = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
        return today.replace(day=1), next_month - timedelta(days=1)
    return None, None


def own_score(record: StudentRecord, measure: Measure, days: Days) -> int:
    """What the queries compute for everyone, from one student's record."""
    first_day, last_day = days
    if first_day is None or last_day is None:
        return record.summary.total.solved if measure == "questions" else record.summary.studied_days
    if measure == "questions":
        return solved_between(record.days, first_day, last_day)
    return sum(counts_as_studied(day) for day in record.days if first_day <= day.day <= last_day)


def is_participant(viewer: Viewer) -> bool:
    """Whether she joined and chose a name."""
    return viewer.board_joined and bool(viewer.board_name)


def _check(period: str, measure: str, limit: int, around: int) -> None:
    if period not in PERIODS or measure not in MEASURES:
        raise Invalid(_("A leaderboard is for a week, a month or all time, and counts questions or days."))
    if not (1 <= limit <= ENTRY_LIMIT and 0 <= around <= ENTRY_LIMIT):
        raise Invalid(_("A leaderboard shows between 1 and {most} lines.").format(most=ENTRY_LIMIT))
