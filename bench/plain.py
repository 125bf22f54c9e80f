"""What the product is compared with: the plain aggregations over progress that would give the same answers."""

from typing import Any

import pymongo

from backend.kit.mongo.client import Document, Mongo

PATIENCE_SECONDS = 120
_COMPLETED = {"$sum": {"$cond": [{"$eq": ["$status", "Completed"]}, 1, 0]}}
_IN_PROGRESS = {"$sum": {"$cond": [{"$eq": ["$status", "In Progress"]}, 1, 0]}}
_WEAK = {"$sum": {"$cond": ["$isWeakChapter", 1, 0]}}
_SOLVED = {"$sum": "$questionSolved"}
_BY_STUDENT: Document = {"$group": {"_id": "$studentId", "score": _SOLVED}}
_SAID: Document = {"$match": {"status": {"$ne": "Not Started"}}}  # all that the maker writes, so it takes nothing away


def statistics(mongo: Mongo) -> list[Document]:
    """By subject and class: how many completed, in progress, marked weak; questions solved, sum and average."""
    pipeline: list[Document] = [
        _SAID,
        {
            "$group": {
                "_id": {"subject": "$subject", "class": "$class"},
                "completed": _COMPLETED,
                "inProgress": _IN_PROGRESS,
                "weak": _WEAK,
                "solved": _SOLVED,
                "averageSolved": {"$avg": "$questionSolved"},
            }
        },
        {"$sort": {"_id": 1}},
        {"$limit": 100},
    ]
    return _all(mongo, pipeline)


def top(mongo: Mongo, count: int) -> list[Document]:
    """Those who solved most, with their display names."""
    user: dict[str, Any] = {"from": "users", "localField": "_id", "foreignField": "_id", "as": "user"}
    pipeline: list[Document] = [
        _SAID,
        _BY_STUDENT,
        {"$sort": {"score": -1, "_id": 1}},
        {"$limit": count},
        {"$lookup": user},
        {"$project": {"score": 1, "name": {"$first": "$user.boardName"}}},
    ]
    return _all(mongo, pipeline)


def rank(mongo: Mongo, student_id: str) -> int:
    """One more than the number of those who solved more than this student."""
    (own,) = _all(mongo, [{"$match": {"studentId": student_id}}, _BY_STUDENT])
    better: list[Document] = [_SAID, _BY_STUDENT, {"$match": {"score": {"$gt": own["score"]}}}, {"$count": "students"}]
    return sum(int(found["students"]) for found in _all(mongo, better)) + 1


def _all(mongo: Mongo, pipeline: list[Document]) -> list[Document]:
    with pymongo.timeout(PATIENCE_SECONDS):  # the product would have given up long before
        return list(mongo["progress"].aggregate(pipeline, allowDiskUse=True))
