"""Scores of participants from MongoDB: study days for a week or month, summaries for all time. One query each."""

from datetime import date
from typing import Any

from pymongo import ASCENDING, IndexModel

from backend.boards.models import EVERYONE, Measure, Standing
from backend.kit.mongo import Document, Mongo, translated
from backend.kit.shape import from_document

INDEXES = {
    "users": [
        IndexModel(
            [("boardJoined", ASCENDING), ("boardName", ASCENDING)],
            name="participants",
            partialFilterExpression={"boardJoined": True},
        )
    ]
}
PARTICIPANT = {"boardJoined": True, "isActive": True, "role": "student", "boardName": {"$gt": ""}}


class BoardQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def standings(
        self, scope: str, measure: Measure, first_day: date | None, last_day: date | None
    ) -> tuple[Standing, ...]:
        """The score of every participant of "everyone" or a classroom, in no order; all time without days."""
        score = _in_days(measure, first_day, last_day) if first_day and last_day else _all_time(measure)
        name = {"$project": {"_id": 0, "studentId": "$_id", "name": "$boardName", "score": "$score"}}
        with translated():
            collection, participants = self._participants(scope)
            found = collection.aggregate([*participants, *score, name])
            return tuple(from_document(document, Standing) for document in found)

    def _participants(self, scope: str) -> tuple[Any, list[Document]]:
        if scope == EVERYONE:
            return self._mongo["users"], [{"$match": PARTICIPANT}, {"$project": {"boardName": 1}}]
        member = {"from": "users", "localField": "userId", "foreignField": "_id", "as": "user"}
        return self._mongo["memberships"], [
            {"$match": {"classroomId": scope, "role": "student"}},
            {"$lookup": member | {"pipeline": [{"$match": PARTICIPANT}]}},
            {"$unwind": "$user"},
            {"$project": {"_id": "$userId", "boardName": "$user.boardName"}},
        ]


def _all_time(measure: Measure) -> list[Document]:
    field = "$summary.total.solved" if measure == "questions" else "$summary.studiedDays"
    summary = {"from": "summaries", "localField": "_id", "foreignField": "_id", "as": "summary"}
    return [
        {"$lookup": summary},
        {"$set": {"summary": {"$first": "$summary"}}},
        {"$set": {"score": {"$ifNull": [field, 0]}}},
    ]


def _in_days(measure: Measure, first_day: date, last_day: date) -> list[Document]:
    in_period = {"day": {"$gte": first_day.isoformat(), "$lte": last_day.isoformat()}}
    studied = {"$cond": [{"$or": [{"$gt": ["$solved", 0]}, {"$gt": ["$completed", 0]}]}, 1, 0]}
    each = "$solved" if measure == "questions" else studied
    days = {
        "from": "studyDays",
        "localField": "_id",
        "foreignField": "studentId",
        "pipeline": [{"$match": in_period}, {"$project": {"_id": 0, "score": each}}],
        "as": "days",
    }
    return [{"$lookup": days}, {"$set": {"score": {"$sum": "$days.score"}}}]
