"""Backups as administrators and jobs use them: taken, listed, checked, thinned out, and tried in a drill."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TypeVar
from zoneinfo import ZoneInfo

from backend.accounts.models import Viewer
from backend.audit.trail import AuditTrail
from backend.backups.models import LEFT_OUT, Backup, BackupReport, BackupState, Checks, Drill, KeptBackup, Reach, Taken
from backend.backups.queries import REPLACED, RESTORING, BackupQueries, disagreements
from backend.backups.retention import DAILY, MONTHLY, WEEKLY, kept
from backend.errors import NotFound, Unavailable
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
from backend.kit.archive.bundle import Bundle
from backend.kit.archive.journal import MARKERS, Journal, Moment, Segment, covered, segments
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo.client import new_id
from backend.kit.observability import log
from backend.policy import authorise

_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}")
UNFINISHED_KEPT = timedelta(days=1)  # a file whose writer nobody knows
_EVER = datetime.max.replace(tzinfo=UTC)
BEFORE_SECONDS = 10  # how far behind the primary the member may be that an archive is read from
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
        keeps_journal: bool = False,
        is_mail_sent: bool = False,
    ) -> None:
        self._queries = queries
        self._store = store
        self._trail = trail
        self._clock = clock
        self._place = place
        self._secret = secret
        self._app_version = app_version
        self._zone = ZoneInfo(time_zone)
        self._keeps_journal = keeps_journal
        self._is_mail_sent = is_mail_sent
        self._known: dict[str, tuple[Backup, Moment]] = {}

    def backups(self, viewer: Viewer) -> tuple[Backup, ...]:
        """All archives, newest first. Raises NotSignedIn, NotAllowed unless an admin, Unavailable."""
        authorise(viewer, "backups.backups")
        return self.every()

    def report(self, viewer: Viewer) -> BackupReport:
        """All archives with what is known of each, and how well the school is kept. Raises as `backups`."""
        authorise(viewer, "backups.report")
        state = self.state()
        checks = self._queries.checks()
        every = self.every() if state.is_configured else ()
        return BackupReport(
            state=state,
            backups=tuple(KeptBackup(backup=each, checks=checks.get(each.id, Checks(id=each.id))) for each in every),
            kept_daily=DAILY,
            kept_weekly=WEEKLY,
            kept_monthly=MONTHLY,
            is_mail_sent=self._is_mail_sent,
        )

    def every(self) -> tuple[Backup, ...]:
        """All archives, newest first; those whose manifest cannot be read are left out. Raises Unavailable."""
        found = []
        for backup_id in reversed(self._reached(archives)):
            try:
                if backup_id not in self._known:  # an archive never changes
                    manifest = self.archive(backup_id).manifest()
                    self._known[backup_id] = _backup(manifest), Moment(*manifest.cluster_time)
                found.append(self._known[backup_id][0])
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
            reach=self._reach(every, files),
            is_sealed=self._secret is not None,
            keeps_journal=self._keeps_journal,
            can_roll_back=bool(self._queries.replaced()),
        )

    def _moment_of(self, backup_id: str) -> Moment:
        """The cluster time of an archive that was listed before."""
        return self._known[backup_id][1]

    def _reach(self, every: Sequence[Backup], files: Sequence[Segment]) -> Reach | None:
        """The last unbroken stretch: from the oldest archive that the journal continues up to its end."""
        ends = {each.id: covered(files, self._moment_of(each.id)) for each in every}
        going_on = [each for each in every if ends[each.id] > self._moment_of(each.id)]
        if not going_on:
            return None
        end = max(ends[each.id] for each in going_on)
        since = min(each.taken_at for each in going_on if ends[each.id] == end)
        return Reach(since=since, until=end.as_datetime())

    def present_documents(self) -> int:
        """About how many documents a backup would have."""
        return sum(count for name, count in self._queries.counts().items() if name not in LEFT_OUT)

    def take(self, *, by: Viewer | None = None, on_progress: Progress = unobserved) -> Backup:
        """A new archive of the school as it is at this moment, while it is used. Raises Unavailable.

        A failure is remembered until the next one succeeds; nothing of a failed archive stays. `by` is who asked, None
        for the server itself; the caller has authorised them.
        """
        now = self._clock.now()
        if self._keeps_journal and self._store is not None:
            self._begin_journal()
        archive = self.archive(f"{now:%Y-%m-%dT%H-%M-%SZ}-{new_id()[-4:]}")
        try:
            with self._queries.taking(archive.id):
                manifest = archive.take(
                    self._queries.database,
                    leave_out=LEFT_OUT | self._queries.beside(),
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
        self._trail.record(by, "backup.created", "backup", archive.id, after={"documents": manifest.documents})
        return _backup(manifest)

    def verify(self, backup_id: str, *, on_progress: Progress = unobserved) -> Backup:
        """Read all of an archive and compare every checksum. Raises NotFound, Unavailable where it is damaged."""
        now = self._clock.now()
        try:
            manifest = self._reached(lambda _store: self.archive(backup_id).verify(on_progress))
            self._queries.keep_verified(backup_id, "", now)
            return _backup(manifest)
        except Damaged as error:
            if backup_id in self._reached(archives):
                self._queries.keep_verified(backup_id, str(error), now)
            raise Unavailable(_("This backup is damaged: {reason}").format(reason=error)) from error

    def thin_out(self) -> tuple[str, ...]:
        """Delete archives beyond 7 daily, 4 weekly and 12 monthly ones, and the journal before the oldest kept.

        Returns the deleted ids. Archives that cannot be read are left for a person to look at.
        """
        taken = {each.id: each.taken_at for each in self.every()}
        gone = tuple(sorted(taken.keys() - kept(taken, self._zone)))
        for backup_id in gone:
            self._reached(lambda _store: self.archive(backup_id).delete())  # noqa: B023  (called at once)
            self._queries.forget_checks(backup_id)
        oldest = min((taken[each] for each in taken.keys() - set(gone)), default=None)
        self._forget_journal(oldest)
        return gone

    def take_and_tidy(self, *, by: Viewer | None = None, on_progress: Progress = unobserved) -> Taken:
        """Take a backup, and delete what is no longer wanted: archives whose time is over, and unfinished ones."""
        backup = self.take(by=by, on_progress=on_progress)
        return Taken(backup=backup, thinned_out=self.thin_out(), swept=self.sweep())

    def sweep(self) -> tuple[str, ...]:
        """Delete what backups left behind whose process died; the ids. Raises Unavailable.

        One that is still being taken is left alone, and so is a file of the journal that was begun within a day.
        """
        unfinished = self._reached(lambda store: {*store.names(), *store.unfinished()})
        begun = {name.partition("/")[0] for name in unfinished}
        dead = sorted(
            each
            for each in begun - set(self._reached(archives))
            if _ID.fullmatch(each) and not self._queries.is_taken_now(each)
        )
        for each in dead:
            self._reached(lambda store: store.forget_unfinished(f"{each}/", _EVER))  # noqa: B023  (called at once)
            self._reached(lambda _store: self.archive(each).delete())  # noqa: B023  (called at once)
        self._queries.forget_taken()
        a_day_ago = self._clock.now() - UNFINISHED_KEPT
        self._reached(lambda store: store.forget_unfinished("", a_day_ago))
        return tuple(dead)

    def drill(self, backup_id: str | None = None, *, on_progress: Progress = unobserved) -> Drill:
        """Restore an archive, else the newest, into a scratch database; compare it with its manifest and with itself.

        The result is remembered. Raises NotFound where there is no such archive, Unavailable.
        """
        newest = next((each for each in self.every() if backup_id in (None, each.id)), None)
        if newest is None:
            raise NotFound(_("There is no such backup.") if backup_id else _("There is no backup yet."))
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

    def bundle(self, backup_id: str) -> Bundle:
        """An archive as one file. Raises NotFound, Damaged where a part of it is missing, Unavailable."""
        if not _ID.fullmatch(backup_id) or backup_id not in self._reached(archives):
            raise NotFound(_("There is no such backup."))
        bundle = self._reached(lambda store: Bundle(store, backup_id))
        there = set(self._reached(lambda store: store.names(f"{backup_id}/")))
        for file in bundle.manifest.collections:
            if f"{backup_id}/{file.file}" not in there:
                raise Damaged(f"{file.file}: it is missing")
        return bundle

    def journal(self) -> Journal:
        """Return the journal of changes since the backups. Raises Unavailable without a store."""
        return Journal(
            self._queries.database,
            self._some_store(),
            self._secret,
            leave_out=LEFT_OUT - {MARKERS},
            leave_out_prefixes=(RESTORING, REPLACED),
        )

    def segments(self) -> list[Segment]:
        """The files of the journal, in order. Raises Unavailable."""
        return self._reached(segments)

    def _begin_journal(self) -> None:
        """Before the archive's moment, so that the very first one can be followed: a secondary may be a little behind.

        Where a journal is kept already, nothing changes.
        """
        now = self._queries.cluster_time()
        self._queries.begin_journal(self._place, Moment(now.time - BEFORE_SECONDS, 1))

    def _forget_journal(self, oldest: datetime | None) -> None:
        if oldest is None:
            return
        before = (oldest - timedelta(minutes=10)).timestamp()
        for segment in self._reached(segments):
            if segment.until.time < before:
                self._reached(lambda store: store.delete(segment.name))  # noqa: B023  (called at once)

    def _some_store(self) -> Store:
        if self._store is None:
            raise Unavailable(_("No backup location is set: BACKUP_URL names a folder or s3://bucket/prefix."))
        return self._store

    def _reached(self, work: Callable[[Store], T]) -> T:
        try:
            return work(self._some_store())
        except StoreFailed as error:
            raise Unavailable(_("The backup location cannot be reached: {reason}").format(reason=error)) from error


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
