"""The collection sharedFigures: what students were told of each group; and the work of those who count in one."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.statistics.figure_queries import count_if
from backend.statistics.models import ChapterStatistics, SharedFigures
from backend.statistics.shared_figures import EVERYONE, SETTLED, STUDIED_DAYS

ONE_BATCH = 10_000


class SharedFigureQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def told(self, group: str) -> SharedFigures | None:
        """Return the figures that were last shared with students; None if there are none."""
        with translated():
            found = self._mongo["sharedFigures"].find_one({"_id": group}, {"marks": 0})
        return from_document(found, SharedFigures) if found else None

    def marks(self, group: str) -> frozenset[str]:
        """Return the marks of the students whose work is in the figures that were last shared."""
        with translated():
            found = self._mongo["sharedFigures"].find_one({"_id": group}, {"marks": 1})
        return frozenset(found["marks"]) if found else frozenset()

    def tell(self, before: SharedFigures | None, figures: SharedFigures, marks: Iterable[str]) -> None:
        """Put figures, with the marks of those in them, in the place of what was told before.

        Another process may be first: then its figures stand.
        """
        fields = to_document(figures) | {"marks": sorted(marks)}
        group = fields.pop("_id")
        wanted: Document = {"_id": group, "lookedAt": before.looked_at if before else None}
        try:
            with translated():
                self._mongo["sharedFigures"].update_one(wanted, {"$set": fields}, upsert=before is None)
        except DuplicateKeyError:
            return

    def cohort(self, group: str, now: datetime) -> dict[str, int]:
        """Return the students who count in a group, with the revision of their work."""
        settled = {"$lte": now - SETTLED}
        with translated():
            belong: Document = {"createdAt": settled}
            if group != EVERYONE:
                wanted = {"classroomId": group, "role": "student", "joinedAt": settled}
                members = self._mongo["memberships"].find(wanted, {"userId": 1})
                belong = {"_id": {"$in": [each["userId"] for each in members]}}
            active: Document = belong | {"role": "student", "isActive": True}
            ids = [user["_id"] for user in self._mongo["users"].find(active, {"_id": 1}, batch_size=ONE_BATCH)]
            worked = {"_id": {"$in": ids}, "studiedDays": {"$gte": STUDIED_DAYS}}
            summaries = self._mongo["summaries"].find(worked, {"revision": 1}, batch_size=ONE_BATCH)
            return {each["_id"]: each.get("revision", 0) for each in summaries}

    def sums(self, student_ids: Iterable[str]) -> Mapping[str, ChapterStatistics]:
        """Their work by chapter, as the projector counts everyone's."""
        pipeline: list[Document] = [{"$match": {"studentId": {"$in": list(student_ids)}}}, _BY_CHAPTER]
        with translated():
            found = self._mongo["progress"].aggregate(pipeline, allowDiskUse=True, batchSize=ONE_BATCH)
            return {each["_id"]: from_document(each, ChapterStatistics) for each in found}


_BY_CHAPTER: Document = {
    "$group": {
        "_id": "$chapterId",
        "students": count_if(
            {"$or": [{"$ne": ["$status", "Not Started"]}, {"$gt": ["$questionSolved", 0]}, "$isWeakChapter"]}
        ),
        "completed": count_if({"$eq": ["$status", "Completed"]}),
        "inProgress": count_if({"$eq": ["$status", "In Progress"]}),
        "weak": count_if("$isWeakChapter"),
        "solved": {"$sum": "$questionSolved"},
    }
}
