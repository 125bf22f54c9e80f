"""The health of the running system: checks in parallel, each bounded in time, kept for a few seconds."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from backend.accounts.models import Viewer
from backend.audit.models import ChainState
from backend.backups.models import BackupState
from backend.kit import log
from backend.kit import redis as redis_kit
from backend.kit.cache import Cache
from backend.kit.clock import Clock
from backend.kit.i18n import _, current_locale
from backend.kit.metrics import Registry
from backend.kit.probes import Probes
from backend.operations import checks, machine, timings
from backend.operations.jobs import JobReport
from backend.operations.models import (
    NOT_SERVING,
    Check,
    Counts,
    Health,
    Process,
    Readiness,
    State,
    Status,
    worst,
)
from backend.operations.queries import OperationQueries
from backend.operations.regions import regions
from backend.policy import authorise
from backend.statistics.models import ProjectorHealth

KEPT_SECONDS = 3.0
BOUND_SECONDS = 2.0
DECISIVE = ("mongodb", "disk")  # without these nothing can be saved
SERVICES = ("mongodb", "redis", "cache", "worker", "disk")

_log = log.get(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What the checks need to know of how this process was started."""

    version: str
    data_dir: Path
    is_production: bool


@dataclass(frozen=True)
class _Findings:
    checks: tuple[Check, ...]
    counts: Counts | None
    taken_at: float


class OperationsService:
    def __init__(
        self,
        queries: OperationQueries,
        redis: redis_kit.Client,
        cache: Cache,
        registry: Registry,
        clock: Clock,
        surroundings: Surroundings,
        *,
        projector: Callable[[], ProjectorHealth] | None = None,
        audit: Callable[[], ChainState | None] = lambda: None,
        jobs: Callable[[], tuple[JobReport, ...]] = lambda: (),
        backups: Callable[[], BackupState] = lambda: BackupState(is_configured=False),
    ) -> None:
        self._queries = queries
        self._redis = redis
        self._cache = cache
        self._registry = registry
        self._clock = clock
        self._surroundings = surroundings
        self._projector = projector
        self._audit = audit
        self._jobs = jobs
        self._backups = backups
        self._probes = Probes(BOUND_SECONDS)
        self._looking = threading.Lock()
        self._kept: dict[str, _Findings] = {}
        self._started_at = clock.now()
        self._started = monotonic()

    def health(self, viewer: Viewer) -> Health:
        """Everything about the running system, at most 3 s old. Raises NotSignedIn, NotAllowed unless an admin."""
        authorise(viewer, "operations.health")
        found = self._findings()
        return Health(
            state=worst(found.checks),
            is_ready=_is_ready(found.checks),
            checks=found.checks,
            process=self.live(),
            cache=regions(self._cache),
            timings=timings.by_kind(self._registry),
            slowest_queries=timings.slowest_queries(self._registry),
            counts=found.counts,
            as_of=self._clock.now(),
        )

    def status(self) -> Status:
        """What anybody may know, at most 3 s old: `is_ready` decides between HTTP 200 and 503. Never raises."""
        found, process = self._findings(), self.live()
        return Status(
            state=worst(found.checks),
            is_ready=_is_ready(found.checks),
            services=tuple(_for_anybody(each) for each in found.checks if each.name in SERVICES),
            uptime_seconds=process.uptime_seconds,
            memory_bytes=process.memory_bytes,
            timings=timings.by_kind(self._registry),
            as_of=self._clock.now(),
        )

    def live(self) -> Process:
        """That this process runs; touches nothing else. Never raises."""
        memory = machine.memory()
        return Process(
            version=self._surroundings.version,
            started_at=self._started_at,
            uptime_seconds=int(monotonic() - self._started),
            memory_bytes=memory.own_bytes,
            memory_share=memory.own_bytes / memory.total_bytes,
            threads=machine.threads(),
        )

    def ready(self) -> Readiness:
        """Whether MongoDB takes and gives back a value and the disk has room. Redis is soft: it never decides."""
        found = self._findings().checks
        wanted = tuple(_for_anybody(each) for each in found if each.name in (*DECISIVE, "redis"))
        return Readiness(is_ready=_is_ready(found), checks=wanted)

    def missing_indexes(self) -> tuple[str, ...]:
        """Declared indexes that the database lacks, for the job that makes them anew. Raises Unavailable."""
        return self._queries.missing_indexes()

    def close(self) -> None:
        """Start no more checks."""
        self._probes.close()

    def _findings(self) -> _Findings:
        """One look serves everybody who asks within 3 s; who comes during a look waits for it."""
        language = current_locale()
        with self._looking:
            kept = self._kept.get(language)
            if kept is None or monotonic() - kept.taken_at > KEPT_SECONDS:
                kept = self._kept[language] = self._look()
            return kept

    def _look(self) -> _Findings:
        found = self._probes.run({**self._checks(), "counts": self._queries.counts})
        counts = found.pop("counts")
        return _Findings(
            checks=tuple(_settled(name, found[name]) for name in checks.titles()),
            counts=counts if isinstance(counts, Counts) else None,
            taken_at=monotonic(),
        )

    def _checks(self) -> Mapping[str, Callable[[], Check]]:
        folder = self._surroundings.data_dir
        return {
            "mongodb": lambda: checks.mongodb(self._queries.deployment()),
            "redis": lambda: checks.redis(redis_kit.ping_by_value(self._redis), redis_kit.describe(self._redis)),
            "cache": lambda: checks.cache(self._cache.healthy, self._cache.statistics()),
            "worker": lambda: checks.worker(self._projector() if self._projector else None),
            "jobs": lambda: checks.jobs(self._jobs()),
            "indexes": lambda: checks.indexes(
                self._queries.missing_indexes(), self._queries.unused_indexes(self._clock.now())
            ),
            "backups": lambda: checks.backups(self._backups(), self._clock.now()),
            "disk": lambda: checks.disk(machine.disk(folder), str(folder)),
            "memory": lambda: checks.memory(machine.memory()),
            "secrets": lambda: checks.secrets(machine.readable_by_others(folder / "secrets")),
            "audit": lambda: checks.audit(self._audit()),
            "demo": lambda: checks.demo(self._queries.demo_people(), is_production=self._surroundings.is_production),
        }


def _settled(name: str, outcome: Any) -> Check:
    """The check itself, or what its failure means."""
    if isinstance(outcome, Check):
        return outcome
    if name == "mongodb":
        fix = _("Is the database server running, and is MONGODB_URI right? Nothing can be read or saved until it is.")
        return checks.check(name, "critical", _("It does not answer"), fix=fix)
    if name == "redis":
        fix = _("Is the Redis server running, and is REDIS_URL right? Pages work without it, only slower.")
        return checks.check(name, "warning", _("It does not answer"), fix=fix)
    state: State = "unknown"
    if not isinstance(outcome, TimeoutError):
        _log.warning("check_failed", check=name, error=repr(outcome))
    return checks.check(name, state, _("It could not be found out"), fix=_("See the other checks first."))


def _is_ready(found: tuple[Check, ...]) -> bool:
    return not any(each.name in DECISIVE and each.state in NOT_SERVING for each in found)


def _for_anybody(found: Check) -> Check:
    """A check without versions, names of servers and paths."""
    return Check(name=found.name, title=found.title, state=found.state, summary="", latency_ms=found.latency_ms)
