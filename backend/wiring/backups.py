"""Archives, the journal, restores, their long tasks, and the alarm."""

from backend import __version__
from backend.backups.alarm import BackupAlarm
from backend.backups.downloads import BackupDownloads
from backend.backups.queries import BackupQueries
from backend.backups.recorder import Recorder
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.backups.tasks import BackupTasks
from backend.connections import Setup
from backend.kit.archive import open_store
from backend.kit.cache.entry import EVERYTHING
from backend.kit.schedule.runner import Runner
from backend.kit.security.signing import Signer
from backend.migrations.runner import Migrations
from backend.wiring.accounts import AccountServices
from backend.wiring.indexes import INDEXES


class BackupServices(AccountServices):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        settings, clock, trail, sessions = self.settings, self.clock, self.trail, self._sessions
        queries = BackupQueries(self.mongo)
        self.backups = BackupService(
            queries,
            open_store(settings.backup_place),
            trail,
            clock,
            place=settings.backup_place,
            secret=settings.backup_key.get_secret_value() if settings.backup_key else None,
            app_version=__version__,
            time_zone=settings.time_zone,
            keeps_journal=settings.keeps_journal,
            is_mail_sent=self.mails.is_configured,
        )
        # Deleted people are back until tombstones apply; cache and boards are stale; a new backup begins a new journal.
        afterwards = (
            self._make_indexes,
            self.rights.apply_tombstones,
            self._empty_cache,
            self.board_store.forget,
            self.backups.take,
        )
        self.restores = RestoreService(
            self.backups, queries, self.mongo, trail, Migrations(self.mongo), afterwards=afterwards
        )
        # A gap in the journal asks for a backup at once, to be followed from there.
        self.recorder = Recorder(
            self.backups, queries, place=settings.backup_place, on_gap=lambda: self.runs.ask("backup")
        )
        runner = Runner(self.runs, self.metrics)
        self.backup_tasks = BackupTasks(self.backups, self.restores, queries, sessions, trail, self.runs, runner)
        setup.resources.callback(self.backup_tasks.close)
        signer = Signer(self._keys, "backup downloads")
        self.backup_downloads = BackupDownloads(self.backups, sessions, signer, trail, clock)
        self.backup_alarm = BackupAlarm(self.backups, queries, self.mails, clock)

    def _empty_cache(self) -> None:
        self.cache.invalidate(EVERYTHING)  # not region by region: a command's process knows of none

    def _make_indexes(self) -> None:
        for each in INDEXES:
            self.mongo.ensure_indexes(each)
