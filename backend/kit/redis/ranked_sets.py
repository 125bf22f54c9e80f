"""Ranked sets in Redis: sorted sets that are either whole and true to what was put, or not there at all.

Equal scores stand in the order of the entries' names, then of their ids. Each entry has a version: an older one never
replaces a newer one, in whatever order they arrive. A set that is missing (never built, flushed, evicted, half
filled, or older than the server's last start) is said to be missing, and built by one process while others wait.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from time import monotonic, sleep
from typing import Any, NamedTuple

from backend.kit import deadline
from backend.kit.redis import ranked_scripts as scripts
from backend.kit.redis.client import FAILURES, Client, is_too_late

LIFE_SECONDS = 6 * 3600  # then it is built again, which ends any unnoticed error
BUILD_SECONDS = 30
WAIT_SECONDS = 2.0  # for another one's build; then the caller had better look elsewhere
_STAGED_SECONDS = 60
_PAUSE_SECONDS = 0.02
_PROBE_SECONDS = 1.0
_CHUNK = 250  # rows sent at once: a server does one thing at a time, and a call may take a quarter of a second


class SetsAway(Exception):
    """Redis cannot be asked, or failed a moment ago."""


class RankedRow(NamedTuple):
    """An entry as it is put: the greatest score is first. Without a name it is taken out.

    `order` decides between equal scores; no text in it may hold a NUL.
    """

    id: str
    version: int
    scores: tuple[int, ...]
    name: str | None = None
    order: str = ""


class RankedEntry(NamedTuple):
    """An entry as it is read. Equal scores share a rank; after two firsts comes a third."""

    rank: int
    id: str
    name: str
    score: int


class Seen(NamedTuple):
    """How many there are, the top, and the own place with its neighbours (none where one is not in the set)."""

    size: int
    top: tuple[RankedEntry, ...]
    around: tuple[RankedEntry, ...]
    own: RankedEntry | None


class RankedSets:
    """Sets by name, each ranked by several measures. Every call raises SetsAway where Redis does not answer.

    Thread-safe. All keys of one set are in one slot of a Cluster.
    """

    def __init__(self, client: Client, *, namespace: str, measures: Sequence[str]) -> None:
        self._client = client
        self._namespace = namespace
        self._measures = tuple(measures)
        self._away_until = 0.0

    def read(self, name: str, measure: str, *, top: int, around: int, own: RankedRow | None = None) -> Seen | None:
        """The first `top`, and `around` on each side of the own entry; None where the set has to be built.

        The own scores are put before, where their version is newer and there is an entry for them.
        """
        mine: list[str | int] = [own.id, own.version, *_stored(own)] if own else ["", 0, *(0 for _ in self._measures)]
        arguments = [self._measures.index(measure) + 1, top, around, *mine]
        is_there, *found = self._call(scripts.READ, self._keys(name), arguments)
        return _seen(own.id if own else "", *found) if is_there else None

    def put(self, name: str, rows: Sequence[RankedRow]) -> None:
        """Add, move or take out entries, where there is such a set or one is being built."""
        for chunk in _chunks(rows):
            self._call(scripts.PUT, self._keys(name), [_STAGED_SECONDS, *_flat(chunk)])

    def build(self, name: str, load: Callable[[], Iterable[RankedRow]]) -> bool:
        """Make the set from what `load` gives, unless it stands; whether it stands now.

        One process builds, others wait for it, 2 s at most and no longer than their caller does. What is put meanwhile
        is not lost. An error of `load` travels to the caller.
        """
        token, give_up = secrets.token_hex(8), monotonic() + deadline.clamped(WAIT_SECONDS)
        while True:
            turn = self._call(scripts.BEGIN, self._keys(name), [token, BUILD_SECONDS])
            if turn:
                return turn != 1 or self._build(name, token, load)
            if monotonic() >= give_up:
                return False
            sleep(_PAUSE_SECONDS)

    def _build(self, name: str, token: str, load: Callable[[], Iterable[RankedRow]]) -> bool:
        staged = self._staged(name, token)
        try:
            for chunk in _chunks(load()):
                self._call(scripts.STAGE, staged, [_STAGED_SECONDS, *_flat(chunk)])
        except Exception:
            self._call(scripts.GIVE_UP, self._keys(name), [token])
            raise
        return bool(self._call(scripts.COMMIT, [*self._keys(name), *staged], [token, LIFE_SECONDS]))

    def _keys(self, name: str) -> list[str]:
        tag = self._tag(name)
        return [f"{tag}:entries", f"{tag}:pending", f"{tag}:builder", *(f"{tag}:by:{each}" for each in self._measures)]

    def _staged(self, name: str, token: str) -> list[str]:
        tag = f"{self._tag(name)}:staged:{token}"
        return [f"{tag}:entries", *(f"{tag}:by:{each}" for each in self._measures)]

    def _tag(self, name: str) -> str:
        return f"{{{self._namespace}:ranked:{name}}}"

    def _call(self, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        if monotonic() < self._away_until:
            raise SetsAway
        try:
            return self._client.eval(script, len(keys), *keys, *arguments)
        except FAILURES as error:
            if not is_too_late(error):
                self._away_until = monotonic() + _PROBE_SECONDS
            raise SetsAway(str(error)) from error


def _stored(row: RankedRow) -> list[int]:
    """Scores as the server sorts them: the best is the least, so that names can go upwards with it."""
    return [-score for score in row.scores]


def _member(row: RankedRow) -> str:
    """Return the member of the sorted set; Redis orders equal scores by its bytes, and UTF-8 keeps code point order."""
    return "" if row.name is None else f"{row.order}\0{row.id}\0{row.name}"


def _flat(rows: Iterable[RankedRow]) -> Iterator[str | int]:
    for row in rows:
        yield row.id
        yield row.version
        yield _member(row)
        yield from _stored(row)


def _chunks(rows: Iterable[RankedRow]) -> Iterator[list[RankedRow]]:
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _seen(own_id: str, size: int, top: list[bytes], first: int, above: int, around: list[bytes]) -> Seen:
    mine = _places(around, first, above)
    return Seen(size, _places(top, 0, 0), mine, next((place for place in mine if place.id == own_id), None))


def _places(found: list[bytes], first: int, above: int) -> tuple[RankedEntry, ...]:
    """Places from position `first` on, before which `above` have a better score."""
    places: list[RankedEntry] = []
    for at in range(0, len(found), 2):
        _order, entry_id, name = found[at].split(b"\0", 2)
        score = -int(float(found[at + 1]))
        before = places[-1] if places else None
        is_level = before is not None and before.score == score
        rank = before.rank if before and is_level else first + at // 2 + 1
        places.append(RankedEntry(rank if before else above + 1, entry_id.decode(), name.decode(), score))
    return tuple(places)
