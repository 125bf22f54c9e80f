"""Figures of this process for monitors and administrators: counts for Prometheus, the cache by region."""

import hmac
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from backend.accounts.models import Viewer
from backend.audit.trail import AuditTrail
from backend.errors import NotFound
from backend.kit.cache import Cache, CacheRegion
from backend.kit.i18n import _
from backend.kit.observability import prometheus
from backend.kit.observability.metrics import Registry
from backend.operations.metric_families import Meters, families
from backend.operations.models import SlowOperation
from backend.operations.slow_commands import SlowCommandStore
from backend.policy import authorise


class Monitoring:
    """Counts of the process that is asked; a monitor adds up those of all."""

    def __init__(
        self,
        registry: Registry,
        cache: Cache,
        trail: AuditTrail,
        token: SecretStr | None,
        meters: Meters,
        slow: SlowCommandStore,
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._trail = trail
        self._token = token.get_secret_value() if token else ""
        self._meters = meters
        self._slow = slow
        self._listeners: dict[str, Callable[[], int]] = {}

    def count(self, kind: str, listeners: Callable[[], int]) -> None:
        """Ask `listeners` from now on how many connections of this kind are open."""
        self._listeners[kind] = listeners

    def metrics(self, viewer: Viewer, listeners: Mapping[str, float] | None = None) -> str:
        """Return the counts in the format of Prometheus, with the open connections in `listeners`. For admins."""
        authorise(viewer, "monitoring.metrics")
        return self.written(listeners)

    def is_token(self, token: str) -> bool:
        """Whether this is the token of METRICS_TOKEN."""
        return bool(self._token) and hmac.compare_digest(token.encode(), self._token.encode())

    def written(self, listeners: Mapping[str, float] | None = None) -> str:
        """Return the same, for a caller that has already checked who asks."""
        counted = {kind: float(count()) for kind, count in self._listeners.items()} | dict(listeners or {})
        return prometheus.text(families(self._registry, self._cache, self._meters, counted))

    def cache(self, viewer: Viewer) -> tuple[CacheRegion, ...]:
        """How each region of the cache is read, in this process and since its start. For admins."""
        authorise(viewer, "monitoring.cache")
        return self._cache.statistics()

    def slow(self, viewer: Viewer) -> tuple[SlowOperation, ...]:
        """The commands to MongoDB that cost the most time above SLOW_OPERATION_MS, in all processes in the last week.

        For admins. Raises Unavailable.
        """
        authorise(viewer, "monitoring.slow")
        return self._slow.slowest()

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
