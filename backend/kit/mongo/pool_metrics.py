"""Connections to MongoDB: how many there are, and how long threads wait for one; heard from the driver's events."""

import threading

from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

from backend.kit.observability.metrics import POOL_WAITS, Registry

POOL = "mongodb"


class PoolWaits(ConnectionPoolListener):
    """The longest wait since it was last asked, and how many connections are open and in use. Thread-safe."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._lock = threading.Lock()
        self._longest = 0.0
        self._open = self._in_use = 0
        self._waits = registry.histogram(POOL_WAITS, POOL) if registry else None

    def connections(self) -> tuple[int, int]:
        """How many are open to all servers together, and how many of them are in use."""
        return self._open, self._in_use

    def longest(self) -> float:
        """Return the longest wait in seconds since the last call."""
        with self._lock:
            longest, self._longest = self._longest, 0.0
        return longest

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        with self._lock:
            self._in_use += 1
        self._note(event.duration or 0.0, failed=False)

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        self._note(event.duration or 0.0, failed=True)

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        with self._lock:
            self._in_use -= 1

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        with self._lock:
            self._open += 1

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        with self._lock:
            self._open -= 1

    def _note(self, seconds: float, *, failed: bool) -> None:
        if self._waits:
            self._waits.observe(seconds, failed=failed)
        if seconds > self._longest:
            with self._lock:
                self._longest = max(self._longest, seconds)

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None: ...
    def connection_ready(self, event: ConnectionReadyEvent) -> None: ...
    def pool_created(self, event: PoolCreatedEvent) -> None: ...
    def pool_ready(self, event: PoolReadyEvent) -> None: ...
    def pool_cleared(self, event: PoolClearedEvent) -> None: ...
    def pool_closed(self, event: PoolClosedEvent) -> None: ...
