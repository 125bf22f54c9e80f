"""Queries about MongoDB itself: its server, its indexes, its counts. Each one has a time limit."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pymongo
from pymongo.errors import OperationFailure
from pymongo.operations import IndexModel

from backend.kit.model import Shape
from backend.kit.mongo.client import Document, Mongo, translated
from backend.operations.models import OperationsCounts

BOUND_SECONDS = 1.8  # within the 2 s that a check may take
NOT_AUTHORISED = 13
WATCHED = timedelta(days=7)  # every weekly habit of a school has come by once


class ReplicaSetMember(Shape, frozen=True, kw_only=True):
    """One server of a replica set; `state` in MongoDB's words: PRIMARY, SECONDARY, …"""

    name: str
    state: str
    is_healthy: bool


class Deployment(Shape, frozen=True, kw_only=True):
    """The MongoDB behind us. `members` is empty where this user may not ask for them."""

    version: str
    replica_set: str | None
    is_sharded: bool
    has_primary: bool
    members: tuple[ReplicaSetMember, ...]
    round_trip_seconds: float


class Unused(NamedTuple):
    """Indexes that nothing asked for, as "collection.name", and how long the server has watched them at least."""

    names: tuple[str, ...] = ()
    watched: timedelta = timedelta(0)


class OperationQueries:
    def __init__(self, mongo: Mongo, indexes: Sequence[Mapping[str, Sequence[IndexModel]]]) -> None:
        self._mongo = mongo
        self._indexes = indexes

    def deployment(self) -> Deployment:
        """The server's state, after a value written was read back. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS):
            seconds = self._mongo.ping_by_value()
            with translated():
                hello = self._mongo.client.admin.command("hello")
                version = self._mongo.client.admin.command("buildInfo")["version"]
                return Deployment(
                    version=version,
                    replica_set=hello.get("setName"),
                    is_sharded=hello.get("msg") == "isdbgrid",
                    has_primary=bool(hello.get("isWritablePrimary")),
                    members=self._members() if "setName" in hello else (),
                    round_trip_seconds=seconds,
                )

    def missing_indexes(self) -> tuple[str, ...]:
        """Indexes that the features declare and the database does not have, as "collection.name"."""
        missing: list[str] = []
        with pymongo.timeout(BOUND_SECONDS), translated():
            for indexes in self._indexes:
                for collection, models in indexes.items():
                    present = self._mongo[collection].index_information()
                    names = [model.document["name"] for model in models]
                    missing += [f"{collection}.{name}" for name in names if name not in present]
        return tuple(missing)

    def unused_indexes(self, at: datetime) -> Unused:
        """Declared indexes without a single use on the server that answers, watched for a week up to `at` or longer.

        Those that keep values unique or let documents expire do their work unasked, so they are left out.
        Empty where this user may not ask.
        """
        idle: dict[str, timedelta] = {}
        try:
            with pymongo.timeout(BOUND_SECONDS), translated():
                for indexes in self._indexes:
                    for collection, models in indexes.items():
                        asked_for = {model.document["name"] for model in models if _is_asked_for(model)}
                        for each in self._mongo[collection].aggregate([{"$indexStats": {}}]):
                            watched = at - each["accesses"]["since"]
                            if each["name"] in asked_for and each["accesses"]["ops"] == 0 and watched >= WATCHED:
                                idle[f"{collection}.{each['name']}"] = watched
        except OperationFailure as error:
            if error.code != NOT_AUTHORISED:
                raise
        return Unused(tuple(idle), min(idle.values(), default=timedelta(0)))

    def counts(self) -> OperationsCounts:
        """How much there is. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            by_role = self._active_by_role()
            users = self._mongo["users"].estimated_document_count()
            return OperationsCounts(
                students=by_role.get("student", 0),
                teachers=by_role.get("teacher", 0),
                admins=by_role.get("admin", 0),
                inactive=max(0, users - sum(by_role.values())),
                classrooms=self._mongo["classrooms"].count_documents({"archivedAt": None}),
                chapters=self._mongo["chapters"].count_documents({"archivedAt": None}),
                progress=self._mongo["progress"].estimated_document_count(),
                activity=self._mongo["activity"].estimated_document_count(),
                sessions=self._mongo["sessions"].estimated_document_count(),
            )

    def demo_people(self) -> int:
        """Active accounts whose password is published. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            return self._mongo["users"].count_documents({"isDemo": True, "isActive": True}, limit=1_000)

    def _members(self) -> tuple[ReplicaSetMember, ...]:
        try:
            status: Document = self._mongo.client.admin.command("replSetGetStatus")
        except OperationFailure as error:
            if error.code == NOT_AUTHORISED:
                return ()
            raise
        return tuple(_member(each) for each in status["members"])

    def _active_by_role(self) -> dict[str, int]:
        pipeline: list[Document] = [{"$match": {"isActive": True}}, {"$group": {"_id": "$role", "count": {"$sum": 1}}}]
        return {row["_id"]: row["count"] for row in self._mongo["users"].aggregate(pipeline)}


def _is_asked_for(model: IndexModel) -> bool:
    return not (model.document.get("unique") or "expireAfterSeconds" in model.document)


def _member(member: Mapping[str, Any]) -> ReplicaSetMember:
    return ReplicaSetMember(name=member["name"], state=member["stateStr"], is_healthy=member["health"] == 1)
