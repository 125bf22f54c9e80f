"""Stores the slow commands of this process in the shared collection, with a plan for the slowest."""

from time import monotonic

from backend.kit.mongo.slow_commands import Slow, SlowOperations
from backend.operations.models import SlowOperation
from backend.operations.slow_queries import SlowQueries

EXPLAINED_AT_ONCE = 3
EXPLAINED_ANEW_SECONDS = 3_600.0
SHOWN = 20


class SlowCommandStore:
    """The store of slow commands; the heartbeat calls `keep`."""

    def __init__(self, slow: SlowOperations, queries: SlowQueries) -> None:
        self._slow = slow
        self._queries = queries
        self._explained_at: dict[str, float] = {}

    @property
    def count(self) -> int:
        """Slow commands since this process started."""
        return self._slow.count

    def keep(self) -> int:
        """Keep what came since the last call; how many shapes. Raises Unavailable."""
        if not self._slow.limit_seconds:
            return 0
        found = self._slow.take()
        if found:
            self._queries.add(found)
            self._describe(found)
        return len(found)

    def slowest(self) -> tuple[SlowOperation, ...]:
        """The shapes that took the most time in all processes in the last week. Raises Unavailable."""
        return self._queries.slowest(SHOWN)

    def _describe(self, found: list[Slow]) -> None:
        now = monotonic()
        known = {key: at for key, at in self._explained_at.items() if now - at < EXPLAINED_ANEW_SECONDS}
        due = sorted((each for each in found if each.id not in known), key=lambda each: -each.total_seconds)
        for each in due[:EXPLAINED_AT_ONCE]:
            plan = self._queries.explained(each)
            if plan:
                self._queries.describe(each, plan)
            known[each.id] = now
        self._explained_at = known
