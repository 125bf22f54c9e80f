"""The one way to MongoDB: a client with safe options, transactions, and driver errors translated once."""

import hashlib
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar

import pymongo
from bson import CodecOptions, ObjectId
from pymongo import MongoClient, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.operations import IndexModel
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from backend.errors import Unavailable
from backend.kit.breaker import Breaker
from backend.kit.i18n import _
from backend.kit.mongo import once_per_key
from backend.kit.mongo.command_metrics import QueryTimes
from backend.kit.mongo.errors import translated
from backend.kit.mongo.guarded_client import TAKE_WRITES, Availability, GuardedClient, time_left
from backend.kit.mongo.pool_metrics import PoolWaits
from backend.kit.mongo.slow_commands import SlowOperations
from backend.kit.mongo.write_block import WriteBlock
from backend.kit.observability.metrics import Registry

__all__ = ["Document", "Indexes", "Mongo", "new_id", "stable_id", "translated"]

Document = dict[str, Any]
Indexes = Mapping[str, Sequence[IndexModel]]  # by collection
T = TypeVar("T")

DECLARED_OTHERWISE = frozenset({85, 86})  # IndexOptionsConflict, IndexKeySpecsConflict
INDEX_SECONDS = 900.0
SNAPSHOT_UNAVAILABLE = 246  # a collection or index was made a moment ago, and the newest moment is before that
SNAPSHOT_PAUSES = (0.05, 0.2)

# Election and hung-primary figures behind these: docs/decisions/0003.
SAFE_OPTIONS: Mapping[str, Any] = {
    "w": "majority",
    "retryWrites": True,
    "retryReads": True,
    "connectTimeoutMS": 2_000,
    "heartbeatFrequencyMS": 1_000,
    "serverSelectionTimeoutMS": 8_000,
    "timeoutMS": 10_000,
}


class Mongo:
    """A database with what the features need of it. Opening it connects nothing; the first call does.

    Once its data is of a later version than `newest_version`, nothing is written any more.
    """

    def __init__(
        self,
        uri: str,
        database: str,
        registry: Registry | None = None,
        *,
        slow_seconds: float = 0.0,
        newest_version: int | None = None,
    ) -> None:
        options = {name: value for name, value in SAFE_OPTIONS.items() if f"{name.lower()}=" not in uri.lower()}
        self.waits = PoolWaits(registry)
        self.slow = SlowOperations(slow_seconds)
        self.standing = Availability()
        listeners = [self.waits, self.standing, *([QueryTimes(registry, self.slow)] if registry else [])]
        self._guarded = GuardedClient(
            uri, self.standing, tz_aware=True, appname="chapter-performance", event_listeners=listeners, **options
        )
        self.client: MongoClient[Document] = self._guarded
        self.database: Database[Document] = self.client.get_database(
            database, codec_options=CodecOptions(tz_aware=True)
        )
        self._write_block = WriteBlock(self.database, newest_version)

    @property
    def breakers(self) -> Mapping[str, Breaker]:
        """The breakers of what the primary must do and of what any server can, by name."""
        return self._guarded.breakers

    def truth(self) -> Hashable | None:
        """Return a value that stays equal while one server remains the primary; None while there is no primary."""
        servers = self.client.topology_description.server_descriptions().values()
        primary = next((each for each in servers if each.server_type_name in TAKE_WRITES), None)
        return (primary.address, primary.election_id) if primary else None

    def behind_since(self) -> float | None:
        """Since when (seconds since the epoch) reads may be behind, for want of a primary; None where they are not."""
        lost_at = self.standing.primary_lost_at
        return lost_at.timestamp() if lost_at else None

    def __getitem__(self, collection: str) -> Collection[Document]:
        return self.database[collection]

    def transaction(self, work: Callable[[ClientSession], T]) -> T:
        """Return the result of `work(session)`, committed by a majority; repeat all of it on a transient error.

        Ends, repetitions and all, with the caller's deadline. Raises Unavailable where nothing may be written, and
        DoneAlready within an act (kit/mongo/once_per_key.py) that was done before.
        """
        self._write_block.check()

        mark = once_per_key.next_mark()

        def marked(session: ClientSession) -> T:
            if mark:
                once_per_key.leave(self.database, session, mark)
            return work(session)

        with translated(), time_left(), self.client.start_session() as session:
            result = session.with_transaction(
                marked,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
                read_preference=ReadPreference.PRIMARY,
            )
        once_per_key.count_committed()
        return result

    def has_done(self, act: str) -> bool:
        """Whether the act with this key was done, for good: as a majority of servers knows it."""
        with once_per_key.aside():
            return self.transaction(lambda session: once_per_key.is_done(self.database, session, act))

    def at_one_moment(self, read: Callable[[ClientSession], T]) -> T:
        """Return the result of `read(session)` on one snapshot, the newest that a majority of servers has."""
        for pause in SNAPSHOT_PAUSES:
            try:
                return self._at_one_moment(read)
            except OperationFailure as error:
                if error.code != SNAPSHOT_UNAVAILABLE:
                    raise
            time.sleep(pause)
        return self._at_one_moment(read)

    def _at_one_moment(self, read: Callable[[ClientSession], T]) -> T:
        with self.client.start_session(snapshot=True) as session:
            return read(session)

    def writes_blocked(self) -> AbstractContextManager[None]:
        """A context in which every process refuses transactions: at once here, and within a second elsewhere.

        It begins once all of them know. Raises Conflict where writes are blocked already.
        """
        return self._write_block.on()

    def server_time(self) -> datetime:
        """Return the time of the server."""
        with translated():
            found: datetime = self.client.admin.command("hello")["localTime"]
        return found.replace(tzinfo=UTC)

    def check_server(self) -> None:
        """Raises Unavailable where the server is out of reach, or cannot do transactions (a standalone one)."""
        with translated():
            hello = self.client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise Unavailable(_("The database server is not part of a replica set. Start it with --replSet."))

    def ping_by_value(self) -> float:
        """Seconds to write a fresh value and read the same back. Raises Unavailable where that fails."""
        value = ObjectId()
        start = time.perf_counter()
        with translated():
            found = self["healthChecks"].find_one_and_update(
                {"_id": "ping"}, {"$set": {"value": value}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        if not found or found["value"] != value:
            raise Unavailable(_("The database did not return what was written to it."))
        return time.perf_counter() - start

    def ensure_indexes(self, indexes: Indexes) -> None:
        """Make the indexes that a feature declares beside its queries; those that exist cost nothing.

        One that an older version declared otherwise under the same name is replaced. Others read and write meanwhile,
        so a long build has all the time it needs.
        """
        with translated(), pymongo.timeout(INDEX_SECONDS):
            for collection, models in indexes.items():
                try:
                    self[collection].create_indexes(list(models))
                except OperationFailure as error:
                    if error.code not in DECLARED_OTHERWISE:
                        raise
                    self._replace_indexes(collection, models)

    def _replace_indexes(self, collection: str, models: Sequence[IndexModel]) -> None:
        for model in models:
            try:
                self[collection].create_indexes([model])
            except OperationFailure as error:
                if error.code not in DECLARED_OTHERWISE:
                    raise
                self[collection].drop_index(str(model.document["name"]))
                self[collection].create_indexes([model])

    def close(self) -> None:
        self.client.close()


def new_id() -> str:
    """A fresh id: unique, roughly ordered by time, 24 hexadecimal characters."""
    return str(ObjectId())


def stable_id(*parts: str) -> str:
    """The same 24 characters for the same parts: makes a repeated insert hit the same document."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()
