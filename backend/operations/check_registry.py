"""The checks of a process: each asks one part of the system one question and rates the answer (see checks)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from backend.audit.models import ChainState
from backend.backups.models import BackupState
from backend.kit.breaker import BreakerFigures
from backend.kit.cache import Cache
from backend.kit.clock import Clock, SystemClock
from backend.kit.i18n import current_locale
from backend.kit.observability.trend import Growth
from backend.kit.redis import client as redis_kit
from backend.kit.security import certificates
from backend.kit.security.certificates import Certificate
from backend.kit.security.keys import Key
from backend.mails.models import OutboxState
from backend.operations import checks, machine, machine_checks
from backend.operations.checks import mail
from backend.operations.jobs import JobReport
from backend.operations.models import Check, Instance
from backend.operations.queries import OperationQueries
from backend.operations.server_queries import ServerQueries
from backend.statistics.models import ProjectorHealth

Look = Callable[[], Check]

INDEXES_SECONDS = 120.0
CERTIFICATE_SECONDS = 900.0
OPLOG_SECONDS = 60.0


@dataclass(frozen=True)
class RuntimeInfo:
    """Facts about how this process was started, for the checks."""

    version: str
    data_dir: Path
    is_production: bool
    keeps_journal: bool = False
    public_url: str | None = None
    certificate_file: Path | None = None
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class StatusSources:
    """Parts of the product that report their own state."""

    projector: Callable[[], ProjectorHealth | None] = lambda: None
    audit: Callable[[], ChainState | None] = lambda: None
    jobs: Callable[[], tuple[JobReport, ...]] = lambda: ()
    backups: Callable[[], BackupState] = lambda: BackupState(is_configured=False)
    mails: Callable[[], OutboxState] = lambda: OutboxState(is_configured=False)
    breakers: Callable[[], Sequence[BreakerFigures]] = lambda: ()
    instances: Callable[[], tuple[Instance, ...]] = lambda: ()
    loop_delay: Callable[[], float | None] = lambda: None
    growth: Growth = field(default_factory=Growth)


class CheckRegistry:
    """The checks of one process. A costly check that passed is not repeated for a while."""

    def __init__(
        self,
        queries: OperationQueries,
        server: ServerQueries,
        redis: redis_kit.Client,
        cache: Cache,
        clock: Clock,
        runtime_info: RuntimeInfo,
        status_sources: StatusSources,
        machine_clock: Clock | None = None,
    ) -> None:
        self._queries = queries
        self._server = server
        self._redis = redis
        self._cache = cache
        self._clock = clock
        self._around = runtime_info
        self._say = status_sources
        self._machine_clock = machine_clock or SystemClock()
        self._kept: dict[tuple[str, str], tuple[float, Check]] = {}

    def all(self) -> Mapping[str, Look]:
        """Each check by its name."""
        return {**self._of_servers(), **self._of_data(), **self._of_machine()}

    def _of_servers(self) -> Mapping[str, Look]:
        say = self._say
        return {
            "mongodb": lambda: checks.mongodb(self._queries.deployment()),
            "release": lambda: checks.release(self._server.version(), self._clock.now().date()),
            "replicas": lambda: checks.replicas(self._server.behind()),
            "oplog": self._seldom(
                "oplog",
                OPLOG_SECONDS,
                lambda: checks.oplog(self._server.oplog(), keeps_journal=self._around.keeps_journal),
            ),
            "redis": lambda: checks.redis(redis_kit.ping_by_value(self._redis), redis_kit.describe(self._redis)),
            "cache": lambda: checks.cache(self._cache.healthy, self._cache.statistics()),
            "breakers": lambda: checks.breakers(say.breakers()),
            "instances": lambda: checks.instances(say.instances()),
            "clock": lambda: machine_checks.clock(self._server.skew_seconds(self._machine_clock)),
        }

    def _of_data(self) -> Mapping[str, Look]:
        say, around = self._say, self._around
        return {
            "worker": lambda: checks.worker(say.projector()),
            "jobs": lambda: checks.jobs(say.jobs()),
            "indexes": self._seldom("indexes", INDEXES_SECONDS, self._indexes),
            "backups": lambda: checks.backups(say.backups(), self._clock.now()),
            "mail": lambda: mail(say.mails(), self._clock.now()),
            "audit": lambda: checks.audit(say.audit()),
            "demo": lambda: checks.demo(self._queries.demo_people(), is_production=around.is_production),
        }

    def _of_machine(self) -> Mapping[str, Look]:
        say, folder = self._say, self._around.data_dir
        return {
            "disk": lambda: machine_checks.disk(machine.disk(folder), str(folder)),
            "memory": lambda: machine_checks.memory(machine.memory()),
            "growth": lambda: machine_checks.growth(say.growth.slope(), machine.handles()),
            "files": lambda: machine_checks.files(machine.handles()),
            "loop": lambda: machine_checks.loop(say.loop_delay()),
            "certificate": self._seldom("certificate", CERTIFICATE_SECONDS, self._certificate),
            "secrets": self._secrets,
        }

    def _indexes(self) -> Check:
        unused = self._queries.unused_indexes(self._clock.now())
        return checks.indexes(self._queries.missing_indexes(), unused, self._server.building())

    def _certificate(self) -> Check:
        found: Certificate | None = None
        if self._around.certificate_file:
            found = certificates.of_file(self._around.certificate_file)
        elif self._around.public_url and self._around.public_url.startswith("https://"):
            found = certificates.of_address(self._around.public_url)
        now = self._machine_clock.now()
        return machine_checks.certificate(found, now, is_production=self._around.is_production)

    def _secrets(self) -> Check:
        folder, keys = self._around.data_dir / "secrets", self._around.keys
        is_kept_here = len(keys) == 1 and keys[0].until is None
        age = machine.age_days(folder / "jwt") if is_kept_here else None
        today = self._machine_clock.now().date()
        return machine_checks.secrets(machine.readable_by_others(folder), keys, today, age)

    def _seldom(self, name: str, seconds: float, look: Look) -> Look:
        def kept() -> Check:
            place = (name, current_locale())
            at, found = self._kept.get(place, (0.0, None))
            if found is None or found.state != "ok" or monotonic() - at > seconds:
                found = look()
                self._kept[place] = (monotonic(), found)
            return found

        return kept
