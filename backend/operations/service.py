"""The health of the running system: checks in parallel, each bounded in time, kept for a few seconds."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

from backend.accounts.models import Viewer
from backend.errors import AppError
from backend.kit.cache import Cache
from backend.kit.clock import Clock, SystemClock
from backend.kit.i18n import _, current_locale
from backend.kit.observability import log
from backend.kit.observability.metrics import Registry
from backend.kit.parallel_checks import Probes
from backend.operations import machine, timings
from backend.operations.check_registry import CheckRegistry
from backend.operations.check_titles import check, titles
from backend.operations.models import (
    NOT_SERVING,
    Check,
    Health,
    History,
    Instance,
    OperationsCounts,
    Process,
    Readiness,
    Status,
    worst,
)
from backend.operations.queries import OperationQueries
from backend.operations.vital_queries import VitalQueries
from backend.operations.vitals import by_minute
from backend.policy import authorise

SHOWN = timedelta(hours=1)
HISTORY_SECONDS = 10.0
KEPT_SECONDS = 3.0
BOUND_SECONDS = 2.0
DECISIVE = ("mongodb", "disk")  # without these nothing can be saved
PRIVATE = frozenset({"secrets", "audit", "demo", "release"})  # problems there would help an attacker

_log = log.get(__name__)


@dataclass
class _Findings:
    checks: tuple[Check, ...]
    counts: OperationsCounts | None
    instances: tuple[Instance, ...]
    taken_at: float
    health: Health | None = None
    status: Status | None = None


class OperationsService:
    def __init__(
        self,
        queries: OperationQueries,
        vitals: VitalQueries,
        check_registry: CheckRegistry,
        cache: Cache,
        registry: Registry,
        clock: Clock,
        version: str,
    ) -> None:
        self._queries = queries
        self._vitals = vitals
        self._check_registry = check_registry
        self._cache = cache
        self._registry = registry
        self._clock = clock
        self._machine_clock = SystemClock()
        self._version = version
        self._probes = Probes(BOUND_SECONDS)
        self._looking = threading.Lock()
        self._kept: dict[str, _Findings] = {}
        self._drawing = threading.Lock()
        self._history: tuple[float, History] | None = None
        self._started_at = clock.now()
        self._started = monotonic()

    def health(self, viewer: Viewer) -> Health:
        """Everything about the running system, at most 3 s old. Raises NotSignedIn, NotAllowed unless an admin."""
        authorise(viewer, "operations.health")
        found = self._findings()
        if found.health is None:  # made once for each look: adding up all times takes longer than drawing them
            found.health = self._health(found)
        return found.health

    def _health(self, found: _Findings) -> Health:
        return Health(
            state=worst(found.checks),
            is_ready=_is_ready(found.checks),
            checks=found.checks,
            process=self.live(),
            cache=self._cache.statistics(),
            timings=timings.by_kind(self._registry),
            slowest_queries=timings.slowest_queries(self._registry),
            counts=found.counts,
            instances=found.instances,
            as_of=self._clock.now(),
        )

    def history(self, viewer: Viewer) -> History:
        """The last hour of all processes by minutes, at most 10 s old. For admins. Raises Unavailable."""
        authorise(viewer, "operations.history")
        with self._drawing:
            if self._history is None or monotonic() - self._history[0] > HISTORY_SECONDS:
                now = self._machine_clock.now()
                points = by_minute(self._vitals.since(now - SHOWN))
                self._history = (monotonic(), History(points=points, as_of=now))
            return self._history[1]

    def look(self) -> tuple[Check, ...]:
        """Every check, at most 3 s old, for the log and for monitors. Never raises."""
        return self._findings().checks

    def seen(self, seconds: float) -> tuple[Check, ...]:
        """Every check as it was found at most so long ago, else anew. Never raises."""
        kept = self._kept.get(current_locale())
        return kept.checks if kept and monotonic() - kept.taken_at <= seconds else self.look()

    def status(self) -> Status:
        """Return the public status, at most 3 s old: `is_ready` decides between HTTP 200 and 503. Never raises."""
        found = self._findings()
        if found.status is None:
            process = self.live()
            found.status = Status(
                state=worst(found.checks),
                is_ready=_is_ready(found.checks),
                services=tuple(_for_anybody(each) for each in found.checks if each.name not in PRIVATE),
                uptime_seconds=process.uptime_seconds,
                memory_bytes=process.memory_bytes,
                timings=timings.by_kind(self._registry),
                as_of=self._clock.now(),
            )
        return found.status

    def live(self) -> Process:
        """That this process runs; touches nothing else. Never raises."""
        memory = machine.memory()
        return Process(
            version=self._version,
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
        """Run the checks at most once in 3 s; a caller during a run waits for it."""
        language = current_locale()
        with self._looking:
            kept = self._kept.get(language)
            if kept is None or monotonic() - kept.taken_at > KEPT_SECONDS:
                kept = self._kept[language] = self._look()
            return kept

    def _look(self) -> _Findings:
        found = self._probes.run(
            {**self._check_registry.all(), "counts": self._queries.counts, "present": self._vitals.instances}
        )
        counts, present = found.pop("counts"), found.pop("present")
        return _Findings(
            checks=tuple(_settled(name, found[name]) for name in titles()),
            counts=counts if isinstance(counts, OperationsCounts) else None,
            instances=present if isinstance(present, tuple) else (),
            taken_at=monotonic(),
        )


def _settled(name: str, outcome: Any) -> Check:
    """The check itself, or what its failure means."""
    if isinstance(outcome, Check):
        return outcome
    if name == "mongodb":
        fix = _("Is the database server running, and is MONGODB_URI right? Nothing can be read or saved until it is.")
        return check(name, "critical", _("It does not answer"), fix=fix)
    if name == "redis":
        fix = _("Is the Redis server running, and is REDIS_URL right? Pages work without it, only slower.")
        return check(name, "warning", _("It does not answer"), fix=fix)
    if name == "certificate":
        fix = _(
            "Can this machine reach PUBLIC_URL? Where it cannot, name the file of the certificate in CERTIFICATE_FILE."
        )
        return check(name, "unknown", _("It could not be read"), detail=str(outcome), fix=fix)
    if not isinstance(outcome, TimeoutError | AppError):
        _log.warning("check_failed", check=name, error=repr(outcome))
    return check(name, "unknown", _("It could not be determined"), fix=_("See the other checks first."))


def _is_ready(found: tuple[Check, ...]) -> bool:
    return not any(each.name in DECISIVE and each.state in NOT_SERVING for each in found)


def _for_anybody(found: Check) -> Check:
    """A check without versions, names of servers and paths."""
    return Check(name=found.name, title=found.title, state=found.state, summary="", latency_ms=found.latency_ms)
