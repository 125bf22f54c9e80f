"""Queries about the database server: its clock, its oplog, the lag of its members, index builds."""

from datetime import timedelta
from typing import NamedTuple

import pymongo
from pymongo.errors import OperationFailure

from backend.kit.clock import Clock
from backend.kit.mongo.client import Document, Mongo, translated

BOUND_SECONDS = 1.8
NOT_ALLOWED = frozenset({13, 26, 31, 76, 8000})  # no right, no such thing here, or a service that hides it


class Oplog(NamedTuple):
    """How far back the oplog reaches, and whether it is full and drops its oldest entries."""

    window_seconds: float
    is_full: bool


class Behind(NamedTuple):
    """A secondary and how many seconds it is behind the primary."""

    name: str
    seconds: float


class ServerQueries:
    """Every answer is bounded in time; None where this user may not ask. Raises Unavailable."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def version(self) -> str:
        """The version of the server that answers, such as "6.0.5"."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            return str(self._mongo.client.admin.command("buildInfo")["version"])

    def skew_seconds(self, clock: Clock) -> float:
        """By how much the server's clock is ahead of `clock`, within half a round trip."""
        with pymongo.timeout(BOUND_SECONDS):
            before = clock.now()
            found = self._mongo.server_time()
            after = clock.now()
        return (found - (before + (after - before) / 2)).total_seconds()

    def oplog(self) -> Oplog | None:
        """The reach of the oplog of the server that answers."""
        log = self._mongo.client["local"]["oplog.rs"]
        try:
            with pymongo.timeout(BOUND_SECONDS), translated():
                first, last = (log.find_one(sort=[("$natural", order)]) for order in (1, -1))
                size = next(log.aggregate([{"$collStats": {"storageStats": {}}}]))["storageStats"]
        except OperationFailure as error:
            if error.code in NOT_ALLOWED:
                return None
            raise
        if not first or not last:
            return None
        span = last["ts"].as_datetime() - first["ts"].as_datetime()
        return Oplog(span / timedelta(seconds=1), size["size"] >= 0.9 * size["maxSize"])

    def behind(self) -> tuple[Behind, ...] | None:
        """Secondaries that answer, and by how much they are behind the primary."""
        try:
            with pymongo.timeout(BOUND_SECONDS), translated():
                members = self._mongo.client.admin.command("replSetGetStatus")["members"]
        except OperationFailure as error:
            if error.code in NOT_ALLOWED:
                return None
            raise
        newest = max((each["optimeDate"] for each in members if each["stateStr"] == "PRIMARY"), default=None)
        if newest is None:
            return ()
        return tuple(
            Behind(each["name"], max(0.0, (newest - each["optimeDate"]).total_seconds()))
            for each in members
            if each["stateStr"] in {"SECONDARY", "RECOVERING", "STARTUP2"} and "optimeDate" in each
        )

    def building(self) -> tuple[str, ...]:
        """Collections of this database whose indexes are being built just now, or wait to be."""
        stages: list[Document] = [
            {"$currentOp": {"allUsers": True}},
            {"$match": {"command.createIndexes": {"$exists": True}, "command.$db": self._mongo.database.name}},
            {"$project": {"name": "$command.createIndexes"}},
        ]
        try:
            with pymongo.timeout(BOUND_SECONDS), translated():
                return tuple(sorted({each["name"] for each in self._mongo.client.admin.aggregate(stages)}))
        except OperationFailure as error:
            if error.code in NOT_ALLOWED:
                return ()
            raise
