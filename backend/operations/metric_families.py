"""Every metric by name, and its values. docs/operations.md lists the same names (a test compares)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric

from backend.kit.breaker import BreakerFigures
from backend.kit.cache import Cache, statistics
from backend.kit.limiter.limiter import Limiter
from backend.kit.observability import metrics, prometheus
from backend.kit.observability.metrics import Registry
from backend.kit.observability.prometheus import Sample
from backend.operations import machine
from backend.operations.models import SEVERITY, Check, worst

KINDS: Mapping[str, tuple[str, str, str]] = {  # kind: name, label, what it counts
    metrics.REQUESTS: ("request", "route", "Requests of the API by route"),
    metrics.SCRIPT_RUNS: ("script_run", "page", "Runs of page scripts"),
    metrics.FRAGMENT_RUNS: ("fragment_run", "fragment", "Runs of parts of pages"),
    metrics.QUERIES: ("database_command", "command", "Commands to MongoDB"),
    metrics.POOL_WAITS: ("pool_wait", "pool", "Waits for a connection"),
    metrics.EVENTS: ("event", "act", "Batches of events sent to other processes"),
    metrics.JOBS: ("job", "task", "Runs of background work"),  # Prometheus has a label `job` of its own
    metrics.MAILS: ("mail", "kind", "Letters handed to the mail server"),
}
READS = {"hits_local" if name == "hits_app" else name: name for name in statistics.OUTCOMES}  # by name of the label
BREAKER_STATES = ("closed", "half-open", "open")
# The figure behind a check: its metric, and what it counts.
BEHIND: Mapping[str, tuple[str, str]] = {
    "worker": ("projector_lag_seconds", "How far statistics are behind what was saved"),
    "replicas": ("replica_lag_seconds", "How far the slowest copy of the database is behind"),
    "oplog": ("oplog_window_seconds", "How far back a full oplog reaches"),
    "backups": ("backup_age_seconds", "Age of the newest backup"),
    "mail": ("mail_queued", "Letters that wait to be sent"),
    "disk": ("disk_free_bytes", "Room on the disk of DATA_DIR"),
    "growth": ("memory_growth_bytes_per_hour", "How memory of this process grew lately"),
    "clock": ("clock_skew_seconds", "By how much the database's clock is ahead of this machine's"),
    "certificate": ("certificate_remaining_seconds", "Until the certificate ends"),
    "instances": ("instances", "Processes that are there"),
}

Pool = tuple[int, int]  # open, in use


@dataclass(frozen=True)
class Meters:
    """Sources of the metrics besides the registry and the cache."""

    version: str
    role: Callable[[], str]
    checks: Callable[[], Sequence[Check]]
    breakers: Callable[[], Sequence[BreakerFigures]]
    pools: Mapping[str, Callable[[], Pool]]
    limiter: Limiter
    share: Callable[[], float]
    loop_delay: Callable[[], float | None]
    slow_operations: Callable[[], int] = lambda: 0


def families(registry: Registry, cache: Cache, meters: Meters, listeners: Mapping[str, float]) -> Iterator[Metric]:
    """All of them; `listeners` is how many connections stay open, by kind."""
    yield from prometheus.gauge("info", "This process", [Sample({"version": meters.version, "role": meters.role()}, 1)])
    for kind, (name, label, about) in KINDS.items():
        yield from prometheus.histogram(name, about, label, registry.read(kind))
        yield from prometheus.quantiles(name, about, label, registry.recent(kind))
    yield from _cache_families(cache)
    yield from _limit_families(meters)
    yield from _breaker_families(meters.breakers())
    yield from _pool_families(meters.pools)
    open_now = [Sample({"kind": kind}, count) for kind, count in sorted(listeners.items())]
    yield from prometheus.gauge(
        "open_connections", "Connections that stay open: pages, event streams, sockets", open_now
    )
    slow = [Sample({}, meters.slow_operations())]
    yield from prometheus.counter("slow_operations", "Commands to MongoDB above SLOW_OPERATION_MS", slow)
    yield from _process_families(meters)
    yield from _check_families(meters.checks())


def _cache_families(cache: Cache) -> Iterator[Metric]:
    regions = cache.statistics()
    reads = [
        Sample({"region": each.name, "outcome": outcome}, getattr(each, name))
        for each in regions
        for outcome, name in READS.items()
    ]
    yield from prometheus.counter("cache_reads", "Reads of the cache by how they ended", reads)
    held = [Sample({"region": each.name}, each.entries) for each in regions]
    yield from prometheus.gauge("cache_entries", "Values that this process holds", held)
    yield from prometheus.gauge(
        "cache_local_healthy", "1 where this process may serve from its own memory", [Sample({}, cache.healthy)]
    )


def _limit_families(meters: Meters) -> Iterator[Metric]:
    decisions = [
        Sample({"rules": rules, "outcome": outcome}, count)
        for rules, counts in meters.limiter.counts().items()
        for outcome, count in zip(("allowed", "refused"), counts, strict=True)
    ]
    yield from prometheus.counter("limiter_decisions", "Decisions of the limiter by set of rules", decisions)
    yield from prometheus.gauge("limiter_share", "Share of the allowances that is given", [Sample({}, meters.share())])
    is_shared = meters.limiter.source == "redis"
    yield from prometheus.gauge(
        "limiter_shared", "1 while limits are kept in Redis, 0 in this process alone", [Sample({}, is_shared)]
    )


def _breaker_families(found: Sequence[BreakerFigures]) -> Iterator[Metric]:
    states = [Sample({"breaker": each.name}, BREAKER_STATES.index(each.state)) for each in found]
    yield from prometheus.gauge("breaker_state", "0 closed, 1 half-open, 2 open", states)
    for name, about in (("opened", "How often a breaker opened"), ("refused", "Calls that a breaker refused")):
        counted = [Sample({"breaker": each.name}, getattr(each, name)) for each in found]
        yield from prometheus.counter(f"breaker_{name}", about, counted)


def _pool_families(pools: Mapping[str, Callable[[], Pool]]) -> Iterator[Metric]:
    read = {name: pool() for name, pool in pools.items()}
    samples = [
        Sample({"pool": name, "state": state}, count)
        for name, counts in read.items()
        for state, count in zip(("open", "in_use"), counts, strict=True)
    ]
    yield from prometheus.gauge("pool_connections", "Connections to a server; those in use are open too", samples)


def _process_families(meters: Meters) -> Iterator[Metric]:
    memory, handles = machine.memory(), machine.handles()
    yield from prometheus.gauge("memory_bytes", "Memory of this process", [Sample({}, memory.own_bytes)])
    yield from prometheus.gauge(
        "machine_memory_available_bytes", "Memory that the machine has left", [Sample({}, memory.available_bytes)]
    )
    yield from prometheus.gauge("threads", "Threads of this process", [Sample({}, handles.threads)])
    yield from prometheus.gauge("open_files", "Files and sockets of this process", [Sample({}, handles.files)])
    most = [Sample({}, handles.most_files)] if handles.most_files is not None else []
    yield from prometheus.gauge("open_files_limit", "Files and sockets that this process may hold open", most)
    yield from prometheus.counter("cpu_seconds", "Processor time of this process", [Sample({}, handles.cpu_seconds)])
    runs = [Sample({"generation": str(index)}, count) for index, count in enumerate(machine.collections())]
    yield from prometheus.counter("garbage_collections", "Runs of Python's garbage collector", runs)
    delay = meters.loop_delay()
    late = [Sample({}, delay)] if delay is not None else []
    yield from prometheus.gauge("event_loop_delay_seconds", "How long the event loop lets work wait", late)


def _check_families(found: Sequence[Check]) -> Iterator[Metric]:
    about = "0 ok, 1 info, 2 unknown, 3 warning, 4 error, 5 critical"
    states = [Sample({"check": each.name}, SEVERITY.index(each.state)) for each in found]
    yield from prometheus.gauge("check_state", f"Checks of the health page: {about}", states)
    overall = [Sample({}, SEVERITY.index(worst(tuple(found))))]
    yield from prometheus.gauge("health_state", f"The gravest of all checks: {about}", overall)
    by_name = {each.name: each.value for each in found}
    for check, (name, words) in BEHIND.items():
        value = by_name.get(check)
        yield from prometheus.gauge(name, words, [] if value is None else [Sample({}, value)])
