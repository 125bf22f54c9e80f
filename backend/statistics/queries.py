"""The collections chapterStatistics and projectorState, the projector's lease, and its way along the activity."""

from collections.abc import Mapping
from contextlib import closing
from datetime import date
from typing import Any

import pymongo
from bson import Timestamp
from msgspec.structs import replace
from pymongo import DeleteMany, InsertOne, UpdateOne
from pymongo.change_stream import CollectionChangeStream
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from backend.kit.model import from_document, to_document
from backend.kit.mongo import lease
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.mongo.lease import LeaseLost, MongoLease
from backend.progress.models import StudyDay
from backend.statistics.models import Change, ChapterStatistics, Deltas, Position, ProjectorHealth
from backend.statistics.recount_queries import Progress, Recount, unseen

PROJECTOR = "chapterStatistics"  # the one id of lease and state
REBUILD_SECONDS = 240.0
AWAIT_MILLISECONDS = 1_000
MOVING_SECONDS = 20.0  # a leader moves every two seconds; one that has not for so long stands still
LOST_SECONDS = 3600.0
KINDS = 2  # chapters, then days as well: raise it with each new kind, so that all of them are computed once
HISTORY_LOST = frozenset({136, 260, 280, 286})  # the stream cannot go on from where it was


class StatisticsQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def every(self) -> dict[str, ChapterStatistics]:
        """Return the figures by chapter, without chapters on which nobody ever saved anything."""
        with translated():
            found = self._mongo["chapterStatistics"].find({})
            return {document["_id"]: from_document(document, ChapterStatistics) for document in found}


class StreamLost(Exception):
    """The change stream cannot be continued from the kept place: only a rebuild knows the truth now."""


class ActivityStream:
    """New activity in order, from a place on. Not thread-safe."""

    def __init__(self, stream: CollectionChangeStream[Document]) -> None:
        self._stream = stream

    @property
    def token(self) -> dict[str, Any] | None:
        """The place up to which everything was handed out; it moves on while nothing happens."""
        token = self._stream.resume_token
        return dict(token) if token else None

    def next(self) -> Change | None:
        """The next change, or None after half a second without one. Raises StreamLost."""
        try:
            with translated():
                document = self._stream.try_next()
        except OperationFailure as error:
            raise _lost(error) from error
        if document is None:
            if not self._stream.alive:
                raise StreamLost
            return None
        return Change(
            student_id=document["studentId"],
            chapter_id=document["chapterId"],
            study_day=date.fromisoformat(document["studyDay"]),
            is_imported=document["carried"],
            deltas=from_document(document["deltas"], Deltas),
            token=document["_id"],
            at=document["wallTime"],
        )

    def close(self) -> None:
        self._stream.close()


