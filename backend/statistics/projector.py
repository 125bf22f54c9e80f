"""The projector: exactly one keeps chapterStatistics true, by a lease, a change stream and exactly-once batches."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from backend.errors import AppError
from backend.kit.cache import Cache
from backend.kit.clock import SystemClock
from backend.kit.mongo.client import new_id
from backend.kit.mongo.lease import LeaseLost, MongoLease
from backend.kit.observability import log
from backend.progress.models import StudyDay
from backend.statistics.models import Change, Deltas, Position
from backend.statistics.queries import KINDS, ProjectorQueries, StreamLost
from backend.statistics.recount_queries import Progress, unseen
from backend.statistics.service import TAG
from backend.statistics.tail import Batch, Tail

LEASE_SECONDS = 6.0
KEEP_SECONDS = 2.0
SAVE_PLACE_SECONDS = 60.0  # while no activity comes, so that the place never falls out of the server's history
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0

_log = log.get(__name__)


class WorkFollower(Protocol):
    """An observer that keeps other figures. It is told of all work, in order, at least once."""

    def work_saved(self, student_ids: Iterable[str]) -> None:
        """React to work saved by these students. If this raises, the whole batch is tried again."""
        ...

    def forget(self) -> None:
        """Discard all kept figures, because work may have been missed."""
        ...


class Projector:
    """May run in any number of processes: one leads, the others wait to take over."""

    def __init__(self, queries: ProjectorQueries, cache: Cache, follower: WorkFollower | None = None) -> None:
        self._queries = queries
        self._cache = cache
        self._follower = follower
        self._owner = new_id()
        self._kept_at = self._placed_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Lead, or wait to lead, until `stop` is set; whatever fails is logged and tried again."""
        pause = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                is_leader = self.lead(stop)
                pause = _FIRST_PAUSE_SECONDS if is_leader else KEEP_SECONDS
            except LeaseLost:
                _log.info("projector_replaced")
                pause = _FIRST_PAUSE_SECONDS
            except Exception as error:  # noqa: BLE001 - statistics must be kept again, whatever it was
                is_strange = not isinstance(error, AppError)
                _log.warning("projector_failed", error=str(error), exc_info=is_strange)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            stop.wait(pause)

    def lead(self, stop: threading.Event) -> bool:
        """Keep statistics until `stop` is set; False at once while another one leads. Raises LeaseLost."""
        lease = self._queries.lead(self._owner, LEASE_SECONDS)
        if lease is None:
            return False
        _log.info("projector_leads", owner=self._owner, epoch=lease.epoch)
        try:
            while not stop.is_set():
                self._follow(lease, stop)
        finally:
            with suppress(AppError):
                lease.release()
        return True

    def rebuild(self, progress: Progress = unseen) -> int:
        """Compute all statistics anew from activity, while the app serves; the number of chapters.

        `progress(done, total)` is called between its pieces."""
        chapters = self._queries.rebuild(progress=progress)
        self._cache.invalidate(TAG)
        return chapters

    def lag_seconds(self) -> float | None:
        """Return how far statistics are behind activity; None if no projector ever ran."""
        return self._queries.health().lag_seconds

    def _follow(self, lease: MongoLease, stop: threading.Event) -> None:
        position = self._queries.claim(lease.epoch)
        if position.kinds < KINDS:  # the first start, or the first of this version
            position = self._rebuilt(lease, position)
        try:
            with Tail(self._queries.follow(position)) as tail:
                self._keep(lease, 0.0)
                while not stop.is_set():
                    self._apply(lease, position, tail.batch(KEEP_SECONDS / 2))
        except StreamLost as error:
            _log.warning("projector_lost_its_place", error=str(error))
            self._rebuilt(lease, position)

    def _apply(self, lease: MongoLease, position: Position, batch: Batch) -> None:
        if batch.changes and self._follower:  # before the place is saved: a new leader starts there and tells it again
            self._follower.work_saved({change.student_id for change in batch.changes})
        is_due = monotonic() - self._placed_at >= SAVE_PLACE_SECONDS
        if batch.token and (batch.changes or is_due):
            self._queries.apply(position, summed(batch.changes), batch.token, by_day(batch.changes))
            self._placed_at = monotonic()
        if batch.changes:
            self._cache.invalidate(TAG)
        if monotonic() - self._kept_at >= KEEP_SECONDS:
            self._keep(lease, _age_seconds(batch))

    def _rebuilt(self, lease: MongoLease, position: Position) -> Position:
        lease.renew()
        with lease.renewed():  # a leader that dies in this long work is soon replaced
            chapters = self._queries.rebuild(position)
        if self._follower:  # what happened between the lost place and now was never told
            self._follower.forget()
        self._cache.invalidate(TAG)
        _log.info("projector_rebuilt", chapters=chapters)
        return self._queries.claim(lease.epoch)

    def _keep(self, lease: MongoLease, lag_seconds: float) -> None:
        self._queries.keep_leading(lease, lag_seconds)
        self._kept_at = monotonic()


def summed(changes: Iterable[Change]) -> dict[str, Deltas]:
    """Return the sum of all changes by chapter."""
    deltas: dict[str, Deltas] = defaultdict(Deltas)
    for change in changes:
        deltas[change.chapter_id] += change.deltas
    return dict(deltas)


def by_day(changes: Iterable[Change]) -> dict[date, StudyDay]:
    """Return the work of all students by study day. Imported past work counts for no day."""
    days: dict[date, StudyDay] = {}
    for change in changes:
        day = days.get(change.study_day, StudyDay(day=change.study_day))
        own = Deltas() if change.is_imported else change.deltas
        days[change.study_day] = replace(
            day, solved=day.solved + own.solved, completed=day.completed + own.completed, changes=day.changes + 1
        )
    return days


def _age_seconds(batch: Batch) -> float:
    """Return the age of the oldest change when it was applied; 0 if nothing was waiting."""
    if batch.is_last or not batch.changes:
        return 0.0
    return max(0.0, (SystemClock().now() - batch.changes[0].at).total_seconds())
