"""What monitors and administrators read of this process: counts for Prometheus, the cache by region."""

import hmac
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from backend.accounts.models import Viewer
from backend.audit.trail import AuditTrail
from backend.errors import NotFound
from backend.kit import exposition, metrics
from backend.kit.cache import Cache
from backend.kit.exposition import Sample
from backend.kit.i18n import _
from backend.kit.metrics import Registry
from backend.operations import machine
from backend.operations.models import CacheRegion
from backend.operations.regions import regions
from backend.policy import authorise

KINDS: Mapping[str, tuple[str, str, str]] = {  # kind: name, label, what it counts
    metrics.REQUESTS: ("request", "route", "Requests of the API by route"),
    metrics.SCRIPT_RUNS: ("script_run", "page", "Runs of page scripts"),
    metrics.FRAGMENT_RUNS: ("fragment_run", "fragment", "Runs of parts of pages"),
    metrics.QUERIES: ("database_command", "command", "Commands to MongoDB"),
    metrics.EVENTS: ("event", "act", "Batches of events sent to other processes"),
    metrics.JOBS: ("job", "job", "Runs of background work"),
}
READS = ("hits_local", "hits_redis", "misses", "stale", "errors", "waits", "renewals")


class Monitoring:
    """Counts of the process that is asked; a monitor adds up those of all."""

    def __init__(self, registry: Registry, cache: Cache, trail: AuditTrail, token: SecretStr | None) -> None:
        self._registry = registry
        self._cache = cache
        self._trail = trail
        self._token = token.get_secret_value() if token else ""

    def metrics(self, viewer: Viewer, gauges: Mapping[str, float] | None = None) -> str:
        """The counts as Prometheus reads them, with `gauges` that the door adds. For admins."""
        authorise(viewer, "monitoring.metrics")
        return "\n".join(self._lines(gauges or {})) + "\n"

    def text(self, token: str, gauges: Mapping[str, float] | None = None) -> str | None:
        """The same for whoever brings the token of METRICS_TOKEN; None for any other."""
        if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
            return None
        return "\n".join(self._lines(gauges or {})) + "\n"

    def cache(self, viewer: Viewer) -> tuple[CacheRegion, ...]:
        """How each region of the cache is read, in this process and since its start. For admins."""
        authorise(viewer, "monitoring.cache")
        return regions(self._cache)

    def clear(self, viewer: Viewer, region: str) -> int:
        """Empty one region in every process; how many values this one held.

        Nothing is lost: the next reads ask the database. Raises NotFound.
        """
        authorise(viewer, "monitoring.clear")
        held = self._cache.clear_region(region)
        if held is None:
            raise NotFound(_("The cache has no such region, or nobody has read it yet."))
        self._trail.record(viewer, "cache.cleared", "cache", region)
        return held

    def _lines(self, gauges: Mapping[str, float]) -> Iterator[str]:
        for kind, (name, label, about) in KINDS.items():
            yield from exposition.histogram(name, about, label, self._registry.read(kind))
        regions = self._cache.statistics()
        reads = [
            Sample({"region": each.name, "outcome": outcome}, getattr(each, outcome))
            for each in regions
            for outcome in READS
        ]
        yield from exposition.counter("cache_reads", "Reads of the cache by how they ended", reads)
        held = [Sample({"region": each.name}, each.entries) for each in regions]
        yield from exposition.gauge("cache_entries", "Values that this process holds", held)
        memory = machine.memory()
        yield from exposition.gauge("memory_bytes", "Memory of this process", [Sample({}, memory.own_bytes)])
        yield from exposition.gauge("threads", "Threads of this process", [Sample({}, machine.threads())])
        for name, value in gauges.items():
            yield from exposition.gauge(name, "Of the HTTP door", [Sample({}, value)])