class ProjectorQueries:
    """Everything the projector asks of MongoDB. Times of the lease are the server's."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # the lease: one leader, numbered

    def lead(self, owner: str, seconds: float) -> MongoLease | None:
        """The lease under which `owner` leads now; None while another one does."""
        return lease.acquire(self._mongo.database, PROJECTOR, owner, seconds)

    def keep_leading(self, held: MongoLease, lag_seconds: float) -> None:
        """Renew the lease, and note the progress and lag of the leader. Raises LeaseLost."""
        held.renew({"movedAt": "$$NOW", "lagSeconds": lag_seconds})

    def health(self) -> ProjectorHealth:
        """Return the leader and the lag: as noted by a moving leader, else the age of the oldest waiting change."""
        still_seconds = {"$divide": [{"$subtract": ["$$NOW", "$movedAt"]}, 1000]}
        fields = {"owner": 1, "epoch": 1, "isAlive": lease.is_held(), "lagSeconds": 1, "stillSeconds": still_seconds}
        with translated():
            led = self._mongo[lease.COLLECTION].aggregate([{"$match": {"_id": PROJECTOR}}, {"$project": fields}])
            found = next(iter(led), None) or {}
        known = from_document(found, ProjectorHealth)
        if found.get("stillSeconds") is not None and 0 <= found["stillSeconds"] < MOVING_SECONDS:
            return known
        return replace(known, lag_seconds=self._waiting_seconds())

    def _waiting_seconds(self) -> float | None:
        """Return the age of the oldest change after the kept place; 0 if none waits, None without a place."""
        with translated():
            kept = self._mongo["projectorState"].find_one({"_id": PROJECTOR})
        position = from_document(kept or {}, Position)
        if position.token is None and position.rebuilt_at is None:
            return None
        try:
            with closing(self.follow(position)) as stream:
                change = stream.next()
        except StreamLost:  # it is behind by more than the server remembers
            return LOST_SECONDS
        return max(0.0, (self._mongo.server_time() - change.at).total_seconds()) if change else 0.0

    # the place up to which statistics are true

    def claim(self, epoch: int) -> Position:
        """The kept position, now under `epoch`. Raises LeaseLost where a later leader has it."""
        states = self._mongo["projectorState"]
        with translated():
            states.update_one({"_id": PROJECTOR}, {"$setOnInsert": {"epoch": 0, "revision": 0}}, upsert=True)
            found = states.find_one_and_update(
                {"_id": PROJECTOR, "epoch": {"$lte": epoch}},
                {"$set": {"epoch": epoch}},
                return_document=pymongo.ReturnDocument.AFTER,
            )
        if found is None:
            raise LeaseLost
        return from_document(found, Position)

    def follow(self, position: Position) -> ActivityStream:
        """Activity from just after `position`. Raises StreamLost where the server no longer has it."""
        place: dict[str, Any] = {}
        if position.token:
            place["resume_after"] = position.token
        elif position.rebuilt_at:
            seconds, count = position.rebuilt_at
            place["start_at_operation_time"] = Timestamp(seconds, count + 1)
        try:
            with translated():
                return ActivityStream(
                    self._mongo["activity"].watch(_STREAM, max_await_time_ms=AWAIT_MILLISECONDS, **place)
                )
        except OperationFailure as error:  # a place that this server cannot read, whatever it calls it
            raise StreamLost(str(error)) from error

    def apply(
        self,
        position: Position,
        deltas: Mapping[str, Deltas],
        token: Mapping[str, Any],
        days: Mapping[date, StudyDay] | None = None,
    ) -> None:
        """Add to statistics and move the position, in one transaction: each change counts exactly once.

        Raises LeaseLost where `position` is not the kept one's epoch and revision.
        """

        def work(session: ClientSession) -> None:
            self._move(session, position, {"token": dict(token), "rebuiltAt": None})
            if deltas:
                self._mongo["chapterStatistics"].bulk_write(_increments(deltas), ordered=False, session=session)
            if days:
                self._mongo["dayStatistics"].bulk_write(_day_increments(days), ordered=False, session=session)

        self._mongo.transaction(work)

    def rebuild(self, position: Position | None = None, progress: Progress = unseen) -> int:
        """Compute statistics anew from all activity, as of one moment from which the stream goes on.

        `progress` is told how many changes of how many were read. Returns the number of chapters. With `position`,
        raises LeaseLost as `apply` does; without, it may be run by anyone at any time: a running leader notices and
        goes on from the new place.
        """
        recount = Recount({"chapterStatistics": _SUMS, "dayStatistics": _DAY_SUMS})
        recount.run(self._mongo, progress)
        moment = recount.moment or Timestamp(0, 0)

        def work(session: ClientSession) -> None:
            place = {"token": None, "rebuiltAt": [moment.time, moment.inc], "kinds": KINDS}
            self._move(session, position, place)
            for name in ("chapterStatistics", "dayStatistics"):
                documents = recount.sums(name)
                replaced = [DeleteMany({}), *(InsertOne(document) for document in documents)]
                self._mongo[name].bulk_write(replaced, session=session)

        with pymongo.timeout(REBUILD_SECONDS):
            self._mongo.transaction(work)
        return len(recount.sums("chapterStatistics"))

    def _move(self, session: ClientSession, position: Position | None, place: Document) -> None:
        kept: Document = {"_id": PROJECTOR}
        change: Document = {"$set": place}
        if place["rebuiltAt"]:
            change["$inc"] = {"revision": 1}
        if position:
            kept |= {"epoch": position.epoch, "revision": position.revision}
        else:
            change["$setOnInsert"] = {"epoch": 0}
        moved = self._mongo["projectorState"].update_one(kept, change, upsert=position is None, session=session)
        if position and moved.matched_count == 0:
            raise LeaseLost


def _has_progress(state: str) -> Document:
    """1 for a record that says anything, 0 for one that is as if it were absent."""
    said = [
        {"$ne": [f"{state}.status", "Not Started"]},
        {"$gt": [f"{state}.questionSolved", 0]},
        f"{state}.isWeakChapter",
    ]
    return {"$cond": [{"$or": said}, 1, 0]}


def _students(activity: str) -> Document:
    """Return the effect of a change on the number of students with progress on its chapter: -1, 0 or 1."""
    return {"$subtract": [_has_progress(f"{activity}after"), _has_progress(f"{activity}before")]}


_STREAM: list[Document] = [
    {"$match": {"operationType": "insert"}},
    {
        "$project": {
            "wallTime": 1,
            "studentId": "$fullDocument.studentId",
            "chapterId": "$fullDocument.chapterId",
            "studyDay": "$fullDocument.studyDay",
            "carried": {"$ifNull": ["$fullDocument.carried", False]},
            "deltas": {
                "students": _students("$fullDocument."),
                "solved": "$fullDocument.deltas.solved",
                "completed": "$fullDocument.deltas.completed",
                "inProgress": "$fullDocument.deltas.inProgress",
                "weak": "$fullDocument.deltas.weak",
            },
        }
    },
]
_SUMS: list[Document] = [
    {
        "$group": {
            "_id": "$chapterId",
            "students": {"$sum": _students("$")},
            "completed": {"$sum": "$deltas.completed"},
            "inProgress": {"$sum": "$deltas.inProgress"},
            "weak": {"$sum": "$deltas.weak"},
            "solved": {"$sum": "$deltas.solved"},
        }
    }
]


_OWN_DAY: Document = {"$cond": [{"$ifNull": ["$carried", False]}, 0, 1]}  # carried work was done some other day
_DAY_SUMS: list[Document] = [
    {
        "$group": {
            "_id": "$studyDay",
            "solved": {"$sum": {"$multiply": ["$deltas.solved", _OWN_DAY]}},
            "completed": {"$sum": {"$multiply": ["$deltas.completed", _OWN_DAY]}},
            "changes": {"$sum": 1},
        }
    }
]


def _increments(deltas: Mapping[str, Deltas]) -> list[UpdateOne]:
    return [
        UpdateOne({"_id": chapter_id}, {"$inc": to_document(each)}, upsert=True) for chapter_id, each in deltas.items()
    ]


def _day_increments(days: Mapping[date, StudyDay]) -> list[UpdateOne]:
    return [
        UpdateOne(
            {"_id": day.isoformat()},
            {"$inc": {"solved": each.solved, "completed": each.completed, "changes": each.changes}},
            upsert=True,
        )
        for day, each in days.items()
    ]


def _lost(error: OperationFailure) -> Exception:
    return StreamLost(str(error)) if error.code in HISTORY_LOST else error
