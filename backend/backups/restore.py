"""The way back: the school as it was at a backup, or at any second since, with a look before and a way back after."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from backend.accounts.models import Viewer
from backend.audit.models import Facts
from backend.audit.trail import AuditTrail
from backend.backups.models import (
    KEPT_ON_RESTORE,
    LEFT_OUT,
    Actor,
    AtTerminal,
    Backup,
    CollectionChange,
    Preview,
)
from backend.backups.queries import REPLACED, RESTORING, BackupQueries
from backend.backups.service import BackupService
from backend.errors import Conflict, Invalid, NotFound, Unavailable
from backend.kit.archive import Archive, Damaged, Manifest, Progress, unobserved
from backend.kit.archive.journal import Moment, covered, moment, replay
from backend.kit.i18n import _
from backend.kit.mongo import data_version
from backend.kit.mongo.client import Mongo
from backend.kit.observability import log
from backend.policy import authorise

LEASE_SECONDS = 45.0
LAST_SECOND = 2**32 - 1  # of the server's own reckoning: in the year 2106
_log = log.get(__name__)


class DataMigrations(Protocol):
    """Brings data of an earlier version of the app up to this one. Both raise Unavailable for data of a later one."""

    def refuse_newer(self, version: int | None) -> None: ...

    def migrate(self, prefix: str) -> None:
        """Bring the collections up whose names begin with `prefix`."""
        ...


class RestoreService:
    """`afterwards` is done once the school was exchanged: caches emptied, boards made anew, deletions repeated."""

    def __init__(
        self,
        backups: BackupService,
        queries: BackupQueries,
        mongo: Mongo,
        trail: AuditTrail,
        migrations: DataMigrations,
        *,
        afterwards: Sequence[Callable[[], object]],
    ) -> None:
        self._backups = backups
        self._queries = queries
        self._mongo = mongo
        self._trail = trail
        self._migrations = migrations
        self._afterwards = afterwards

    def preview(self, actor: Actor, *, backup_id: str | None = None, until: datetime | None = None) -> Preview:
        """Return what a restore would change. Without an id, the newest backup not after `until` (or of all) is taken.

        Raises NotSignedIn, NotAllowed unless an admin or at the server's terminal, NotFound, Invalid for a time that
        the journal does not reach, Unavailable where the backup cannot be read.
        """
        _authorised(actor, "restores.preview")
        backup = self._chosen(backup_id, until)
        try:
            archive = self._backups.archive(backup.id)
            manifest = archive.manifest()
            self._migrations.refuse_newer(_version(archive, manifest))
        except Damaged as error:
            raise _damaged(error) from error
        if until is not None:
            self._check_reached(Moment(*manifest.cluster_time), until)
        now = self._queries.counts()
        left = _left(now)
        then = {each.name: each.documents for each in manifest.collections if each.name not in left}
        return Preview(
            backup=backup,
            until=until or backup.taken_at,
            collections=tuple(
                CollectionChange(name=name, now=now.get(name, 0), then=count) for name, count in sorted(then.items())
            ),
        )

    def restore(
        self,
        actor: Actor,
        *,
        backup_id: str | None = None,
        until: datetime | None = None,
        on_progress: Progress = unobserved,
    ) -> Preview:
        """Put the school back. People can read meanwhile; nobody can save while collections are exchanged.

        Until the exchange nothing of the present school is touched; `roll_back` brings the replaced data back.
        The audit trail stays as it is. Raises as `preview`, and Conflict while another restore is under way.
        """
        viewer = _authorised(actor, "restores.restore")
        plan = self.preview(actor, backup_id=backup_id, until=until)
        with self._alone():
            left = _left(self._queries.counts())
            names = self._prepared(plan, until, left, on_progress)
            facts: Facts = {"until": plan.until.isoformat(), "documents": plan.backup.documents}
            self._trail.record(viewer, "backup.restored", "backup", plan.backup.id, after=facts)
            with self._mongo.writes_blocked():
                self._queries.forget_replaced()
                self._queries.swap_in(names, left)
            self._finish()
        return plan

    def roll_back(self, actor: Actor) -> None:
        """Undo the last restore: the school as it was just before. Raises NotFound where there is nothing to undo."""
        viewer = _authorised(actor, "restores.roll_back")
        replaced = self._queries.replaced()
        if not replaced:
            raise NotFound(_("There is no restore to undo."))
        with self._alone():
            self._trail.record(viewer, "backup.restored", "backup", "rollback")
            with self._mongo.writes_blocked():
                self._migrations.migrate(REPLACED)
                self._queries.swap_back(LEFT_OUT | KEPT_ON_RESTORE - replaced)
            self._finish()

    def _prepared(self, plan: Preview, until: datetime | None, left: frozenset[str], on_progress: Progress) -> set[str]:
        self._queries.clear_restoring()
        archive, database = self._backups.archive(plan.backup.id), self._queries.database
        try:
            manifest = archive.load(database, prefix=RESTORING, leave_out=left, on_progress=on_progress)
            if until is not None:
                journal = self._backups.journal()
                since = Moment(*manifest.cluster_time)
                replay(
                    journal,
                    self._backups.segments(),
                    database,
                    since=since,
                    until=moment(until),
                    prefix=RESTORING,
                    leave_out=left,
                )
            self._migrations.migrate(RESTORING)
        except Damaged as error:
            self._queries.clear_restoring()
            raise _damaged(error) from error
        except Unavailable:
            self._queries.clear_restoring()
            raise
        return self._queries.loaded()

    def _finish(self) -> None:
        for step in self._afterwards:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - the school is exchanged: the other steps are due all the same
                _log.error("restore_step_failed", step=repr(step), error=str(error))

    def _chosen(self, backup_id: str | None, until: datetime | None) -> Backup:
        every = self._backups.every()
        if backup_id is not None:
            chosen = next((each for each in every if each.id == backup_id), None)
        else:
            chosen = next((each for each in every if until is None or each.taken_at <= until), None)
        if chosen is None:
            raise NotFound(_("There is no such backup."))
        if until is not None and chosen.taken_at > until:
            raise Invalid(_("This backup was taken after that time. Choose an earlier one."))
        return chosen

    def _check_reached(self, since: Moment, until: datetime) -> None:
        reached = covered(self._backups.segments(), since)
        seconds = int(until.timestamp())
        if seconds > LAST_SECOND or reached < Moment(seconds, 1):
            last = max(reached, since).as_datetime().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            raise Invalid(_("The journal reaches from this backup up to {time} only.").format(time=last))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lease = self._queries.begin_restore(LEASE_SECONDS)
        if lease is None:
            raise Conflict(_("A restore is already running."))
        try:
            with lease.renewed():
                yield
        finally:
            lease.release()


def _version(archive: Archive, manifest: Manifest) -> int | None:
    """Which version of the data is in an archive; None where it does not say. Raises Damaged."""
    file = next((each for each in manifest.collections if each.name == data_version.COLLECTION), None)
    documents = archive.documents(file) if file else ()
    return next((data_version.version_of(dict(each)) for each in documents), None)


def _authorised(actor: Actor, act: str) -> Viewer | None:
    """Return the actor for the audit trail: the viewer, or None for the server itself."""
    return None if isinstance(actor, AtTerminal) else authorise(actor, act)


def _left(counts: Mapping[str, int]) -> frozenset[str]:
    """Return the collections that a restore leaves alone; fewer on an empty machine, which gets its whole past."""
    return LEFT_OUT | KEPT_ON_RESTORE if counts.get("users") else LEFT_OUT


def _damaged(error: Damaged) -> Unavailable:
    return Unavailable(_("This backup is damaged: {reason}").format(reason=error))
