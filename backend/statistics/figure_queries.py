"""Queries of statistics other than the projector's chapters: days, summaries, the progress of classes."""

from collections.abc import Iterable
from datetime import date

from pymongo import ASCENDING

from backend.classrooms.models import ClassDays
from backend.kit.model import from_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.progress.models import StudyDay
from backend.statistics.distribution import SOLVED_BINS
from backend.statistics.models import ChapterStatistics, Level

ONE_BATCH = 1000


class FigureQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def days(self, since: date) -> ClassDays:
        """Return the work of all students by study day from `since` on, in order, and whether there is any before."""
        with translated():
            kept = self._mongo["dayStatistics"]
            found = list(kept.find({"_id": {"$gte": since.isoformat()}}, batch_size=ONE_BATCH).sort("_id", ASCENDING))
            earlier = kept.find_one({"_id": {"$lt": since.isoformat()}}, {"_id": 1})
        days = tuple(from_document({"day": document["_id"], **document}, StudyDay) for document in found)
        return ClassDays(days=days, has_earlier=earlier is not None)

    def levels(self) -> tuple[Level, ...]:
        """Return the number of students at each level, in all and by subject: at most a few hundred levels."""
        with translated():
            found = self._mongo["summaries"].aggregate(_LEVELS, allowDiskUse=True, hint="_id_", batchSize=ONE_BATCH)
            return tuple(from_document({**each["_id"], "students": each["students"]}, Level) for each in found)

    def of_classes(self, classroom_ids: Iterable[str]) -> dict[str, ChapterStatistics]:
        """The active students of these classes together, each once: by chapter, as the projector counts everyone."""
        with translated():
            found = self._mongo["memberships"].aggregate(
                _of_classes(list(classroom_ids)), allowDiskUse=True, batchSize=ONE_BATCH
            )
            return {document["_id"]: from_document(document, ChapterStatistics) for document in found}


_LEVELS: list[Document] = [
    {"$match": {"_id": {"$gt": ""}, "lastActivityAt": {"$type": "date"}}},
    {
        "$project": {
            "parts": {
                "$concatArrays": [
                    [{"completed": "$total.completed", "solved": "$total.solved"}],
                    {"$ifNull": ["$subjects", []]},
                ]
            }
        }
    },
    {"$unwind": "$parts"},
    {
        "$group": {
            "_id": {
                "subject": {"$ifNull": ["$parts.subject", None]},
                "completed": "$parts.completed",
                "solved": {
                    "$switch": {
                        "branches": [
                            {"case": {"$gte": ["$parts.solved", least]}, "then": least}
                            for least, _most in reversed(SOLVED_BINS)
                        ],
                        "default": 0,
                    }
                },
            },
            "students": {"$sum": 1},
        }
    },
]


def count_if(condition: Document | str) -> Document:
    """Return the accumulator that counts the documents of a group for which `condition` holds."""
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _of_classes(classroom_ids: list[str]) -> list[Document]:
    user = {"from": "users", "localField": "_id", "foreignField": "_id", "as": "user"}
    active = [{"$match": {"isActive": True, "role": "student"}}, {"$project": {"_id": 1}}]
    progress = {"from": "progress", "localField": "_id", "foreignField": "studentId", "as": "progress"}
    fields = {"_id": 0, "chapterId": 1, "status": 1, "questionSolved": 1, "isWeakChapter": 1}
    said = [
        {"$ne": ["$progress.status", "Not Started"]},
        {"$gt": ["$progress.questionSolved", 0]},
        "$progress.isWeakChapter",
    ]
    return [
        {"$match": {"classroomId": {"$in": classroom_ids}, "role": "student"}},
        {"$group": {"_id": "$userId"}},
        {"$lookup": user | {"pipeline": active}},
        {"$match": {"user": {"$ne": []}}},
        {"$lookup": progress | {"pipeline": [{"$project": fields}]}},
        {"$unwind": "$progress"},
        {
            "$group": {
                "_id": "$progress.chapterId",
                "students": count_if({"$or": said}),
                "completed": count_if({"$eq": ["$progress.status", "Completed"]}),
                "inProgress": count_if({"$eq": ["$progress.status", "In Progress"]}),
                "weak": count_if("$progress.isWeakChapter"),
                "solved": {"$sum": "$progress.questionSolved"},
            }
        },
    ]
