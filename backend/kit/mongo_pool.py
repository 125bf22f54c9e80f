"""How long threads wait for a connection to MongoDB, heard from the driver's own events."""

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


class PoolWaits(ConnectionPoolListener):
    """The longest wait since it was last asked. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._longest = 0.0

    def longest(self) -> float:
        """Seconds; asking begins anew."""
        with self._lock:
            longest, self._longest = self._longest, 0.0
        return longest

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        self._note(event.duration or 0.0)

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        self._note(event.duration or 0.0)

    def _note(self, seconds: float) -> None:
        if seconds > self._longest:
            with self._lock:
                self._longest = max(self._longest, seconds)

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None: ...
    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None: ...
    def connection_created(self, event: ConnectionCreatedEvent) -> None: ...
    def connection_ready(self, event: ConnectionReadyEvent) -> None: ...
    def connection_closed(self, event: ConnectionClosedEvent) -> None: ...
    def pool_created(self, event: PoolCreatedEvent) -> None: ...
    def pool_ready(self, event: PoolReadyEvent) -> None: ...
    def pool_cleared(self, event: PoolClearedEvent) -> None: ...
    def pool_closed(self, event: PoolClosedEvent) -> None: ...
