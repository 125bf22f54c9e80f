"""The collection slowOperations: what was slow in any process, by shape; and what the server says of how it did it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pymongo
from pymongo import DESCENDING
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.operations import IndexModel, UpdateOne

from backend.kit.model import from_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.mongo.slow_commands import ASKED, EXPLAINED, Slow, plan_of, shape_of
from backend.operations.models import SlowOperation

KEPT_SECONDS = 7 * 86_400
BOUND_SECONDS = 1.8
PROFILED = 50  # of the newest entries of the profiler so many are looked through
MOST = 200  # shapes that are kept
PROFILE = "system.profile"

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "slowOperations": (IndexModel([("lastAt", 1)], name="leaves", expireAfterSeconds=KEPT_SECONDS),)
}


class SlowQueries:
    """Every answer is bounded in time."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def profile(self) -> bool:
        """Have the server note slow commands of this database (level 1); whether it may be asked to."""
        try:
            with pymongo.timeout(BOUND_SECONDS), translated():
                if self._mongo.database.command("profile", -1)["was"] == 0:
                    self._mongo.database.command("profile", 1)
                return True
        except OperationFailure:
            return False

    def add(self, found: Sequence[Slow]) -> None:
        """Add what this process met, and keep the collection small. Raises Unavailable."""
        writes = [UpdateOne({"_id": each.id}, _added(each), upsert=True) for each in found]
        with pymongo.timeout(BOUND_SECONDS), translated():
            self._mongo["slowOperations"].bulk_write(writes, ordered=False)
            last = list(self._mongo["slowOperations"].find({}, {"lastAt": 1}).sort("lastAt", -1).skip(MOST).limit(1))
            if last and "lastAt" in last[0]:
                self._mongo["slowOperations"].delete_many({"lastAt": {"$lte": last[0]["lastAt"]}})

    def describe(self, slow: Slow, plan: str, source: str, examined: int | None) -> None:
        """Keep how the server does it. Raises Unavailable."""
        fields = {"plan": plan, "planFrom": source, "examined": examined}
        with pymongo.timeout(BOUND_SECONDS), translated():
            self._mongo["slowOperations"].update_one({"_id": slow.id}, {"$set": fields})

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

    def profiled(self) -> dict[str, tuple[str, int]]:
        """By shape, the plan and the documents examined as the profiler noted them lately; values are left where
        they are."""
        found: dict[str, tuple[str, int]] = {}
        try:
            with pymongo.timeout(BOUND_SECONDS):
                for each in self._mongo[PROFILE].find().sort("$natural", DESCENDING).limit(PROFILED):
                    plan = each.get("planSummary", "")
                    if plan and "command" in each:
                        key = f"{each.get('op')} {each.get('ns', '').partition('.')[2]} {shape_of(each['command'])}"
                        found.setdefault(key, (_without_values(plan), int(each.get("docsExamined", 0))))
        except PyMongoError:
            return {}
        return found

    def slowest(self, count: int) -> tuple[SlowOperation, ...]:
        """The shapes that took the most time in all. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            rows = self._mongo["slowOperations"].find().sort("totalSeconds", DESCENDING).limit(count)
            return tuple(from_document(each, SlowOperation) for each in rows)


def profile_key(slow: Slow) -> str:
    """Under which the profiler's entries of this shape are found."""
    kind = {"find": "query", "aggregate": "command", "count": "command", "distinct": "command",
            "findAndModify": "command", "insert": "insert"}  # fmt: skip
    return f"{kind.get(slow.operation, slow.operation)} {slow.collection} {slow.shape}"


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


def _without_values(plan: str) -> str:
    """A plan's summary: names of stages and indexed fields, no value stands in it."""
    return plan[:200]
