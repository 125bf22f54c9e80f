"""The one bounded Redis stream through which the processes tell each other what happened. Raises what Redis raises."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from redis import Redis

from backend.kit.events.subscription import Event, place
from backend.kit.redis.client import Client, sibling

KEPT_EVENTS = 10_000
REPLAYED_EVENTS = 1000  # who was away for longer reads everything again, which costs less
START = "0-0"
_BLOCK_MILLISECONDS = 300
_CALL_TIMEOUT_SECONDS = 0.8
_BATCH = 500
_ENTRY, _NUMBER = b"entry", b"number"

_APPEND = """
local count = #ARGV - 1
local number = redis.call('INCRBY', KEYS[2], count) - count
for i = 1, count do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'entry', ARGV[i + 1], 'number', number + i)
end
return number
"""


class _Entry(msgspec.Struct, frozen=True):
    name: str
    rooms: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Mark:
    """How far a listener is: the id of the newest event that it heard, and which event of all that is.

    Events are numbered one by one, so who is handed a later number than the next one knows that some are gone:
    trimmed before they were read, or flushed.
    """

    id: str
    number: int

    def is_followed_by(self, later: "Mark") -> bool:
        """Whether nothing lies between."""
        return later.number == self.number + 1


class EventStream:
    """Reading and writing of the stream `{namespace}:events`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._key = f"{{{namespace}}}:events"
        self._number_key = f"{self._key}:number"

    def append(self, events: Sequence[Event]) -> None:
        """Write events for every process, in one round trip."""
        entries = [msgspec.msgpack.encode({"name": event.name, "rooms": event.rooms}) for event in events]
        self._client.eval(_APPEND, 2, self._key, self._number_key, KEPT_EVENTS, *entries)

    def skip(self) -> None:
        """Count an event that nobody will be handed: every listener learns by its number that one was missed."""
        self._client.incr(self._number_key)

    def since(self, position: str) -> list[Event] | None:
        """What came after `position`; None where that is too much, or no longer known in full."""
        oldest: Any = self._client.xrange(self._key, count=1)
        if not oldest or place(position) < place(oldest[0][0].decode()):
            return None
        found: Any = self._client.xrange(self._key, min=f"({position}", count=REPLAYED_EVENTS + 1)
        return None if len(found) > REPLAYED_EVENTS else [_event(*one) for one in found]

    @contextmanager
    def link(self) -> Iterator[Redis]:
        """A connection for `last` and `next`, which wait."""
        link = sibling(self._client, self._key, timeout_seconds=_CALL_TIMEOUT_SECONDS)
        try:
            yield link
        finally:
            link.close()
            link.connection_pool.disconnect()

    def last(self, link: Redis) -> Mark:
        """Where the newest event is; the start of time where there is none."""
        number = self.number(link)  # before the event: an older number is put right by the event's own
        found: Any = link.xrevrange(self._key, count=1)
        return _mark(*found[0]) if found else Mark(START, number)

    def number(self, link: Redis) -> int:
        """How many events there have been in all."""
        found: Any = link.get(self._number_key)
        return int(found or 0)

    def next(self, link: Redis, position: str) -> list[tuple[Mark, Event]]:
        """Events after `position`, as soon as there are any; none after a third of a second."""
        answer: Any = link.xread({self._key: position}, _BATCH, _BLOCK_MILLISECONDS)
        return [(_mark(*one), _event(*one)) for one in answer[0][1]] if answer else []


def _mark(event_id: bytes, fields: dict[bytes, bytes]) -> Mark:
    return Mark(event_id.decode(), int(fields[_NUMBER]))


def _event(event_id: bytes, fields: dict[bytes, bytes]) -> Event:
    entry = msgspec.msgpack.decode(fields[_ENTRY], type=_Entry)
    return Event(entry.name, entry.rooms, event_id.decode())
