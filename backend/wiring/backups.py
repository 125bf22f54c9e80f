"""What keeps a copy of the school: archives, the journal, the way back, long work on them, and the alarm."""

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
from backend.kit.archive import open_store
from backend.kit.cache.entry import EVERYTHING
from backend.kit.schedule.runs import Runs
from backend.kit.security.signing import Signer
from backend.rights.service import RightsService
from backend.wiring.base import Base
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
    """Where the journal missed something, a backup is asked for at once: from there on it can be followed again."""
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

    # Who was deleted since is back for a moment; the cache and the boards know the present; a journal begins anew.
    afterwards = (rights.apply_tombstones, empty_cache, learning.board_store.forget, backups.take)
    return RestoreService(backups, queries, base.connections.mongo, base.trail, afterwards=afterwards)
