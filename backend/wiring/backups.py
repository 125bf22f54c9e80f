"""Builds the backup services: archives, the journal, restores, their long tasks, and the alarm."""

from collections.abc import Callable
from dataclasses import dataclass

from backend import __version__
from backend.accounts.sessions import Sessions
from backend.backups.alarm import BackupAlarm
from backend.backups.downloads import BackupDownloads
from backend.backups.queries import BackupQueries
from backend.backups.recorder import Recorder
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.backups.tasks import BackupTasks
from backend.kit.archive import open_store, summed
from backend.kit.cache.entry import EVERYTHING
from backend.kit.i18n import _
from backend.kit.schedule.runs import Runs
from backend.kit.security.signing import Signer
from backend.migrations.runner import Bar, Migrations
from backend.rights.service import RightsService
from backend.wiring.base import Base
from backend.wiring.indexes import INDEXES
from backend.wiring.learning import Learning


@dataclass(frozen=True)
class Copies:
    backups: BackupService
    restores: RestoreService
    recorder: Recorder
    backup_tasks: BackupTasks
    backup_downloads: BackupDownloads
    backup_alarm: BackupAlarm


def copies(base: Base, learning: Learning, rights: RightsService, runs: Runs, sessions: Sessions) -> Copies:
    """Build the backup services. A gap in the journal asks for a backup at once, to be followed from there."""
    queries = BackupQueries(base.connections.mongo)
    backups = _backups(base, queries)
    restores = _restores(base, learning, rights, backups, queries)
    place = base.settings.backup_place
    return Copies(
        backups=backups,
        restores=restores,
        recorder=Recorder(backups, queries, place=place, on_gap=lambda: runs.ask("backup")),
        backup_tasks=BackupTasks(backups, restores, queries, sessions, base.trail, base.clock),
        backup_downloads=BackupDownloads(
            backups, sessions, Signer(base.ring, "backup downloads"), base.trail, base.clock
        ),
        backup_alarm=BackupAlarm(backups, queries, base.mails, base.clock),
    )


def migrate(base: Base, report: Callable[[str], None], bar: Bar) -> None:
    """Bring the data up to this version of the app, after a backup. Raises Unavailable."""

    def back_up() -> None:
        backups = _backups(base, BackupQueries(base.connections.mongo))
        backups.take(on_progress=summed(bar(_("Backup")), backups.present_documents()))

    Migrations(base.connections.mongo).run(back_up, report, bar)


def _backups(base: Base, queries: BackupQueries) -> BackupService:
    settings = base.settings
    return BackupService(
        queries,
        open_store(settings.backup_place),
        base.trail,
        base.clock,
        place=settings.backup_place,
        secret=settings.backup_key.get_secret_value() if settings.backup_key else None,
        app_version=__version__,
        time_zone=settings.time_zone,
        keeps_journal=settings.keeps_journal,
        is_mail_sent=base.mails.is_configured,
    )


def _restores(
    base: Base, learning: Learning, rights: RightsService, backups: BackupService, queries: BackupQueries
) -> RestoreService:
    def empty_cache() -> None:
        base.connections.cache.invalidate(EVERYTHING)  # not region by region: a command's process knows of none

    def make_indexes() -> None:  # those of an archive may be of an earlier version
        for each in INDEXES:
            base.connections.mongo.ensure_indexes(each)

    # Deleted people are back until tombstones apply; cache and boards are stale; a new backup begins a new journal.
    afterwards = (make_indexes, rights.apply_tombstones, empty_cache, learning.board_store.forget, backups.take)
    mongo = base.connections.mongo
    return RestoreService(backups, queries, mongo, base.trail, Migrations(mongo), afterwards=afterwards)
