"""The whole wiring, read top to bottom: settings in, a Backend of services out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from backend.accounts.administration import AccountAdministration
from backend.accounts.second_factor import SecondFactor
from backend.accounts.service import AccountService
from backend.audit.service import AuditService
from backend.audit.trail import AuditTrail
from backend.backups.alarm import BackupAlarm
from backend.backups.downloads import BackupDownloads
from backend.backups.recorder import Recorder
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.backups.tasks import BackupTasks
from backend.boards.board_store import BoardStore
from backend.boards.service import BoardService
from backend.chapters.catalogue import catalogue
from backend.chapters.service import ChapterService
from backend.classrooms.report import ClassroomReports
from backend.classrooms.service import ClassroomService
from backend.config import Settings
from backend.connections import Report, connected, key_ring, private_servers
from backend.digests.service import DigestService
from backend.errors import Unavailable
from backend.kit.cache import Cache, Warmer
from backend.kit.clock import Clock, SystemClock
from backend.kit.embedded import Servers
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.idempotency import Replays
from backend.kit.mongo.client import Mongo
from backend.kit.observability import malloc, tracing
from backend.kit.observability.metrics import Registry
from backend.kit.redis import client as redis
from backend.kit.schedule.runs import Runs
from backend.kit.security.encryption import Sealer
from backend.limits.service import LimitService
from backend.mails.service import MailService
from backend.migrations.runner import Bar, Migrations
from backend.operations.heartbeat import Heartbeat
from backend.operations.jobs import JobService
from backend.operations.memory_trace import MemoryTracing
from backend.operations.monitoring import Monitoring
from backend.operations.service import OperationsService
from backend.progress.overview import ProgressOverview
from backend.progress.recount import SummaryRecount
from backend.progress.service import ProgressService
from backend.rights.service import RightsService
from backend.statistics.class_statistics import ClassStatisticsService
from backend.statistics.projector import Projector
from backend.statistics.service import StatisticsService
from backend.wiring.accounts import people
from backend.wiring.backups import migrate
from backend.wiring.base import Base, base
from backend.wiring.indexes import INDEXES
from backend.wiring.learning import digests, learning
from backend.wiring.operations import keeping
from backend.wiring.tracing import instrument

__all__ = ["INDEXES", "Backend", "build"]


@dataclass(frozen=True)
class Backend:
    """The services that pages, API and commands call, and the resources that are opened and closed with them."""

    settings: Settings
    clock: Clock
    mongo: Mongo
    redis_client: redis.Client
    cache: Cache
    events: EventHub
    accounts: AccountService
    administration: AccountAdministration
    second_factor: SecondFactor
    chapters: ChapterService
    progress: ProgressService
    recount: SummaryRecount
    overview: ProgressOverview
    classrooms: ClassroomService
    reports: ClassroomReports
    boards: BoardService
    board_store: BoardStore
    statistics: StatisticsService
    class_statistics: ClassStatisticsService
    projector: Projector
    operations: OperationsService
    audit: AuditService
    trail: AuditTrail
    rights: RightsService
    limits: LimitService
    metrics: Registry
    monitoring: Monitoring
    presence: Heartbeat
    memory: MemoryTracing
    replays: Replays
    warmer: Warmer
    runs: Runs
    jobs: JobService
    backups: BackupService
    restores: RestoreService
    recorder: Recorder
    backup_tasks: BackupTasks
    backup_downloads: BackupDownloads
    backup_alarm: BackupAlarm
    mails: MailService
    digests: DigestService
    servers: Servers | None = None

    def close(self) -> None:
        """Close all resources; private servers stop last."""
        self.backup_tasks.close()
        self.replays.close()
        self.presence.close()
        self.memory.close()
        self.operations.close()
        self.limits.close()
        self.events.close()
        self.cache.close()
        redis.disconnect(self.redis_client)
        self.mongo.close()
        if self.servers:
            self.servers.stop()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    report: Report = lambda _line: None,
    bar: Bar = lambda _title: lambda _done, _total: None,
    is_caching: bool = True,
) -> Backend:
    """A running backend: private servers where none are configured, data of this version, indexes, the catalogue.

    `bar` gives what shows how far a migration is. Without `is_caching` every read asks the database, which benchmarks
    compare. Raises Unavailable or Conflict with a sentence that says what to do.
    """
    malloc.keep_little()
    if settings.traces_url:
        tracing.check()
    ring = key_ring(settings)
    servers = private_servers(settings, report)
    with ExitStack() as undone:  # what is open when something fails is closed again, servers last
        if servers:
            undone.callback(servers.stop)
        connections = connected(settings, servers, is_caching=is_caching)
        undone.callback(connections.close)
        report(_("Preparing the database …"))
        with _named(settings):
            connections.mongo.check_server()
        Migrations(connections.mongo).check()
        ground = base(settings, clock or SystemClock(), ring, connections)
        migrate(ground, report, bar)
        with _named(settings):
            connections.start(INDEXES)
        backend = _wired(ground, report)
        if settings.traces_url:
            instrument(backend, connections.redis_client)
        backend.limits.start()
        undone.pop_all()
    return replace(backend, servers=servers)


@contextmanager
def _named(settings: Settings) -> Iterator[None]:
    """Name the setting of the database in an error about its connection."""
    try:
        yield
    except Unavailable as error:
        if settings.mongodb_uri is None:
            raise
        raise Unavailable(
            _("MONGODB_URI leads to no usable database: {reason}").format(reason=error.message)
        ) from error


def _wired(ground: Base, report: Report) -> Backend:
    settings, connections = ground.settings, ground.connections
    school = learning(ground)
    added = school.chapters.load(catalogue)
    if added:
        report(_("{count} chapters loaded into the catalogue.").format(count=added))
    persons = people(ground, school)
    kept = keeping(ground, school, persons.sessions)
    return Backend(
        settings=settings,
        clock=ground.clock,
        mongo=connections.mongo,
        redis_client=connections.redis_client,
        cache=connections.cache,
        events=connections.events,
        metrics=connections.metrics,
        trail=ground.trail,
        audit=ground.audit,
        accounts=persons.accounts,
        administration=persons.administration,
        second_factor=persons.second_factor,
        chapters=school.chapters,
        progress=school.progress,
        recount=school.recount,
        overview=school.overview,
        classrooms=school.classrooms,
        reports=school.reports,
        board_store=school.board_store,
        boards=school.boards,
        statistics=school.statistics,
        class_statistics=school.class_statistics,
        projector=school.projector,
        warmer=school.warmer,
        rights=kept.rights,
        backups=kept.copies.backups,
        restores=kept.copies.restores,
        recorder=kept.copies.recorder,
        backup_tasks=kept.copies.backup_tasks,
        backup_downloads=kept.copies.backup_downloads,
        backup_alarm=kept.copies.backup_alarm,
        mails=ground.mails,
        digests=digests(ground, school),
        limits=kept.limits,
        runs=kept.runs,
        jobs=kept.jobs,
        operations=kept.operations,
        monitoring=kept.monitoring,
        presence=kept.presence,
        memory=kept.memory,
        replays=Replays(connections.mongo, Sealer(ground.ring, "replays"), SystemClock()),
    )
