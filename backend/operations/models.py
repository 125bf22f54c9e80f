"""Shapes of the running system: checks and what to do about them, figures of cache, timings, counts, processes."""

from datetime import datetime
from typing import Literal

from backend.kit.cache import CacheRegion
from backend.kit.model import Shape

State = Literal["ok", "info", "warning", "error", "critical", "unknown"]
SEVERITY: tuple[State, ...] = ("ok", "info", "unknown", "warning", "error", "critical")
NOT_SERVING: frozenset[State] = frozenset({"error", "critical"})


class Check(Shape, frozen=True, kw_only=True):
    """One part of the system: `summary` in one line, `detail` for who wants more, `fix` where something is wrong.

    `value` is the figure behind it for monitors, where there is one; docs/operations.md says what it counts.
    """

    name: str
    title: str
    state: State
    summary: str
    detail: str = ""
    fix: str = ""
    latency_ms: float | None = None
    value: float | None = None


class Process(Shape, frozen=True, kw_only=True):
    """This web process. `memory_share` is its part of the machine's memory, 0 to 1."""

    version: str
    started_at: datetime
    uptime_seconds: int
    memory_bytes: int
    memory_share: float
    threads: int


class Instance(Shape, frozen=True, kw_only=True):
    """One process of the app. `cpu_share` is of one processor, since its last heartbeat; `role` is web, api or worker.

    `is_alive` is false where it fell silent without saying goodbye.
    """

    id: str
    role: str
    version: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    is_alive: bool
    silent_seconds: int
    cpu_share: float
    memory_bytes: int
    threads: int
    requests_per_minute: float


class Point(Shape, frozen=True, kw_only=True):
    """One minute of all instances together; memory and delays are those of the worst one. None: no data."""

    at: datetime
    requests: int | None = None
    failed: int | None = None
    request_p95_ms: float | None = None
    runs: int | None = None
    run_p95_ms: float | None = None
    memory_bytes: int | None = None
    loop_delay_ms: float | None = None
    hit_share: float | None = None
    lag_seconds: float | None = None


class History(Shape, frozen=True, kw_only=True):
    """The last hour by minutes, the oldest first; empty before the first sample."""

    points: tuple[Point, ...]
    as_of: datetime


class SlowOperation(Shape, frozen=True, kw_only=True):
    """A shape of command that was slow, over all processes in the last week. `shape` holds names and no values.

    `plan` is how the server does it, "" where it did not say.
    """

    id: str
    operation: str
    collection: str
    shape: str
    count: int
    failed: int
    total_seconds: float
    longest_seconds: float
    last_at: datetime
    plan: str = ""


class Timing(Shape, frozen=True, kw_only=True):
    """How long acts of one kind took in the last five to ten minutes, in milliseconds; None where there was none.

    `total` is how many there were since this process started.
    """

    kind: str
    label: str
    total: int
    count: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class OperationsCounts(Shape, frozen=True, kw_only=True):
    """The numbers of documents; large collections by MongoDB's own estimate."""

    students: int
    teachers: int
    admins: int
    inactive: int
    classrooms: int
    chapters: int
    progress: int
    activity: int
    sessions: int


class Status(Shape, frozen=True, kw_only=True):
    """The part of health that anybody may read, without details that would help an attacker."""

    state: State
    is_ready: bool
    services: tuple[Check, ...]
    uptime_seconds: int
    memory_bytes: int
    timings: tuple[Timing, ...]
    as_of: datetime


class Health(Shape, frozen=True, kw_only=True):
    """Health in full, for administrators. `counts` is None where the database does not answer."""

    state: State
    is_ready: bool
    checks: tuple[Check, ...]
    process: Process
    cache: tuple[CacheRegion, ...]
    timings: tuple[Timing, ...]
    slowest_queries: tuple[Timing, ...]
    counts: OperationsCounts | None
    instances: tuple[Instance, ...]
    as_of: datetime


class Readiness(Shape, frozen=True, kw_only=True):
    """Whether this process can serve now, and the checks that decide it."""

    is_ready: bool
    checks: tuple[Check, ...]


def worst(checks: tuple[Check, ...]) -> State:
    """The gravest state among checks; ok where there are none."""
    return max((check.state for check in checks), key=SEVERITY.index, default="ok")
