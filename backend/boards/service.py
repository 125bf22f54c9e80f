"""Leaderboards by choice: only participants are on them, under the names they chose."""

from backend.accounts.models import Viewer
from backend.boards.models import EVERYONE, Board, BoardScope, Measure, Period


class BoardService:
    def scopes(self, viewer: Viewer) -> tuple[BoardScope, ...]:
        """The boards that the viewer may open: everyone, and her classrooms whose board is not off."""
        raise NotImplementedError

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
        """The top `limit` and the viewer ± `around`. Raises Invalid, NotFound (a classroom not hers)."""
        raise NotImplementedError
