"""Following a Redis stream whose entries are numbered one by one, so that a lost one is noticed.

Raises what Redis raises. What the entries mean, and who writes them, is known to those who use it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis

from backend.kit.redis.client import Client, sibling

START = "0-0"
NUMBER = b"number"  # the field of every entry
_BATCH = 500

Fields = dict[bytes, bytes]


@dataclass(frozen=True)
class StreamPosition:
    """How far a follower is: the id of the newest entry that it has read, and which entry of all that is.

    A follower who is handed a later number than the next one knows that some are gone: trimmed before they were read,
    or flushed.
    """

    id: str
    number: int

    def is_followed_by(self, later: "StreamPosition") -> bool:
        """Whether nothing lies between."""
        return later.number == self.number + 1


@dataclass(frozen=True)
class NumberedStream:
    """The stream at `key`; `number_key` counts its entries. A read waits for `block_milliseconds` at most."""

    key: str
    number_key: str
    block_milliseconds: int
    call_timeout_seconds: float

    @contextmanager
    def link(self, client: Client) -> Iterator[Redis]:
        """A connection of its own for the methods below, which wait."""
        link = sibling(client, self.key, timeout_seconds=self.call_timeout_seconds)
        try:
            yield link
        finally:
            link.close()
            link.connection_pool.disconnect()

    def last(self, link: Redis) -> StreamPosition:
        """Return the mark of the newest entry, or of the stream's start if it is empty."""
        number = self.number(link)  # before the entry: an older number is put right by the entry's own
        found: Any = link.xrevrange(self.key, count=1)
        return _mark(*found[0]) if found else StreamPosition(START, number)

    def number(self, link: Redis) -> int:
        """How many entries there have been in all."""
        found: Any = link.get(self.number_key)
        return int(found or 0)

    def next(self, link: Redis, mark: StreamPosition) -> list[tuple[StreamPosition, Fields]]:
        """The entries after `mark`, as soon as there are any; none where none came in time."""
        answer: Any = link.xread({self.key: mark.id}, _BATCH, self.block_milliseconds)
        return [(_mark(*each), each[1]) for each in answer[0][1]] if answer else []


def _mark(entry_id: bytes, fields: Fields) -> StreamPosition:
    return StreamPosition(entry_id.decode(), int(fields[NUMBER]))
