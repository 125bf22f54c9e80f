"""What watches over the running system: health, metrics, and this process's place among all."""

from dataclasses import dataclass
from functools import partial

from backend import __version__
from backend.backups.service import BackupService
from backend.connections import Connections
from backend.kit import redis_pool, traces
from backend.kit.breaker import BreakerFigures
from backend.kit.clock import SystemClock
from backend.kit.growth import Growth
from backend.kit.load import Governor, MachineProbe
from backend.operations.jobs import JobService
from backend.operations.memory_trace import MemoryTracing
from backend.operations.metric_lines import Meters
from backend.operations.monitoring import Monitoring
from backend.operations.presence import Presence, Senses
from backend.operations.queries import OperationQueries
from backend.operations.server_queries import ServerQueries
from backend.operations.service import OperationsService
from backend.operations.sights import Sights, Surroundings, Witnesses
from backend.operations.slow_keeper import SlowKeeper
from backend.operations.slow_queries import SlowQueries
from backend.operations.vital_queries import VitalQueries
from backend.wiring import tracing
from backend.wiring.base import Base
from backend.wiring.indexes import INDEXES
from backend.wiring.learning import Learning

SEEN_SECONDS = 45.0  # a presence looks every half minute; metrics take what it saw


@dataclass(frozen=True)
class Watching:
    operations: OperationsService
    monitoring: Monitoring
    presence: Presence
    memory: MemoryTracing


@dataclass(frozen=True)
class Load:
    """What follows the load of this machine, and what it reads."""

    probe: MachineProbe
    governor: Governor

    def loop_delay(self) -> float | None:
        """Seconds that the event loop let its work wait at the last sample; None where no loop is watched."""
        return self.governor.state.readings.loop_delay_seconds if self.probe.is_watching else None


def watching(base: Base, learning: Learning, jobs: JobService, backups: BackupService, load: Load) -> Watching:
    """Health asks all the others; metrics and presence ask health."""
    connections, growth = base.connections, Growth()
    vitals = VitalQueries(connections.mongo)
    slow = SlowKeeper(connections.mongo.slow, SlowQueries(connections.mongo))
    witnesses = Witnesses(
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
    sights = _sights(base, queries, witnesses)
    operations = OperationsService(queries, vitals, sights, cache, registry, base.clock, __version__)
    senses = Senses(
        look=operations.look,
        loop_delay=load.loop_delay,
        growth=growth,
        chores=(slow.keep,),
        begin=partial(tracing.begin, base.settings),
        end=traces.end,
    )
    presence = Presence(vitals, registry, cache, SystemClock(), senses, version=__version__)
    meters = _meters(base, operations, presence, load, slow)
    monitoring = Monitoring(registry, cache, base.trail, base.settings.metrics_token, meters, slow)
    return Watching(operations, monitoring, presence, MemoryTracing(base.trail))


def _breakers(connections: Connections) -> tuple[BreakerFigures, ...]:
    return tuple(each.read() for each in connections.breakers.values())


def _meters(base: Base, operations: OperationsService, presence: Presence, load: Load, slow: SlowKeeper) -> Meters:
    connections, is_adaptive = base.connections, base.settings.rate_limit_adaptive
    return Meters(
        version=__version__,
        role=lambda: presence.role,
        checks=lambda: operations.seen(SEEN_SECONDS),
        breakers=lambda: _breakers(connections),
        pools={
            "mongodb": connections.mongo.waits.connections,
            "redis": lambda: redis_pool.connections(connections.redis_client),
        },
        limiter=connections.limiter,
        share=lambda: load.governor.share if is_adaptive else 1.0,
        loop_delay=load.loop_delay,
        slow_operations=lambda: slow.count,
    )


def _sights(base: Base, queries: OperationQueries, witnesses: Witnesses) -> Sights:
    connections, settings = base.connections, base.settings
    surroundings = Surroundings(
        version=__version__,
        data_dir=settings.data_dir,
        is_production=settings.is_production,
        keeps_journal=settings.keeps_journal,
        public_url=settings.public_url,
        certificate_file=settings.certificate_file,
        keys=base.ring.keys,
    )
    return Sights(
        queries,
        ServerQueries(connections.mongo),
        connections.redis_client,
        connections.cache,
        base.clock,
        surroundings,
        witnesses,
    )
