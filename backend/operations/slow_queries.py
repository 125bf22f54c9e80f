"""The collection slowOperations: what was slow in any process, by shape, with the plan that the server explains.

The server's own profiler is not turned on: it would keep commands with the ids and words in them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pymongo
from pymongo import DESCENDING
from pymongo.errors import PyMongoError
from pymongo.operations import IndexModel, UpdateOne

from backend.kit.model import from_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.mongo.slow_commands import ASKED, EXPLAINED, Slow, plan_of
from backend.operations.models import SlowOperation

KEPT_SECONDS = 7 * 86_400
BOUND_SECONDS = 1.8
MOST = 200  # shapes that are kept

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "slowOperations": (IndexModel([("lastAt", 1)], name="leaves", expireAfterSeconds=KEPT_SECONDS),)
}


class SlowQueries:
    """Every answer is bounded in time."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def add(self, found: Sequence[Slow]) -> None:
        """Add what this process met, and keep the collection small. Raises Unavailable."""
        writes = [UpdateOne({"_id": each.id}, _added(each), upsert=True) for each in found]
        with pymongo.timeout(BOUND_SECONDS), translated():
            self._mongo["slowOperations"].bulk_write(writes, ordered=False)
            last = list(self._mongo["slowOperations"].find({}, {"lastAt": 1}).sort("lastAt", -1).skip(MOST).limit(1))
            if last and "lastAt" in last[0]:
                self._mongo["slowOperations"].delete_many({"lastAt": {"$lte": last[0]["lastAt"]}})

    def describe(self, slow: Slow, plan: str) -> None:
        """Keep how the server does it. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            self._mongo["slowOperations"].update_one({"_id": slow.id}, {"$set": {"plan": plan}})

    def explained(self, slow: Slow) -> str:
        """The plan for the slowest run, asked for without running it again; "" where the server gives none."""
        if slow.command is None or slow.operation not in EXPLAINED or not slow.collection:
            return ""
        try:
            with pymongo.timeout(BOUND_SECONDS):
                asked = {"explain": _explainable(slow), "verbosity": "queryPlanner"}
                return plan_of(self._mongo.database.command(asked))
        except PyMongoError:
            return ""

    def slowest(self, count: int) -> tuple[SlowOperation, ...]:
        """The shapes that took the most time in all. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            rows = self._mongo["slowOperations"].find().sort("totalSeconds", DESCENDING).limit(count)
            return tuple(from_document(each, SlowOperation) for each in rows)


def _added(slow: Slow) -> Document:
    return {
        "$set": {"operation": slow.operation, "collection": slow.collection, "shape": slow.shape},
        "$inc": {"count": slow.count, "failed": slow.failed, "totalSeconds": slow.total_seconds},
        "$max": {"longestSeconds": slow.longest_seconds},
        "$currentDate": {"lastAt": True},
    }


def _explainable(slow: Slow) -> Document:
    command: Mapping[str, Any] = slow.command or {}
    asked: Document = {slow.operation: slow.collection}
    asked |= {name: command[name] for name in (*ASKED, "arrayFilters", "let", "remove", "new") if name in command}
    if slow.operation == "aggregate":
        asked["cursor"] = {}
    for several in ("updates", "deletes"):
        if several in asked:
            asked[several] = list(asked[several])[:1]
    return asked
