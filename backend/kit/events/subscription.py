"""A listener's subscription to the hub: a bounded queue of events, and a note if some were missed."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from backend.kit.observability import log

MISSED = "missed"

Payload = Mapping[str, Any]

_log = log.get(__name__)


class Event(msgspec.Struct, frozen=True):
    """Something that happened: in which rooms, and what each room may know of it.

    `id` is its place in the stream of all processes; "" where only this process heard of it.
    """

    name: str
    rooms: Mapping[str, Payload]
    id: str = ""


class Subscription:
    """Events of some rooms for one reader. Thread-safe; holds at most `limit` and forgets the oldest first."""

    def __init__(self, rooms: Sequence[str], wake: Callable[[], None], limit: int) -> None:
        self.rooms = frozenset(rooms)
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._limit = limit
        self._has_missed = False
        self._read_until = (0, 0)

    def offer(self, event: Event) -> bool:
        """Queue the event, cut down to the rooms of this subscription. False where an older one had to go."""
        seen = Event(event.name, {room: event.rooms[room] for room in self.rooms & event.rooms.keys()}, event.id)
        with self._lock:
            if event.id and place(event.id) <= self._read_until:
                return True
            is_full = len(self._waiting) >= self._limit
            if is_full:
                self._waiting.popleft()
                self._has_missed = True
            self._waiting.append(seen)
        self._wake_reader()
        return not is_full

    def miss(self) -> None:
        """Note that events were lost on the way: the listener has to read everything again."""
        with self._lock:
            self._has_missed = True
        self._wake_reader()

    def take(self) -> list[Event]:
        """All that waits, oldest first; an event named "missed" leads where some were lost. Never blocks."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            if self._has_missed:
                taken.insert(0, Event(MISSED, {}))
            self._has_missed = False
        return taken

    def catch_up(self, events: Sequence[Event]) -> None:
        """Put events read from the stream before those that arrived meanwhile, each once."""
        for event in events:
            self.offer(event)
        if not events:
            return
        with self._lock:
            self._read_until = place(events[-1].id)
            by_id = {event.id: event for event in self._waiting if event.id}
            alone = [event for event in self._waiting if not event.id]
            self._waiting = deque([*(by_id[key] for key in sorted(by_id, key=place)), *alone])

    def _wake_reader(self) -> None:
        """One who cannot be woken (a loop that has just closed) must not cost all the others their events."""
        try:
            self._wake()
        except Exception as error:  # noqa: BLE001 - as above, whatever it was
            _log.warning("listener_not_woken", rooms=sorted(self.rooms), error=repr(error))


def place(event_id: str) -> tuple[int, int]:
    """An id as numbers that can be compared. Raises ValueError for what is no id."""
    milliseconds, _dash, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)
