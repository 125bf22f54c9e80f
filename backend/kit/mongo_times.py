"""How long MongoDB takes, by command and collection: the driver's own events, counted into a Registry."""

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from backend.kit.metrics import QUERIES, Registry

# A change stream's getMore waits on purpose, and the others are the driver's own housekeeping.
UNTIMED = frozenset({"getMore", "killCursors", "endSessions", "hello", "ping", "saslStart", "saslContinue"})
MICROSECONDS = 1_000_000


class QueryTimes(CommandListener):
    """Observes every command as "find users"; thread-safe, since each answer pops its own request."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._labels: dict[int, str] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """The collection is known now alone; the answer does not repeat it."""
        if event.command_name not in UNTIMED:
            target = event.command.get(event.command_name)
            self._labels[event.request_id] = f"{event.command_name} {target if isinstance(target, str) else ''}".strip()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Count an answer."""
        self._count(event, failed=False)

    def failed(self, event: CommandFailedEvent) -> None:
        """Count a failure, a refused command or a lost connection."""
        self._count(event, failed=True)

    def _count(self, event: CommandSucceededEvent | CommandFailedEvent, *, failed: bool) -> None:
        label = self._labels.pop(event.request_id, None)
        if label:
            self._registry.observe(QUERIES, label, event.duration_micros / MICROSECONDS, failed=failed)
