"""The services that watch the running system: health, metrics, jobs, and this process's heartbeat."""

from functools import partial

from backend import __version__
from backend.connections import Setup
from backend.kit.breaker import BreakerFigures
from backend.kit.clock import SystemClock
from backend.kit.observability import tracing
from backend.kit.observability.trend import Growth
from backend.kit.redis import pool_metrics
from backend.operations.check_registry import CheckRegistry, RuntimeInfo, StatusSources
from backend.operations.heartbeat import Heartbeat, HeartbeatInputs
from backend.operations.jobs import JobService
from backend.operations.memory_trace import MemoryTracing
from backend.operations.metric_families import Meters
from backend.operations.monitoring import Monitoring
from backend.operations.queries import OperationQueries
from backend.operations.server_queries import ServerQueries
from backend.operations.service import OperationsService
from backend.operations.slow_commands import SlowCommandStore
from backend.operations.slow_queries import SlowQueries
from backend.operations.vital_queries import VitalQueries
from backend.wiring.backups import BackupServices
from backend.wiring.indexes import INDEXES
from backend.wiring.tracing import begin as begin_tracing

SEEN_SECONDS = 45.0  # a heartbeat looks every half minute; metrics take what it saw


class OperationServices(BackupServices):
    """Health asks all the others; metrics and heartbeat ask health."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        mongo, cache, registry, growth = self.mongo, self.cache, self.metrics, Growth()
        queries, vitals = OperationQueries(mongo, INDEXES), VitalQueries(mongo)
        slow = SlowCommandStore(mongo.slow, SlowQueries(mongo))
        self.jobs = JobService(self.runs, self.trail)
        checks = self._check_registry(queries, vitals, growth)
        self.operations = OperationsService(queries, vitals, checks, cache, registry, self.clock, __version__)
        inputs = HeartbeatInputs(
            look=self.operations.look,
            loop_delay=self._load.loop_delay,
            growth=growth,
            chores=(slow.keep,),
            begin=partial(begin_tracing, self.settings),
            end=tracing.end,
        )
        self.heartbeat = Heartbeat(vitals, registry, cache, SystemClock(), inputs, version=__version__)
        self.monitoring = Monitoring(registry, cache, self.trail, self.settings.metrics_token, self._meters(slow), slow)
        self.memory = MemoryTracing(self.trail)
        for each in (self.operations, self.memory, self.heartbeat):
            setup.resources.callback(each.close)

    def _check_registry(self, queries: OperationQueries, vitals: VitalQueries, growth: Growth) -> CheckRegistry:
        settings = self.settings
        runtime_info = RuntimeInfo(
            version=__version__,
            data_dir=settings.data_dir,
            is_production=settings.is_production,
            keeps_journal=settings.keeps_journal,
            public_url=settings.public_url,
            certificate_file=settings.certificate_file,
            keys=self._keys.keys,
        )
        status_sources = StatusSources(
            projector=self.statistics.projector_health,
            audit=self.audit.state,
            jobs=self.jobs.reports,
            backups=self.backups.state,
            mails=self.mails.state,
            breakers=self._breakers,
            instances=vitals.instances,
            loop_delay=self._load.loop_delay,
            growth=growth,
        )
        return CheckRegistry(
            queries,
            ServerQueries(self.mongo),
            self.redis_client,
            self.cache,
            self.clock,
            runtime_info,
            status_sources,
        )

    def _meters(self, slow: SlowCommandStore) -> Meters:
        is_adaptive = self.settings.rate_limit_adaptive
        return Meters(
            version=__version__,
            role=lambda: self.heartbeat.role,
            checks=lambda: self.operations.seen(SEEN_SECONDS),
            breakers=self._breakers,
            pools={
                "mongodb": self.mongo.waits.connections,
                "redis": lambda: pool_metrics.connections(self.redis_client),
            },
            limiter=self.limiter,
            share=lambda: self._load.governor.share if is_adaptive else 1.0,
            loop_delay=self._load.loop_delay,
            slow_operations=lambda: slow.count,
        )

    def _breakers(self) -> tuple[BreakerFigures, ...]:
        return tuple(each.read() for each in self.breakers.values())
