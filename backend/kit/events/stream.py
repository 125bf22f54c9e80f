"""The one bounded Redis stream through which the processes tell each other what happened. Raises what Redis raises."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from redis import Redis

from backend.kit.events.subscription import Event, place
from backend.kit.redis.client import Client
from backend.kit.redis.numbered_stream import NumberedStream, StreamPosition

KEPT_EVENTS = 10_000
REPLAYED_EVENTS = 1000  # a listener that was away for longer reads everything again, which costs less
_BLOCK_MILLISECONDS = 300
_CALL_TIMEOUT_SECONDS = 0.8
_ENTRY = b"entry"

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


class EventStream:
    """Reading and writing of the stream `{namespace}:events`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._key = f"{{{namespace}}}:events"
        self._number_key = f"{self._key}:number"
        self._entries = NumberedStream(self._key, self._number_key, _BLOCK_MILLISECONDS, _CALL_TIMEOUT_SECONDS)

    def append(self, events: Sequence[Event]) -> None:
        """Write events for every process, in one round trip."""
        entries = [msgspec.msgpack.encode({"name": event.name, "rooms": event.rooms}) for event in events]
        self._client.eval(_APPEND, 2, self._key, self._number_key, KEPT_EVENTS, *entries)

    def skip(self) -> None:
        """Count an event that is not delivered: the gap in the numbers tells every listener that one was missed."""
        self._client.incr(self._number_key)

    def since(self, position: str) -> list[Event] | None:
        """Return the events after `position`; None if there are too many, or some are no longer kept."""
        oldest: Any = self._client.xrange(self._key, count=1)
        if not oldest or place(position) < place(oldest[0][0].decode()):
            return None
        found: Any = self._client.xrange(self._key, min=f"({position}", count=REPLAYED_EVENTS + 1)
        return None if len(found) > REPLAYED_EVENTS else [_event(*one) for one in found]

    @contextmanager
    def link(self) -> Iterator[Redis]:
        """A connection for `last`, `number` and `next`, which wait."""
        with self._entries.link(self._client) as link:
            yield link

    def last(self, link: Redis) -> StreamPosition:
        """Return the mark of the newest event, or of the stream's start if it is empty."""
        return self._entries.last(link)

    def number(self, link: Redis) -> int:
        """How many events there have been in all."""
        return self._entries.number(link)

    def next(self, link: Redis, mark: StreamPosition) -> list[tuple[StreamPosition, Event]]:
        """Events after `mark`, as soon as there are any; none after a third of a second."""
        return [(each, _event(each.id.encode(), fields)) for each, fields in self._entries.next(link, mark)]


def _event(event_id: bytes, fields: dict[bytes, bytes]) -> Event:
    entry = msgspec.msgpack.decode(fields[_ENTRY], type=_Entry)
    return Event(entry.name, entry.rooms, event_id.decode())
