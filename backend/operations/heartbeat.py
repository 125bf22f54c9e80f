"""The heartbeat of a process: it reports every few seconds, stores measurements and runs checks."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from backend.errors import AppError
from backend.kit.cache import Cache
from backend.kit.clock import Clock
from backend.kit.mongo.client import new_id
from backend.kit.observability import log
from backend.kit.observability.metrics import REQUESTS, SCRIPT_RUNS, Figures, Registry, merged, since
from backend.kit.observability.trend import Growth
from backend.operations import machine
from backend.operations.models import Check, Instance
from backend.operations.vital_queries import VitalQueries
from backend.operations.vitals import Vital, packed

Role = Literal["web", "api", "worker"]

TICK_SECONDS = 1.0
BEAT_SECONDS = 5.0
SAMPLE_SECONDS = 30.0
QUIET = frozenset({"ok", "info", "unknown"})

_log = log.get(__name__)


@dataclass(frozen=True)
class HeartbeatInputs:
    """Inputs of the heartbeat besides the machine. `look` runs every check; `chores` run after it.

    `begin` (called with role and id of the process) and `end` start and stop the traces with it.
    """

    look: Callable[[], Sequence[Check]]
    loop_delay: Callable[[], float | None]
    growth: Growth
    chores: Sequence[Callable[[], object]] = ()
    begin: Callable[[str, str], None] = lambda _role, _instance: None
    end: Callable[[], None] = lambda: None


@dataclass
class _Counted:
    """The values of the counters at the last sample."""

    times: dict[str, Figures]
    hits: int
    reads: int
    at: float


class Heartbeat:
    """Started and closed by processes that serve; not by tests and commands."""

    def __init__(
        self,
        queries: VitalQueries,
        registry: Registry,
        cache: Cache,
        clock: Clock,
        inputs: HeartbeatInputs,
        *,
        version: str,
    ) -> None:
        self._queries = queries
        self._registry = registry
        self._cache = cache
        self._clock = clock
        self._inputs = inputs
        self._version = version
        self._id = new_id()
        self._started_at = clock.now()
        self._role: Role = "web"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._saying = threading.Lock()  # a slow heartbeat must not be written after the goodbye
        self._is_gone = False
        self._counted = self._count()
        self._cpu = (monotonic(), machine.handles().cpu_seconds)
        self._slowest: float | None = None
        self._per_minute = 0.0
        self._states: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The id of this process, unique among all."""
        return self._id

    @property
    def role(self) -> Role:
        """The role with which this process was started."""
        return self._role

    def everyone(self) -> tuple[Instance, ...]:
        """Return the instances that are alive or fell silent in the last ten minutes. Raises Unavailable."""
        return self._queries.instances()

    def start(self, role: Role) -> None:
        """Start the thread; call it once."""
        self._role = role
        log.serve(role=role, instance=self._id)
        self._inputs.begin(role, self._id)
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and say goodbye to the others."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            self._thread = None
            self._quietly("goodbye_not_said", self._leave)
            self._quietly("traces_not_sent", self._inputs.end)

    def beat(self) -> None:
        """Say that this process is there; nothing once it has left. Raises Unavailable."""
        memory, handles, now = machine.memory(), machine.handles(), monotonic()
        (then, cpu), self._cpu = self._cpu, (now, handles.cpu_seconds)
        fields = {
            "role": self._role,
            "version": self._version,
            "host": machine.host(),
            "pid": os.getpid(),
            "startedAt": self._started_at,
            "cpuShare": round((handles.cpu_seconds - cpu) / max(0.001, now - then), 3),
            "memoryBytes": memory.own_bytes,
            "threads": handles.threads,
            "requestsPerMinute": round(self._per_minute, 1),
        }
        with self._saying:
            if not self._is_gone:
                self._queries.beat(self._id, {name: {"$literal": value} for name, value in fields.items()})

    def _leave(self) -> None:
        with self._saying:
            self._is_gone = True
            self._queries.leave(self._id)

    def sample(self) -> Vital:
        """Look at everything, keep what was measured since the last sample, and return it. Raises Unavailable."""
        checks = self._look()
        before, self._counted = self._counted, self._count()
        now, memory = self._counted, machine.memory().own_bytes
        self._inputs.growth.add(monotonic(), memory)
        requests, runs = (since(now.times[kind], before.times[kind]) for kind in (REQUESTS, SCRIPT_RUNS))
        self._per_minute = (requests.count + runs.count) * 60 / max(0.001, now.at - before.at)
        slowest, self._slowest = self._slowest, None
        vital = Vital(
            at=self._clock.now(),
            instance=self._id,
            requests=packed(requests),
            runs=packed(runs),
            memory_bytes=memory,
            loop_delay_seconds=slowest,
            cache_hits=now.hits - before.hits,
            cache_reads=now.reads - before.reads,
            lag_seconds=checks["worker"].value if "worker" in checks else None,
        )
        self._queries.keep(vital)
        return vital

    def _run(self) -> None:
        beat_at = sample_at = 0.0
        sample_at = monotonic() + BEAT_SECONDS  # the first soon, so that charts of a young process begin
        while not self._stop.is_set():
            now = monotonic()
            self._feel()
            if now >= beat_at:
                beat_at = now + BEAT_SECONDS
                self._quietly("heartbeat_failed", self.beat)
            if now >= sample_at:
                sample_at = now + SAMPLE_SECONDS
                self._quietly("sample_failed", self.sample)
                for chore in self._inputs.chores:
                    self._quietly("chore_failed", chore)
            self._stop.wait(TICK_SECONDS)

    def _quietly(self, event: str, act: Callable[[], object]) -> None:
        """Log errors of the block: none of them may stop the heartbeat."""
        try:
            act()
        except AppError as error:
            _log.info(event, reason=error.message)
        except Exception as error:  # noqa: BLE001  (the next tick may succeed, whatever it was)
            _log.warning(event, reason=repr(error))

    def _feel(self) -> None:
        delay = self._inputs.loop_delay()
        if delay is not None:
            self._slowest = max(self._slowest or 0.0, delay)

    def _look(self) -> Mapping[str, Check]:
        found = {each.name: each for each in self._inputs.look()}
        for name, each in found.items():
            was = self._states.get(name, "ok")
            if each.state != was and not (each.state in QUIET and was in QUIET):
                write = _log.info if each.state in QUIET else _log.warning
                write("check_changed", check=name, was=was, state=each.state, summary=each.summary, detail=each.detail)
            self._states[name] = each.state
        return found

    def _count(self) -> _Counted:
        regions = self._cache.statistics()
        hits = sum(each.hits_app + each.hits_redis for each in regions)
        times = {kind: merged(list(self._registry.read(kind).values())) for kind in (REQUESTS, SCRIPT_RUNS)}
        return _Counted(times, hits, hits + sum(each.misses for each in regions), monotonic())
