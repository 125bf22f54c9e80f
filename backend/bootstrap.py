"""The whole wiring, read top to bottom: settings in, a Backend of services out."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import NamedTuple

from backend import __version__
from backend.accounts.administration import AccountAdministration
from backend.accounts.factor_queries import FactorQueries
from backend.accounts.followers import PersonFollower
from backend.accounts.place_queries import INDEXES as PLACE_INDEXES
from backend.accounts.place_queries import PlaceQueries
from backend.accounts.queries import INDEXES as ACCOUNT_INDEXES
from backend.accounts.queries import AccountQueries
from backend.accounts.second_factor import SecondFactor
from backend.accounts.service import AccountService
from backend.accounts.session_queries import INDEXES as SESSION_INDEXES
from backend.accounts.session_queries import SessionQueries
from backend.accounts.sessions import Sessions
from backend.accounts.throttle import SignInThrottle
from backend.audit.queries import INDEXES as AUDIT_INDEXES
from backend.audit.queries import AuditQueries
from backend.audit.service import AuditService
from backend.audit.trail import AuditTrail
from backend.backups.queries import BackupQueries
from backend.backups.recorder import Recorder
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.boards.keeper import BoardKeeper
from backend.boards.queries import INDEXES as BOARD_INDEXES
from backend.boards.queries import BoardQueries
from backend.boards.service import BoardService
from backend.chapters.catalogue import catalogue
from backend.chapters.queries import INDEXES as CHAPTER_INDEXES
from backend.chapters.queries import ChapterQueries
from backend.chapters.service import ChapterService
from backend.classrooms.queries import INDEXES as CLASSROOM_INDEXES
from backend.classrooms.queries import ClassroomQueries
from backend.classrooms.report import ClassroomReports
from backend.classrooms.service import ClassroomService
from backend.config import Settings
from backend.connections import Connections, Report, connected, key_ring, private_servers
from backend.errors import Unavailable
from backend.kit import redis
from backend.kit.archive import open_store
from backend.kit.cache import Cache, Warmer
from backend.kit.clock import Clock, SystemClock
from backend.kit.embedded import Servers
from backend.kit.events import EventHub
from backend.kit.i18n import _
from backend.kit.keys import KeyRing
from backend.kit.load import Governor, MachineProbe
from backend.kit.metrics import Registry
from backend.kit.mongo import Mongo
from backend.kit.replays import INDEXES as REPLAY_INDEXES
from backend.kit.replays import Replays
from backend.kit.schedule_runs import INDEXES as RUN_INDEXES
from backend.kit.schedule_runs import Runs
from backend.kit.sealing import Sealer
from backend.kit.tokens import AccessTokens
from backend.limits.models import Allowances
from backend.limits.service import LimitService
from backend.operations.jobs import JobService
from backend.operations.monitoring import Monitoring
from backend.operations.queries import OperationQueries
from backend.operations.service import OperationsService, Surroundings
from backend.progress.overview import ProgressOverview
from backend.progress.queries import INDEXES as PROGRESS_INDEXES
from backend.progress.queries import ProgressQueries
from backend.progress.service import ProgressService
from backend.rights.queries import INDEXES as RIGHTS_INDEXES
from backend.rights.queries import RightsQueries
from backend.rights.service import RightsService
from backend.statistics.class_statistics import ClassStatisticsService
from backend.statistics.figure_queries import FigureQueries
from backend.statistics.projector import Projector
from backend.statistics.queries import ProjectorQueries, StatisticsQueries
from backend.statistics.service import StatisticsService

INDEXES = (
    ACCOUNT_INDEXES,
    SESSION_INDEXES,
    PLACE_INDEXES,
    CHAPTER_INDEXES,
    PROGRESS_INDEXES,
    CLASSROOM_INDEXES,
    BOARD_INDEXES,
    AUDIT_INDEXES,
    RIGHTS_INDEXES,
    REPLAY_INDEXES,
    RUN_INDEXES,
)


@dataclass(frozen=True)
class Backend:
    """The services that doors call, and the resources that live and die with them."""

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
    overview: ProgressOverview
    classrooms: ClassroomService
    reports: ClassroomReports
    boards: BoardService
    board_keeper: BoardKeeper
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
    replays: Replays
    warmer: Warmer
    runs: Runs
    jobs: JobService
    backups: BackupService
    restores: RestoreService
    recorder: Recorder
    servers: Servers | None = None

    def close(self) -> None:
        """Let go of everything; private servers stop last."""
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
    is_caching: bool = True,
) -> Backend:
    """A running backend: private servers where none are configured, indexes made, the catalogue loaded.

    Without `is_caching` every read asks the database, which benchmarks compare. Raises Unavailable or Conflict with
    a sentence that says what to do.
    """
    ring = key_ring(settings)
    servers = private_servers(settings, report)
    with ExitStack() as undone:  # what is open when something fails is closed again, servers last
        if servers:
            undone.callback(servers.stop)
        connections = connected(settings, servers, is_caching=is_caching)
        undone.callback(connections.close)
        _start(connections, settings, report)
        backend = _wired(settings, clock or SystemClock(), ring, connections, report)
        backend.limits.start()
        undone.pop_all()
    return replace(backend, servers=servers)


def _start(connections: Connections, settings: Settings, report: Report) -> None:
    try:
        connections.start(INDEXES, report)
    except Unavailable as error:
        if settings.mongodb_uri is None:
            raise
        raise Unavailable(
            _("MONGODB_URI leads to no usable database: {reason}").format(reason=error.message)
        ) from error


def _wired(settings: Settings, clock: Clock, ring: KeyRing, connections: Connections, report: Report) -> Backend:
    mongo, cache, events = connections.mongo, connections.cache, connections.events
    audit_queries = AuditQueries(mongo)
    audit_queries.prepare()
    trail = AuditTrail(audit_queries, clock)
    audit = AuditService(audit_queries, trail, clock, kept_days=settings.audit_days)
    chapters = ChapterService(ChapterQueries(mongo), mongo, cache, clock, trail)
    progress = ProgressService(ProgressQueries(mongo), chapters, mongo, cache, clock, events)
    chapters.follow(progress)
    projector_queries, board_queries = ProjectorQueries(mongo), BoardQueries(mongo)
    keeper = BoardKeeper(
        board_queries,
        connections.redis_client,
        cache,
        clock,
        events,
        namespace=settings.mongodb_database,
        is_projected=lambda: projector_queries.health().is_alive,
    )
    chapters.follow(keeper)
    added = chapters.load(catalogue())
    if added:
        report(_("{count} chapters loaded into the catalogue.").format(count=added))

    classroom_queries = ClassroomQueries(mongo)
    classrooms = ClassroomService(classroom_queries, mongo, cache, clock, events, trail, follower=keeper)
    people = _people(settings, clock, ring, connections, classroom_queries, trail, keeper)
    people.accounts.shut_demo_out()
    people.second_factor.reseal()
    projector = Projector(projector_queries, cache, keeper)
    figures = FigureQueries(mongo)
    statistics = StatisticsService(StatisticsQueries(mongo), figures, projector_queries, chapters, cache, clock)
    reports = ClassroomReports(classroom_queries, classrooms, progress, chapters, cache, clock, trail)
    warmer, runs = Warmer(cache), Runs(mongo)
    for service in (chapters, statistics, reports):
        service.warmed_by(warmer)
    jobs = JobService(runs, trail)
    rights = RightsService(
        RightsQueries(mongo),
        AccountQueries(mongo),
        projector,
        keeper,
        mongo,
        cache,
        clock,
        trail,
        forget_kept=lambda: redis.forget_everything(connections.redis_client, settings.mongodb_database),
        grace_days=settings.deletion_grace_days,
        idle_days=settings.idle_student_days,
    )
    kept = _kept(settings, clock, connections, trail, keeper, rights)
    return Backend(
        settings=settings,
        clock=clock,
        mongo=mongo,
        redis_client=connections.redis_client,
        cache=cache,
        events=events,
        accounts=people.accounts,
        administration=people.administration,
        second_factor=people.second_factor,
        chapters=chapters,
        progress=progress,
        overview=ProgressOverview(progress, chapters, clock),
        classrooms=classrooms,
        reports=reports,
        boards=BoardService(board_queries, keeper, classrooms, progress, cache, clock),
        statistics=statistics,
        class_statistics=ClassStatisticsService(
            figures, statistics, classrooms, reports, progress, chapters, cache, clock
        ),
        board_keeper=keeper,
        projector=projector,
        operations=_operations(settings, clock, connections, statistics, audit, jobs, kept.backups),
        audit=audit,
        trail=trail,
        rights=rights,
        limits=_limits(settings, clock, connections),
        metrics=connections.metrics,
        monitoring=Monitoring(connections.metrics, cache, trail, settings.metrics_token),
        replays=Replays(mongo, Sealer(ring, "replays"), SystemClock()),
        warmer=warmer,
        runs=runs,
        jobs=jobs,
        backups=kept.backups,
        restores=kept.restores,
        recorder=kept.recorder,
    )


def _domains(listed: str) -> frozenset[str]:
    return frozenset(listed.lower().replace(",", " ").split())


class _Kept(NamedTuple):
    backups: BackupService
    restores: RestoreService
    recorder: Recorder


def _kept(
    settings: Settings,
    clock: Clock,
    connections: Connections,
    trail: AuditTrail,
    keeper: BoardKeeper,
    rights: RightsService,
) -> _Kept:
    mongo, cache = connections.mongo, connections.cache
    queries, place = BackupQueries(mongo), settings.backup_place
    backups = BackupService(
        queries,
        open_store(place),
        trail,
        clock,
        place=place,
        secret=settings.backup_key.get_secret_value() if settings.backup_key else None,
        app_version=__version__,
        time_zone=settings.time_zone,
    )

    def empty_cache() -> None:
        for each in cache.statistics():
            cache.clear_region(each.name)

    # Who was deleted since is back for a moment; the cache and the boards know the present; a journal begins anew.
    afterwards = (rights.apply_tombstones, empty_cache, keeper.forget, backups.take)
    restores = RestoreService(backups, queries, mongo, trail, afterwards=afterwards)
    return _Kept(backups, restores, Recorder(backups, queries, place=place))


class _People(NamedTuple):
    accounts: AccountService
    administration: AccountAdministration
    second_factor: SecondFactor


def _people(
    settings: Settings,
    clock: Clock,
    ring: KeyRing,
    connections: Connections,
    classrooms: ClassroomQueries,
    trail: AuditTrail,
    follower: PersonFollower | None = None,
) -> _People:
    mongo, cache = connections.mongo, connections.cache
    queries, factors = AccountQueries(mongo), FactorQueries(mongo)
    sessions = Sessions(
        SessionQueries(mongo),
        queries,
        AccessTokens(ring),
        cache,
        clock,
        limits=settings.session_limits,
        second_factor_roles=settings.second_factor_roles,
        demo_allowed=settings.demo_allowed,
    )
    issuer = settings.school_name or _("Chapter Performance")
    second_factor = SecondFactor(factors, queries, sessions, Sealer(ring, "second factor"), clock, trail, issuer=issuer)
    accounts = AccountService(
        queries,
        classrooms,
        sessions,
        second_factor,
        cache,
        clock,
        connections.events,
        trail,
        SignInThrottle(connections.limiter, PlaceQueries(mongo), clock),
        time_zone=settings.time_zone,
        demo_allowed=settings.demo_allowed,
        sign_up_domains=_domains(settings.oidc_sign_up_domains),
        trusted_domains=_domains(settings.oidc_trusted_domains),
        follower=follower,
    )
    administration = AccountAdministration(
        queries, sessions, factors, cache, clock, trail, time_zone=settings.time_zone, follower=follower
    )
    return _People(accounts, administration, second_factor)


def _limits(settings: Settings, clock: Clock, connections: Connections) -> LimitService:
    allowances = Allowances.parsed(
        settings.rate_limit_anonymous, settings.rate_limit_user, settings.rate_limit_premium, settings.rate_limit_burst
    )
    probe = MachineProbe(connections.mongo.waits.longest)
    return LimitService(
        connections.limiter, Governor(probe), allowances, clock, probe, is_adaptive=settings.rate_limit_adaptive
    )


def _operations(
    settings: Settings,
    clock: Clock,
    connections: Connections,
    statistics: StatisticsService,
    audit: AuditService,
    jobs: JobService,
    backups: BackupService,
) -> OperationsService:
    return OperationsService(
        OperationQueries(connections.mongo, INDEXES),
        connections.redis_client,
        connections.cache,
        connections.metrics,
        clock,
        Surroundings(version=__version__, data_dir=settings.data_dir, is_production=settings.is_production),
        projector=statistics.projector_health,
        audit=audit.state,
        jobs=jobs.reports,
        backups=backups.state,
    )
