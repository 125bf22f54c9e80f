"""The changes of a database, kept in successive files, so that an archive can be brought forward to any second.

A file ends with a marker that the journal itself wrote: the files up to it hold every change before the marker and
none after it. Two writers at once do no harm: their files overlap, and a reader skips changes it has seen.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import bson
from bson import ObjectId, Timestamp
from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.change_stream import DatabaseChangeStream
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from backend.kit.archive.sealing import sealed, unsealed
from backend.kit.archive.stores import Store
from backend.kit.archive.streams import Damaged, compressed, decompressed, documents
from backend.kit.mongo.client import translated
from backend.kit.mongo.guarded_client import without_timeout

Record = dict[str, Any]
Moment = Timestamp  # a cluster time: seconds, and a count within the second
Operation = ReplaceOne[Record] | UpdateOne | DeleteOne

MARKERS = "journalMarkers"
_FOLDER = "journal/"
_SUFFIX = ".bson.zst"
_KEPT = ("operationType", "ns", "documentKey", "fullDocument", "updateDescription", "clusterTime")
_MOST_EVENTS = 5000
_BATCH = 500
_HISTORY_LOST = frozenset({222, 280, 286})
_CHANGED_COLLECTIONS = frozenset({"drop", "rename", "dropDatabase", "invalidate"})


class PlaceLost(Exception):
    """The server no longer knows what came after the last file: the journal has to begin anew."""


@dataclass(frozen=True, order=True)
class Segment:
    """One file: all changes after `since`, up to and including `until`."""

    since: Timestamp
    until: Timestamp

    @property
    def name(self) -> str:
        return f"{_FOLDER}{_written(self.since)}-{_written(self.until)}{_SUFFIX}"


def segments(store: Store) -> list[Segment]:
    """All files of the journal, in the order of their beginnings."""
    return sorted(filter(None, map(_parsed, store.names(_FOLDER))))


def covered(found: Sequence[Segment], since: Timestamp) -> Timestamp:
    """Return the time up to which the files have no gap from `since` on; `since` if no file covers it."""
    reached = since
    for each in found:
        if each.since <= reached < each.until:
            reached = each.until
    return reached


class Journal:
    """Writes the files of one database into a store."""

    def __init__(
        self,
        database: Database[Record],
        store: Store,
        secret: str | None,
        *,
        leave_out: Iterable[str],
        leave_out_prefixes: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._store = store
        self._secret = secret
        self._leave_out = list(leave_out)
        self._prefixes = list(leave_out_prefixes)

    def follow(self, since: Timestamp, token: Record | None) -> "Following":
        """Changes after `since`, from the place of `token` (None: from `since` itself)."""
        pipeline: list[Record] = [
            {"$match": self._wanted()},
            {"$project": dict.fromkeys(_KEPT, 1)},
        ]
        place: Record = {"resume_after": token} if token else {"start_at_operation_time": since}
        with _history_kept(), translated():
            stream = self._database.watch(pipeline, max_await_time_ms=500, **place)
        return Following(self._database[MARKERS], stream, since)

    def _wanted(self) -> Record:
        """Return the filter of the changes to keep. Renames are always kept: a replay must not continue past one."""
        left: list[Record] = [{"ns.coll": {"$in": self._leave_out}}]
        left += [{"ns.coll": {"$regex": f"^{re.escape(each)}"}} for each in self._prefixes]
        return {"$or": [{"operationType": "rename"}, {"$nor": left}]}

    def write(self, segment: Segment, events: Sequence[Record]) -> None:
        """Keep a file. Raises StoreFailed."""
        chunks: Iterator[bytes] = compressed(bson.encode(each) for each in events)
        if self._secret is not None:
            chunks = sealed(chunks, self._secret, segment.name)
        self._store.write(segment.name, chunks)

    def read(self, segment: Segment) -> Iterator[Record]:
        """The changes of a file. Raises Damaged."""
        chunks: Iterator[bytes] = self._store.read(segment.name)
        if self._secret is not None:
            chunks = unsealed(chunks, self._secret, segment.name)
        try:
            for raw in documents(decompressed(chunks)):
                yield bson.decode(raw.raw)
        except (FileNotFoundError, Damaged) as error:
            raise Damaged(f"{segment.name}: {error}") from error


class Following:
    """A place in the stream of changes. Not thread-safe."""

    def __init__(self, markers: Collection[Record], stream: DatabaseChangeStream[Record], since: Timestamp) -> None:
        self._markers = markers
        self._stream = stream
        self._since = since
        self._events: list[Record] = []
        self._marker: ObjectId | None = None
        self._begun = monotonic()
        self.token: Record | None = None

    def next(self, every_seconds: float, quiet_seconds: float) -> tuple[Segment, list[Record]] | None:
        """The next file, once it is time for it: after `every_seconds` with changes, `quiet_seconds` without.

        None about twice a second until then. Raises PlaceLost, Unavailable.
        """
        self._mark_in_time(every_seconds, quiet_seconds)
        with _history_kept(), translated():
            event = self._stream.try_next()
        if event is None:
            return None
        self.token = dict(event["_id"])
        event = {key: event[key] for key in _KEPT if key in event}
        if event["ns"].get("coll") != MARKERS:
            self._events.append(event)
            return None
        if event.get("documentKey", {}).get("_id") != self._marker or event["operationType"] == "delete":
            return None
        segment = Segment(self._since, event["clusterTime"])
        events, self._events = self._events, []
        self._since, self._marker, self._begun = segment.until, None, monotonic()
        return segment, events

    def close(self) -> None:
        self._stream.close()

    def _mark_in_time(self, every_seconds: float, quiet_seconds: float) -> None:
        wait = every_seconds if self._events else quiet_seconds
        if self._marker or (monotonic() - self._begun < wait and len(self._events) < _MOST_EVENTS):
            return
        self._marker = ObjectId()
        with translated():
            self._markers.delete_many({})
            self._markers.insert_one({"_id": self._marker})


def replay(
    journal: Journal,
    found: Sequence[Segment],
    database: Database[Record],
    *,
    since: Timestamp,
    until: Timestamp,
    prefix: str = "",
    leave_out: Container[str] = (),
) -> int:
    """Do again what happened after `since`, up to and including `until`; the number of changes.

    Raises Damaged where the files do not reach so far, or a collection was renamed or dropped on the way.
    """
    if covered(found, since) < until:
        raise Damaged("the journal does not reach from the archive to that time")
    done, reached = 0, since
    with translated(), without_timeout():
        for segment in found:
            if segment.since <= reached < segment.until and reached < until:
                wanted = (
                    each
                    for each in journal.read(segment)
                    if reached < each["clusterTime"] <= until and each["ns"].get("coll") not in leave_out
                )
                done += _apply(database, prefix, wanted)
                reached = segment.until
    return done


def moment(at: datetime) -> Timestamp:
    """The last cluster time of the second in which `at` lies."""
    return Timestamp(int(at.timestamp()), 2**31 - 1)


def _apply(database: Database[Record], prefix: str, events: Iterable[Record]) -> int:
    done = 0
    waiting: dict[str, list[Operation]] = {}
    for event in events:
        if event["operationType"] in _CHANGED_COLLECTIONS:
            raise Damaged("a collection was renamed or dropped on the way; only an archive from after that helps")
        operations = waiting.setdefault(event["ns"]["coll"], [])
        operations.extend(_again(event))
        done += 1
        if len(operations) >= _BATCH:
            database[prefix + event["ns"]["coll"]].bulk_write(operations, ordered=True)
            operations.clear()
    for collection, operations in waiting.items():
        if operations:
            database[prefix + collection].bulk_write(operations, ordered=True)
    return done


def _again(event: Record) -> Iterator[Operation]:
    key = event.get("documentKey", {})
    if event["operationType"] in {"insert", "replace"}:
        yield ReplaceOne(key, event["fullDocument"], upsert=True)
    elif event["operationType"] == "delete":
        yield DeleteOne(key)
    elif event["operationType"] == "update":
        changed = event["updateDescription"]
        for cut in changed.get("truncatedArrays") or ():
            yield UpdateOne(key, {"$push": {cut["field"]: {"$each": [], "$slice": cut["newSize"]}}})
        update: Record = {}
        if changed.get("updatedFields"):
            update["$set"] = changed["updatedFields"]
        if changed.get("removedFields"):
            update["$unset"] = dict.fromkeys(changed["removedFields"], "")
        if update:
            yield UpdateOne(key, update)


@contextmanager
def _history_kept() -> Iterator[None]:
    try:
        yield
    except OperationFailure as error:
        if error.code in _HISTORY_LOST:
            raise PlaceLost(str(error)) from error
        raise


def _written(at: Timestamp) -> str:
    return f"{at.time:010d}.{at.inc:010d}"


def _parsed(name: str) -> Segment | None:
    since, dash, until = name.removeprefix(_FOLDER).removesuffix(_SUFFIX).partition("-")
    try:
        return Segment(_timestamp(since), _timestamp(until)) if dash else None
    except ValueError:
        return None


def _timestamp(written: str) -> Timestamp:
    seconds, _dot, increment = written.partition(".")
    return Timestamp(int(seconds), int(increment))
