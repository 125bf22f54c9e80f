"""What keeps a school safe and running: rights, backups, limits, jobs and health."""

from dataclasses import dataclass

from backend.accounts.queries import AccountQueries
from backend.accounts.sessions import Sessions
from backend.kit import redis
from backend.kit.load import Governor, MachineProbe
from backend.kit.schedule_runs import Runs
from backend.limits.models import Allowances
from backend.limits.service import LimitService
from backend.operations.jobs import JobService
from backend.operations.memory_trace import MemoryTracing
from backend.operations.monitoring import Monitoring
from backend.operations.presence import Presence
from backend.operations.service import OperationsService
from backend.rights.queries import RightsQueries
from backend.rights.service import RightsService
from backend.wiring.backups import Copies, copies
from backend.wiring.base import Base
from backend.wiring.learning import Learning
from backend.wiring.watching import Load, watching


@dataclass(frozen=True)
class Keeping:
    rights: RightsService
    copies: Copies
    limits: LimitService
    runs: Runs
    jobs: JobService
    operations: OperationsService
    monitoring: Monitoring
    presence: Presence
    memory: MemoryTracing


def keeping(base: Base, learning: Learning, sessions: Sessions) -> Keeping:
    """Health asks all the others."""
    runs = Runs(base.connections.mongo)
    rights, jobs = _rights(base, learning), JobService(runs, base.trail)
    kept, load = copies(base, learning, rights, runs, sessions), _load(base)
    watch = watching(base, learning, jobs, kept.backups, load)
    return Keeping(
        rights=rights,
        copies=kept,
        limits=_limits(base, load),
        runs=runs,
        jobs=jobs,
        operations=watch.operations,
        monitoring=watch.monitoring,
        presence=watch.presence,
        memory=watch.memory,
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


def _load(base: Base) -> Load:
    probe = MachineProbe(base.connections.mongo.waits.longest)
    return Load(probe, Governor(probe))


def _limits(base: Base, load: Load) -> LimitService:
    settings, connections = base.settings, base.connections
    allowances = Allowances.parsed(
        settings.rate_limit_anonymous, settings.rate_limit_user, settings.rate_limit_premium, settings.rate_limit_burst
    )
    return LimitService(
        connections.limiter,
        load.governor,
        allowances,
        base.clock,
        load.probe,
        is_adaptive=settings.rate_limit_adaptive,
    )
