"""What keeps a school safe and running: rights, backups, limits, jobs and health."""

from dataclasses import dataclass

from backend import __version__
from backend.accounts.queries import AccountQueries
from backend.backups.queries import BackupQueries
from backend.backups.recorder import Recorder
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.kit import redis
from backend.kit.archive import open_store
from backend.kit.load import Governor, MachineProbe
from backend.kit.schedule_runs import Runs
from backend.limits.models import Allowances
from backend.limits.service import LimitService
from backend.operations.jobs import JobService
from backend.operations.monitoring import Monitoring
from backend.operations.queries import OperationQueries
from backend.operations.service import OperationsService, Surroundings
from backend.rights.queries import RightsQueries
from backend.rights.service import RightsService
from backend.wiring.base import Base
from backend.wiring.indexes import INDEXES
from backend.wiring.learning import Learning


@dataclass(frozen=True)
class Keeping:
    rights: RightsService
    backups: BackupService
    restores: RestoreService
    recorder: Recorder
    limits: LimitService
    runs: Runs
    jobs: JobService
    operations: OperationsService
    monitoring: Monitoring


def keeping(base: Base, learning: Learning) -> Keeping:
    """Health asks all the others."""
    connections, runs = base.connections, Runs(base.connections.mongo)
    rights, jobs = _rights(base, learning), JobService(runs, base.trail)
    queries, place = BackupQueries(connections.mongo), base.settings.backup_place
    backups = _backups(base, queries)
    return Keeping(
        rights=rights,
        backups=backups,
        restores=_restores(base, learning, rights, backups, queries),
        recorder=Recorder(backups, queries, place=place),
        limits=_limits(base),
        runs=runs,
        jobs=jobs,
        operations=_operations(base, learning, jobs, backups),
        monitoring=Monitoring(connections.metrics, connections.cache, base.trail, base.settings.metrics_token),
    )


def _rights(base: Base, learning: Learning) -> RightsService:
    settings, connections = base.settings, base.connections
    return RightsService(
        RightsQueries(connections.mongo),
        AccountQueries(connections.mongo),
        learning.projector,
        learning.board_keeper,
        connections.mongo,
        connections.cache,
        base.clock,
        base.trail,
        forget_kept=lambda: redis.forget_everything(connections.redis_client, settings.mongodb_database),
        grace_days=settings.deletion_grace_days,
        idle_days=settings.idle_student_days,
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
    )


def _restores(
    base: Base, learning: Learning, rights: RightsService, backups: BackupService, queries: BackupQueries
) -> RestoreService:
    cache = base.connections.cache

    def empty_cache() -> None:
        for each in cache.statistics():
            cache.clear_region(each.name)

    # Who was deleted since is back for a moment; the cache and the boards know the present; a journal begins anew.
    afterwards = (rights.apply_tombstones, empty_cache, learning.board_keeper.forget, backups.take)
    return RestoreService(backups, queries, base.connections.mongo, base.trail, afterwards=afterwards)


def _limits(base: Base) -> LimitService:
    settings, connections = base.settings, base.connections
    allowances = Allowances.parsed(
        settings.rate_limit_anonymous, settings.rate_limit_user, settings.rate_limit_premium, settings.rate_limit_burst
    )
    probe = MachineProbe(connections.mongo.waits.longest)
    return LimitService(
        connections.limiter, Governor(probe), allowances, base.clock, probe, is_adaptive=settings.rate_limit_adaptive
    )


def _operations(base: Base, learning: Learning, jobs: JobService, backups: BackupService) -> OperationsService:
    connections, settings = base.connections, base.settings
    return OperationsService(
        OperationQueries(connections.mongo, INDEXES),
        connections.redis_client,
        connections.cache,
        connections.metrics,
        base.clock,
        Surroundings(version=__version__, data_dir=settings.data_dir, is_production=settings.is_production),
        projector=learning.statistics.projector_health,
        audit=base.audit.state,
        jobs=jobs.reports,
        backups=backups.state,
    )
