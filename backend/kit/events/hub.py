"""The event hub of a process: publishing never waits, and listeners hear the events of all processes.

Redis is soft: while it is away, events reach the listeners of this process alone, and nobody sees an error."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, perf_counter

import msgspec
import structlog
from redis import Redis

from backend.kit.events.stream import EventStream
from backend.kit.events.subscription import MISSED, Event, Payload, Subscription
from backend.kit.observability.metrics import EVENTS, Registry
from backend.kit.redis.client import FAILURES, Client
from backend.kit.redis.numbered_stream import StreamPosition

__all__ = ["MISSED", "Event", "EventHub", "Payload", "Subscription"]

QUEUE_LIMIT = 100
_OUTBOX_LIMIT = 5000
_BATCH = 100
_IDLE_SECONDS = 0.3
_RETRY_SECONDS = 0.3
_SILENCE_SECONDS = 1.5
_BROKEN = (*FAILURES, msgspec.DecodeError, msgspec.ValidationError, ValueError, LookupError)

_log = structlog.get_logger(__name__)


class EventHub:
    """Thread-safe. Events arrive at least once, in the order of the stream; a possible loss is reported as "missed"."""

    def __init__(self, client: Client, registry: Registry, *, namespace: str = "cp") -> None:
        self._stream = EventStream(client, namespace)
        self._registry = registry
        self._outbox: queue.Queue[Event] = queue.Queue(_OUTBOX_LIMIT)
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Subscription]] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._mark: StreamPosition | None = None
        self._heard_at: float | None = None
        self._failed_at: float | None = None
        self._is_untold = False  # something could not be sent, and nobody elsewhere knows

    def start(self) -> None:
        """Begin to send and to hear (two daemon threads); a second call does nothing."""
        if self._threads:
            return
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("event-listener", self._listen), ("event-sender", self._send))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Send the waiting events and stop, two seconds at most. The client stays open: its creator closes it."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=2.0)
        self._threads = []

    @property
    def healthy(self) -> bool:
        """Whether the events of other processes arrive. If not, readers should poll."""
        heard_at = self._heard_at
        return heard_at is not None and monotonic() - heard_at < _SILENCE_SECONDS

    @property
    def position(self) -> str:
        """The newest id heard, for a later `subscribe(after=…)`; "" before the first. Read it before the data."""
        return self._mark.id if self._mark else ""

    def publish(self, name: str, rooms: Mapping[str, Payload]) -> None:
        """Tell everybody who listens in any of `rooms`; each room gets its own payload (plain JSON values).

        Returns at once and never raises. A hub that was not started tells nobody.
        """
        if not rooms or not self._threads:
            return
        event = Event(name, rooms)
        try:
            self._outbox.put_nowait(event)
        except queue.Full:
            self._deliver(event)

    def subscribe(
        self, rooms: Sequence[str], wake: Callable[[], None], *, after: str = "", limit: int = QUEUE_LIMIT
    ) -> Subscription:
        """Listen in `rooms`. `wake` is called from any thread whenever there is something to take; it must not raise.

        With `after` (the id of an event, or a `position`) what came since waits already, or else "missed" does.
        """
        subscription = Subscription(rooms, wake, limit)
        with self._lock:
            for room in subscription.rooms:
                self._listeners.setdefault(room, set()).add(subscription)
        if after:
            self._resume(subscription, after)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening; twice does no harm."""
        with self._lock:
            for room in subscription.rooms:
                listeners = self._listeners.get(room, set())
                listeners.discard(subscription)
                if not listeners:
                    self._listeners.pop(room, None)

    def audience(self, rooms: Sequence[str]) -> int:
        """How many listen, in this process, in the fullest of `rooms`."""
        with self._lock:
            return max((len(self._listeners.get(room, ())) for room in rooms), default=0)

    def _resume(self, subscription: Subscription, after: str) -> None:
        try:
            events = self._stream.since(after)
        except _BROKEN:
            events = None
        if events is None:
            subscription.miss()
            return
        subscription.catch_up([event for event in events if subscription.rooms & event.rooms.keys()])

    def _deliver(self, event: Event) -> None:
        with self._lock:
            listeners = {each for room in event.rooms for each in self._listeners.get(room, ())}
        for listener in listeners:
            listener.offer(event)

    def _send(self) -> None:
        while not (self._stopping.is_set() and self._outbox.empty()):
            batch = self._next_batch()
            if not batch:
                self._own_up()
                continue
            started, is_sent = perf_counter(), self._try_to_send(batch)
            self._registry.observe(EVENTS, "publish", perf_counter() - started, failed=not is_sent)
            self._is_untold = self._is_untold or not is_sent
            if is_sent and self.healthy:
                continue  # the listener delivers it, in the order that all processes see
            for event in batch:
                self._deliver(event)

    def _next_batch(self) -> list[Event]:
        batch: list[Event] = []
        try:
            batch.append(self._outbox.get(timeout=_IDLE_SECONDS))
            while len(batch) < _BATCH:
                batch.append(self._outbox.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _own_up(self) -> None:
        """Tell listeners of other processes that events were missed; events that could not be sent are not sent late.

        They know it already if their own link broke, but not if sending failed only here or after they were back.
        """
        if not self._is_untold or self._is_pausing:
            return
        try:
            self._stream.skip()
        except FAILURES:
            self._failed_at = monotonic()
        else:
            self._is_untold, self._failed_at = False, None

    @property
    def _is_pausing(self) -> bool:
        return self._failed_at is not None and monotonic() - self._failed_at < _RETRY_SECONDS

    def _try_to_send(self, batch: Sequence[Event]) -> bool:
        if self._is_pausing:
            return False  # what the listeners here are told must not wait for one time limit after the other
        try:
            self._stream.append(batch)
        except Exception as error:  # noqa: BLE001 - one event that cannot be written must not silence all later ones
            if not isinstance(error, _BROKEN):
                _log.error("events cannot be sent", names=[event.name for event in batch], reason=repr(error))
            self._failed_at = monotonic()
            return False
        self._failed_at = None
        return True

    def _listen(self) -> None:
        was_away, pause = False, 0.0
        while not self._stopping.wait(pause):
            pause = _RETRY_SECONDS
            try:
                with self._stream.link() as link:
                    is_again, mark = self._mark is not None, self._stream.last(link)
                    self._mark = mark
                    if is_again:
                        self._tell_missed()
                    self._heard_at = monotonic()
                    if was_away:
                        _log.info("events of other processes are heard again")
                    was_away, pause = False, 0.0
                    self._follow(link, mark)
            except Exception as error:  # noqa: BLE001 - whatever it was, a thread that ended would never hear again
                if not was_away:
                    _log.warning("events of other processes are not heard", reason=str(error))
                was_away, pause = True, _RETRY_SECONDS
            finally:
                self._heard_at = None

    def _follow(self, link: Redis, mark: StreamPosition) -> None:
        there_were = mark.number
        while not self._stopping.is_set():
            events = self._stream.next(link, mark)
            if not events and there_were != mark.number:  # gone before they could be read
                self._tell_missed()
                mark = self._mark = StreamPosition(mark.id, there_were)
            for heard, event in events:
                if not mark.is_followed_by(heard):
                    self._tell_missed()
                self._deliver(event)
                mark = self._mark = heard
            there_were = mark.number if events else self._stream.number(link)
            self._heard_at = monotonic()

    def _tell_missed(self) -> None:
        """Some events were not heard here: the link was down, or they left the stream before they could be read."""
        with self._lock:
            listeners = {each for listeners in self._listeners.values() for each in listeners}
        for listener in listeners:
            listener.miss()
