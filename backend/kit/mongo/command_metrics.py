"""How long MongoDB takes, by command and collection: the driver's own events, counted into a Registry."""

import math
from collections.abc import Mapping
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from backend.kit.mongo.slow_commands import WATCHED, SlowOperations
from backend.kit.observability import tracing
from backend.kit.observability.metrics import QUERIES, Registry
from backend.kit.observability.tracing import Span

# A change stream's getMore waits on purpose, and the others are the driver's own housekeeping.
UNTIMED = frozenset({"getMore", "killCursors", "endSessions", "hello", "ping", "saslStart", "saslContinue"})
MICROSECONDS = 1_000_000


class QueryTimes(CommandListener):
    """Observes every command as "find users"; thread-safe, since each answer pops its own request."""

    def __init__(self, registry: Registry, slow: SlowOperations) -> None:
        self._registry = registry
        self._slow = slow
        self._limit_micros = slow.limit_seconds * MICROSECONDS or math.inf
        self._asked: dict[int, tuple[str, Mapping[str, Any], Span | None]] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """The collection is known now alone; the answer does not repeat it."""
        if event.command_name not in UNTIMED:
            target = event.command.get(event.command_name)
            label = f"{event.command_name} {target if isinstance(target, str) else ''}".strip()
            span = tracing.opened(label, **{"db.system": "mongodb"}) if tracing.is_on() else None
            self._asked[event.request_id] = label, event.command, span

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Count an answer."""
        self._count(event, failed=False)

    def failed(self, event: CommandFailedEvent) -> None:
        """Count a failure, a refused command or a lost connection."""
        self._count(event, failed=True)

    def _count(self, event: CommandSucceededEvent | CommandFailedEvent, *, failed: bool) -> None:
        asked = self._asked.pop(event.request_id, None)
        if asked is None:
            return
        label, command, span = asked
        if span is not None:
            span.end(failed=failed)
        seconds = event.duration_micros / MICROSECONDS
        self._registry.observe(QUERIES, label, seconds, failed=failed)
        if event.duration_micros >= self._limit_micros and event.command_name in WATCHED:
            self._slow.note(event.command_name, command, seconds, failed=failed)
