"""Builds the services that watch the running system: health, metrics, and this process's heartbeat."""

from dataclasses import dataclass
from functools import partial

from backend import __version__
from backend.accounts.place_queries import PlaceQueries
from backend.accounts.queries import AccountQueries
from backend.accounts.sessions import Sessions
from backend.accounts.throttle import SignInThrottle
from backend.backups.service import BackupService
from backend.connections import Connections
from backend.kit.breaker import BreakerFigures
from backend.kit.clock import SystemClock
from backend.kit.limiter.load_governor import Governor, MachineProbe
from backend.kit.observability import tracing
from backend.kit.observability.trend import Growth
from backend.kit.redis import forgetting, pool_metrics
from backend.kit.schedule.runs import Runs
from backend.limits.models import Allowances
from backend.limits.service import LimitService
from backend.operations.check_registry import CheckRegistry, RuntimeInfo, StatusSources
from backend.operations.heartbeat import Heartbeat, HeartbeatInputs
from backend.operations.jobs import JobService
from backend.operations.memory_trace import MemoryTracing
from backend.operations.metric_lines import Meters
from backend.operations.monitoring import Monitoring
from backend.operations.queries import OperationQueries
from backend.operations.server_queries import ServerQueries
from backend.operations.service import OperationsService
from backend.operations.slow_commands import SlowCommandStore
from backend.operations.slow_queries import SlowQueries
from backend.operations.vital_queries import VitalQueries
from backend.rights.queries import RightsQueries
from backend.rights.service import RightsService
from backend.wiring.backups import Copies, copies
from backend.wiring.base import Base
from backend.wiring.indexes import INDEXES
from backend.wiring.learning import Learning
from backend.wiring.tracing import begin as begin_tracing

SEEN_SECONDS = 45.0  # a presence looks every half minute; metrics take what it saw


@dataclass(frozen=True)
class Watching:
    operations: OperationsService
    monitoring: Monitoring
    presence: Heartbeat
    memory: MemoryTracing


@dataclass(frozen=True)
class Load:
    """The load governor of this machine, and the probe that it reads."""

    probe: MachineProbe
    governor: Governor

    def loop_delay(self) -> float | None:
        """Seconds that the event loop let its work wait at the last sample; None where no loop is watched."""
        return self.governor.state.readings.loop_delay_seconds if self.probe.is_watching else None


def watching(base: Base, learning: Learning, jobs: JobService, backups: BackupService, load: Load) -> Watching:
    """Health asks all the others; metrics and presence ask health."""
    connections, growth = base.connections, Growth()
    vitals = VitalQueries(connections.mongo)
    slow = SlowCommandStore(connections.mongo.slow, SlowQueries(connections.mongo))
    status_sources = StatusSources(
        projector=learning.statistics.projector_health,
        audit=base.audit.state,
        jobs=jobs.reports,
        backups=backups.state,
        mails=base.mails.state,
        breakers=lambda: _breakers(connections),
        instances=vitals.instances,
        loop_delay=load.loop_delay,
        growth=growth,
    )
    queries, cache, registry = OperationQueries(connections.mongo, INDEXES), connections.cache, connections.metrics
    check_registry = _sights(base, queries, status_sources)
    operations = OperationsService(queries, vitals, check_registry, cache, registry, base.clock, __version__)
    heartbeat_inputs = HeartbeatInputs(
        look=operations.look,
        loop_delay=load.loop_delay,
        growth=growth,
        chores=(slow.keep,),
        begin=partial(begin_tracing, base.settings),
        end=tracing.end,
    )
    presence = Heartbeat(vitals, registry, cache, SystemClock(), heartbeat_inputs, version=__version__)
    meters = _meters(base, operations, presence, load, slow)
    monitoring = Monitoring(registry, cache, base.trail, base.settings.metrics_token, meters, slow)
    return Watching(operations, monitoring, presence, MemoryTracing(base.trail))


def _breakers(connections: Connections) -> tuple[BreakerFigures, ...]:
    return tuple(each.read() for each in connections.breakers.values())


def _meters(
    base: Base, operations: OperationsService, presence: Heartbeat, load: Load, slow: SlowCommandStore
) -> Meters:
    connections, is_adaptive = base.connections, base.settings.rate_limit_adaptive
    return Meters(
        version=__version__,
        role=lambda: presence.role,
        checks=lambda: operations.seen(SEEN_SECONDS),
        breakers=lambda: _breakers(connections),
        pools={
            "mongodb": connections.mongo.waits.connections,
            "redis": lambda: pool_metrics.connections(connections.redis_client),
        },
        limiter=connections.limiter,
        share=lambda: load.governor.share if is_adaptive else 1.0,
        loop_delay=load.loop_delay,
        slow_operations=lambda: slow.count,
    )


def _sights(base: Base, queries: OperationQueries, status_sources: StatusSources) -> CheckRegistry:
    connections, settings = base.connections, base.settings
    runtime_info = RuntimeInfo(
        version=__version__,
        data_dir=settings.data_dir,
        is_production=settings.is_production,
        keeps_journal=settings.keeps_journal,
        public_url=settings.public_url,
        certificate_file=settings.certificate_file,
        keys=base.ring.keys,
    )
    return CheckRegistry(
        queries,
        ServerQueries(connections.mongo),
        connections.redis_client,
        connections.cache,
        base.clock,
        runtime_info,
        status_sources,
    )


@dataclass(frozen=True)
class Keeping:
    rights: RightsService
    copies: Copies
    limits: LimitService
    runs: Runs
    jobs: JobService
    operations: OperationsService
    monitoring: Monitoring
    presence: Heartbeat
    memory: MemoryTracing


def keeping(base: Base, learning: Learning, sessions: Sessions) -> Keeping:
    """Health asks all the others."""
    runs = Runs(base.connections.mongo)
    load = _load(base)
    limits = _limits(base, load)
    rights, jobs = _rights(base, learning, limits), JobService(runs, base.trail)
    kept = copies(base, learning, rights, runs, sessions)
    watch = watching(base, learning, jobs, kept.backups, load)
    return Keeping(
        rights=rights,
        copies=kept,
        limits=limits,
        runs=runs,
        jobs=jobs,
        operations=watch.operations,
        monitoring=watch.monitoring,
        presence=watch.presence,
        memory=watch.memory,
    )


def _rights(base: Base, learning: Learning, limits: LimitService) -> RightsService:
    settings, connections = base.settings, base.connections
    throttle = SignInThrottle(connections.limiter, PlaceQueries(connections.mongo), base.clock)

    def forget_limits(user_id: str) -> None:
        limits.forget(user_id)
        throttle.forget(user_id)

    return RightsService(
        RightsQueries(connections.mongo),
        AccountQueries(connections.mongo),
        learning.projector,
        learning.board_store,
        connections.mongo,
        connections.cache,
        base.clock,
        base.trail,
        forget_limits=forget_limits,
        forget_kept=partial(forgetting.forget, connections.redis_client, settings.mongodb_database),
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
