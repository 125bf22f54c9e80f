"""The one bounded Redis stream through which the processes tell each other what happened. Raises what Redis raises."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from redis import Redis

from backend.kit.events_queue import Event, place
from backend.kit.redis import Client, sibling

KEPT_EVENTS = 10_000
REPLAYED_EVENTS = 1000  # who was away for longer reads everything again, which costs less
START = "0-0"
_BLOCK_MILLISECONDS = 300
_CALL_TIMEOUT_SECONDS = 0.8
_BATCH = 500
_FIELD = b"e"


class _Entry(msgspec.Struct, frozen=True):
    name: str
    rooms: dict[str, dict[str, Any]]


class EventStream:
    """Reading and writing of the stream `{namespace}:events`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._key = f"{{{namespace}}}:events"

    def append(self, events: Sequence[Event]) -> None:
        """Write events for every process, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for event in events:
            entry = msgspec.msgpack.encode({"name": event.name, "rooms": event.rooms})
            pipeline.xadd(self._key, {_FIELD: entry}, maxlen=KEPT_EVENTS, approximate=True)
        pipeline.execute()

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

    def last(self, link: Redis) -> str:
        """The id of the newest event; the start of time where there is none."""
        found: Any = link.xrevrange(self._key, count=1)
        return found[0][0].decode() if found else START

    def next(self, link: Redis, position: str) -> list[Event]:
        """Events after `position`, as soon as there are any; none after a third of a second."""
        answer: Any = link.xread({self._key: position}, _BATCH, _BLOCK_MILLISECONDS)
        return [_event(*one) for one in answer[0][1]] if answer else []


def _event(event_id: bytes, fields: dict[bytes, bytes]) -> Event:
    entry = msgspec.msgpack.decode(fields[_FIELD], type=_Entry)
    return Event(entry.name, entry.rooms, event_id.decode())
