"""Backups as administrators and jobs use them: taken, listed, checked, thinned out, and tried in a drill."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from time import perf_counter
from typing import TypeVar
from zoneinfo import ZoneInfo

from backend.accounts.models import Viewer
from backend.audit.trail import AuditTrail
from backend.backups.models import LEFT_OUT, Backup, BackupState, Drill
from backend.backups.queries import BackupQueries, disagreements
from backend.backups.retention import kept
from backend.errors import NotFound, Unavailable
from backend.kit import log
from backend.kit.archive import (
    Archive,
    Damaged,
    Manifest,
    Progress,
    Store,
    StoreFailed,
    archives,
    content_of,
    unobserved,
)
from backend.kit.archive.journal import MARKERS, Journal, Segment, covered, segments
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo import new_id
from backend.policy import authorise

_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}")
T = TypeVar("T")

_log = log.get(__name__)


class BackupService:
    """`place` is the address of `store`, for people; without a store there are no backups, and it says so."""

    def __init__(
        self,
        queries: BackupQueries,
        store: Store | None,
        trail: AuditTrail,
        clock: Clock,
        *,
        place: str,
        secret: str | None,
        app_version: str,
        time_zone: str,
    ) -> None:
        self._queries = queries
        self._store = store
        self._trail = trail
        self._clock = clock
        self._place = place
        self._secret = secret
        self._app_version = app_version
        self._zone = ZoneInfo(time_zone)
        self._known: dict[str, Backup] = {}

    def backups(self, viewer: Viewer) -> tuple[Backup, ...]:
        """All archives, newest first. Raises NotSignedIn, NotAllowed unless an admin, Unavailable."""
        authorise(viewer, "backups.backups")
        return self.every()

    def every(self) -> tuple[Backup, ...]:
        """All archives, newest first; those whose manifest cannot be read are left out. Raises Unavailable."""
        found = []
        for backup_id in reversed(self._reached(archives)):
            try:
                if backup_id not in self._known:  # an archive never changes
                    self._known[backup_id] = _backup(self.archive(backup_id).manifest())
                found.append(self._known[backup_id])
            except Damaged as error:
                _log.warning("backup_unreadable", backup=backup_id, error=str(error))
        return tuple(found)

    def state(self) -> BackupState:
        """How well the school is kept. Raises Unavailable where the store or the database is out of reach."""
        if self._store is None:
            return BackupState(is_configured=False)
        every = self.every()
        failure = self._queries.failure()
        files = self._reached(segments)
        reached = covered(files, files[0].since) if files else None
        return BackupState(
            is_configured=True,
            place=self._place,
            last=every[0] if every else None,
            failure=failure[0] if failure else "",
            failed_at=failure[1] if failure else None,
            drill=self._queries.drill(),
            journal_from=files[0].since.as_datetime() if files else None,
            journal_until=reached.as_datetime() if reached else None,
            can_roll_back=bool(self._queries.replaced()),
        )

    def take(self, *, on_progress: Progress = unobserved) -> Backup:
        """A new archive of the school as it is at this moment, while it is used. Raises Unavailable.

        A failure is remembered until the next one succeeds; nothing of a failed archive stays.
        """
        now = self._clock.now()
        archive = self.archive(f"{now:%Y-%m-%dT%H-%M-%SZ}-{new_id()[-4:]}")
        try:
            manifest = archive.take(
                self._queries.database,
                leave_out=LEFT_OUT,
                app_version=self._app_version,
                taken_at=now,
                on_progress=on_progress,
            )
        except (StoreFailed, Unavailable) as error:
            reason = error.message if isinstance(error, Unavailable) else str(error)
            _forget(archive)
            self._queries.keep_failure(reason, now)
            raise Unavailable(_("The backup failed: {reason}").format(reason=reason)) from error
        self._queries.keep_failure("", now)
        self._trail.record(None, "backup.created", "backup", archive.id, after={"documents": manifest.documents})
        return _backup(manifest)

    def verify(self, backup_id: str, *, on_progress: Progress = unobserved) -> Backup:
        """Read all of an archive and compare every checksum. Raises NotFound, Unavailable where it is damaged."""
        try:
            return _backup(self._reached(lambda _store: self.archive(backup_id).verify(on_progress)))
        except Damaged as error:
            raise Unavailable(_("This backup is damaged: {reason}").format(reason=error)) from error

    def thin_out(self) -> tuple[str, ...]:
        """Delete archives beyond 7 daily, 4 weekly and 12 monthly ones, and the journal before the oldest kept.

        Returns the deleted ids. Archives that cannot be read are left for a person to look at.
        """
        taken = {each.id: each.taken_at for each in self.every()}
        gone = tuple(sorted(taken.keys() - kept(taken, self._zone)))
        for backup_id in gone:
            self._reached(lambda _store: self.archive(backup_id).delete())  # noqa: B023  (called at once)
        oldest = min((taken[each] for each in taken.keys() - set(gone)), default=None)
        self._forget_journal(oldest)
        return gone

    def drill(self, *, on_progress: Progress = unobserved) -> Drill:
        """Restore the newest archive into a scratch database and compare it with its manifest and with itself.

        The result is remembered. Raises NotFound where there is no archive, Unavailable.
        """
        newest = next(iter(self.every()), None)
        if newest is None:
            raise NotFound(_("There is no backup yet."))
        started, now = perf_counter(), self._clock.now()
        scratch = self._queries.scratch()
        try:
            manifest = self._reached(lambda _store: self.archive(newest.id).load(scratch, on_progress=on_progress))
            problems = [
                f"{file.name}: other documents than were saved"
                for file in manifest.collections
                if content_of(scratch[file.name]) != (file.documents, file.raw_sha256)
            ]
            problems += disagreements(scratch)
        except Damaged as error:
            problems = [str(error)]
        finally:
            self._queries.drop(scratch)
        drill = Drill(
            backup_id=newest.id,
            at=now,
            seconds=round(perf_counter() - started, 1),
            documents=newest.documents,
            problems=tuple(problems),
        )
        self._queries.keep_drill(drill)
        return drill

    def archive(self, backup_id: str) -> Archive:
        """The files of an archive. Raises NotFound for an id that none can have, Unavailable without a store."""
        if not _ID.fullmatch(backup_id):
            raise NotFound(_("There is no such backup."))
        return Archive(self._some_store(), backup_id, self._secret)

    def journal(self) -> Journal:
        """What changed since. Raises Unavailable without a store."""
        return Journal(self._queries.database, self._some_store(), self._secret, leave_out=LEFT_OUT - {MARKERS})

    def segments(self) -> list[Segment]:
        """The files of the journal, in order. Raises Unavailable."""
        return self._reached(segments)

    def _forget_journal(self, oldest: datetime | None) -> None:
        if oldest is None:
            return
        before = (oldest - timedelta(minutes=10)).timestamp()
        for segment in self._reached(segments):
            if segment.until.time < before:
                self._reached(lambda store: store.delete(segment.name))  # noqa: B023  (called at once)

    def _some_store(self) -> Store:
        if self._store is None:
            raise Unavailable(_("No place for backups is set: BACKUP_URL names a folder or s3://bucket/prefix."))
        return self._store

    def _reached(self, work: Callable[[Store], T]) -> T:
        try:
            return work(self._some_store())
        except StoreFailed as error:
            raise Unavailable(_("The place of the backups is out of reach: {reason}").format(reason=error)) from error


def _backup(manifest: Manifest) -> Backup:
    return Backup(
        id=manifest.id,
        taken_at=manifest.taken_at,
        seconds=manifest.seconds,
        documents=manifest.documents,
        stored_bytes=manifest.stored_bytes,
        raw_bytes=manifest.raw_bytes,
        collections=len(manifest.collections),
        is_sealed=manifest.is_sealed,
        app_version=manifest.app_version,
        server_version=manifest.server_version,
    )


def _forget(archive: Archive) -> None:
    try:
        archive.delete()
    except StoreFailed as error:
        _log.warning("backup_rest_stays", backup=archive.id, error=str(error))
