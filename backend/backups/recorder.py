"""Keeps the journal: a thread that any process may have; one of them writes, the others wait to take over."""

import threading
from collections.abc import Callable

from backend.backups.queries import BackupQueries
from backend.backups.service import BackupService
from backend.errors import AppError
from backend.kit.archive import StoreFailed
from backend.kit.archive.journal import Following, Moment, PlaceLost
from backend.kit.mongo.client import new_id
from backend.kit.observability import log

EVERY_SECONDS = 15.0
QUIET_SECONDS = 60.0
_LEASE_SECONDS = 30.0
_PAUSE_SECONDS = 5.0

_log = log.get(__name__)


class Recorder:
    """Writes the journal of changes. If all members of the database are lost, at most the last 15 seconds are too.

    `on_gap` is called if changes were missed: the journal can then only be followed from a new archive on.
    """

    def __init__(
        self,
        backups: BackupService,
        queries: BackupQueries,
        *,
        place: str,
        on_gap: Callable[[], object] = lambda: None,
        every_seconds: float = EVERY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        self._backups = backups
        self._queries = queries
        self._place = place
        self._on_gap = on_gap
        self._every = every_seconds
        self._quiet = quiet_seconds
        self._owner = new_id()

    def run(self, stop: threading.Event) -> None:
        """Write, or wait to write, until `stop` is set; whatever fails is logged and tried again."""
        while not stop.is_set():
            try:
                if self._leads():
                    self._write(stop)
            except PlaceLost as error:
                _log.error("journal_has_a_gap", error=str(error))
                self._begin_at(self._queries.cluster_time())
                self._on_gap()
            except (AppError, StoreFailed) as error:
                _log.warning("journal_waits", error=str(error))
            except Exception:  # noqa: BLE001 - the journal must go on, whatever it was
                _log.exception("journal_failed")
            stop.wait(_PAUSE_SECONDS)

    def _write(self, stop: threading.Event) -> None:
        journal = self._backups.journal()
        begun = self._queries.journal_place(self._place)
        since, token = begun or self._queries.begin_journal(self._place, self._beginning())
        following: Following = journal.follow(since, token)
        try:
            while not stop.is_set() and self._leads():
                ready = following.next(self._every, self._quiet)
                if ready:
                    segment, events = ready
                    journal.write(segment, events)
                    self._queries.keep_journal_place(self._place, segment.until, following.token)
        finally:
            following.close()

    def _beginning(self) -> Moment:
        """From the newest backup on, so that the journal continues it; else from now."""
        newest = next(iter(self._backups.every()), None)
        if newest is None:
            return self._queries.cluster_time()
        return Moment(*self._backups.archive(newest.id).manifest().cluster_time)

    def _begin_at(self, since: Moment) -> None:
        self._queries.keep_journal_place(self._place, since, None)

    def _leads(self) -> bool:
        return self._queries.lead_journal(self._owner, _LEASE_SECONDS)
