"""The boards kept in Redis: built when missing, set when work, a name, a choice or a class changed, dropped in doubt.

Scores are absolute, so setting them again is harmless, and carry a revision, so an old one never replaces a new one.
If an update fails, a higher epoch in MongoDB makes all kept boards stale, so that they are built again.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

from backend.accounts import rooms
from backend.boards.models import EVERYONE, MEASURES, BoardState, Measure, ParticipantScores
from backend.boards.periods import BoardSpan, live_spans
from backend.boards.queries import GONE, BoardQueries
from backend.boards.ranking import name_order
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events.hub import EventHub
from backend.kit.observability import log
from backend.kit.redis.client import Client
from backend.kit.redis.ranked_sets import RankedRow, RankedSets, Seen, SetsAway

STATE = Region("boardState", BoardState, ttl_seconds=1)
STATE_TAG = "boardState"

_log = log.get(__name__)


class BoardStore:
    """Writes for the projector and for changes to people; reads for the service, which checks permissions."""

    def __init__(
        self,
        queries: BoardQueries,
        client: Client,
        cache: Cache,
        clock: Clock,
        events: EventHub,
        *,
        namespace: str,
        is_projected: Callable[[], bool],
    ) -> None:
        self._queries = queries
        self._sets = RankedSets(client, namespace=namespace, measures=MEASURES)
        self._cache = cache
        self._clock = clock
        self._events = events
        self._is_projected = is_projected

    def read(
        self,
        scope: str,
        span: BoardSpan,
        measure: Measure,
        *,
        top: int,
        around: int,
        own: ParticipantScores | None = None,
    ) -> Seen | None:
        """The top, and the own entry with its neighbours; None where only MongoDB can tell.

        That is: no process keeps the boards just now, Redis is away, another process has been building for 2 s, or the
        viewer takes part but stands on no kept board yet.
        """
        state = self._cache.get_or_create(STATE, "all", self._state, tags=[STATE_TAG]).value
        if not state.is_kept:
            return None
        name, mine = _name(state.epoch, scope, span.id), _row(own) if own else None
        try:
            seen = self._sets.read(name, measure, top=top, around=around, own=mine)
            if seen is None and self._build(name, scope, span):
                seen = self._sets.read(name, measure, top=top, around=around, own=mine)
        except SetsAway:
            return None
        return None if seen and own and seen.own is None else seen

    def work_saved(self, student_ids: Iterable[str]) -> None:
        """Set the scores of these students and publish the change; the projector calls it for each batch."""
        standings = self._queries.standings_of(student_ids, live_spans(self._clock.now()))
        if not standings:
            return
        self._put({board: [_row(each) for each in found] for board, found in standings.items()})
        self._events.publish(rooms.CHANGED, {rooms.BOARDS: {"changed": 1}})

    def person_changed(self, student_id: str, *left: str) -> None:
        """Set a person's entries after a change of name, choice, role or classes; `left`: the classes they left.

        Never raises, because the change is saved already. If the update fails, the kept boards are out of date.
        """
        try:
            revision = self._queries.raise_revision(student_id)
            if revision == GONE:  # the classes of the account, and so its boards, are unknown by now
                self.forget()
                return
            spans = live_spans(self._clock.now())
            scopes = (EVERYONE, *self._queries.classroom_ids(student_id), *left)
            gone = RankedRow(id=student_id, version=revision, scores=(0,) * len(MEASURES))
            rows = {(scope, span.id): [gone] for scope in scopes for span in spans}
            standings = self._queries.standings_of([student_id], spans)
            self._put(rows | {board: [_row(each) for each in found] for board, found in standings.items()})
        except Exception as error:  # noqa: BLE001 - what was changed stands, whatever goes wrong here
            _log.warning("boards_may_be_old", student=student_id, error=str(error))
            with suppress(Exception):
                self.forget()

    def forget(self) -> None:
        """Invalidate all kept boards: each is built again when it is next requested."""
        self._queries.raise_epoch()
        self._cache.invalidate(STATE_TAG)

    def roll_over(self) -> int:
        """Build everyone's boards of the running periods before they are asked for; how many there are.

        Boards of past periods leave by themselves. Raises what MongoDB raises; without Redis there is nothing to do.
        """
        state = self._cache.get_or_create(STATE, "all", self._state, tags=[STATE_TAG]).value
        spans = live_spans(self._clock.now()) if state.is_kept else ()
        try:
            return sum(self._build(_name(state.epoch, EVERYONE, span.id), EVERYONE, span) for span in spans)
        except SetsAway:
            return 0

    def _build(self, name: str, scope: str, span: BoardSpan) -> bool:
        def rows() -> Iterable[RankedRow]:
            return map(_row, self._queries.standings(scope, span, as_of_one_moment=True))

        return self._sets.build(name, rows)

    def _put(self, boards: dict[tuple[str, str], list[RankedRow]]) -> None:
        epoch = self._queries.epoch()
        try:
            for (scope, span_id), rows in boards.items():
                self._sets.put(_name(epoch, scope, span_id), rows)
        except SetsAway:
            self.forget()

    def _state(self) -> BoardState:
        return BoardState(epoch=self._queries.epoch(), is_kept=self._is_projected())


def _row(standing: ParticipantScores) -> RankedRow:
    return RankedRow(
        id=standing.student_id,
        version=standing.revision,
        scores=standing.scores,
        name=standing.name,
        order=name_order(standing.name),
    )


def _name(epoch: int, scope: str, span_id: str) -> str:
    return f"{epoch}:{scope}:{span_id}"
