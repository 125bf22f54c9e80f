"""Scores of participants from MongoDB: study days for a week or month, summaries for all time."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from backend.boards.models import EVERYONE, Standing
from backend.boards.periods import Span
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
GONE = 2**52  # a revision that nothing comes after: of who has no account any more
STATE = "boards"
ONE_BATCH = 20_000

Standings = dict[tuple[str, str], list[Standing]]  # by scope and period


class BoardQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # everybody on one board

    def standings(
        self, scope: str, first_day: date | None, last_day: date | None, *, as_of_one_moment: bool = False
    ) -> tuple[Standing, ...]:
        """Every participant of "everyone" or a classroom, in no order; all time without days. One query.

        `as_of_one_moment`: no score is newer than the revision beside it, so that newer ones can be told apart.
        """
        days = _in_days(first_day, last_day) if first_day and last_day else _ALL_TIME
        collection, participants = self._participants(scope)
        pipeline = [*participants, _SUMMARY, *days, _STANDING]

        def read(session: ClientSession | None) -> tuple[Standing, ...]:
            found = collection.aggregate(pipeline, session=session, batchSize=ONE_BATCH, allowDiskUse=True)
            return tuple(from_document(document, Standing) for document in found)

        with translated():
            return self._mongo.at_one_moment(read) if as_of_one_moment else read(None)

    def _participants(self, scope: str) -> tuple[Any, list[Document]]:
        if scope == EVERYONE:
            return self._mongo["users"], [{"$match": PARTICIPANT}, {"$project": {"boardName": 1}}]
        member = {"from": "users", "localField": "userId", "foreignField": "_id", "as": "user"}
        return self._mongo["memberships"], [
            {"$match": {"classroomId": scope, "role": "student"}},
            {"$lookup": member | {"pipeline": [{"$match": PARTICIPANT}, {"$project": {"boardName": 1}}]}},
            {"$unwind": "$user"},
            {"$project": {"_id": "$userId", "boardName": "$user.boardName"}},
        ]

    # some students on all their boards

    def standings_of(self, student_ids: Iterable[str], spans: Sequence[Span]) -> Standings:
        """Those of these students who take part, on every board they are on, as of one moment. Four queries."""
        with translated():
            students = self._mongo.at_one_moment(lambda session: self._students(session, list(student_ids), spans))
        found: Standings = {}
        for student in students:
            for span in spans:
                standing = _standing(student, span)
                for scope in student.scopes:
                    found.setdefault((scope, span.id), []).append(standing)
        return found

    def _students(
        self, session: ClientSession, student_ids: Sequence[str], spans: Sequence[Span]
    ) -> tuple["_Student", ...]:
        users = self._mongo["users"].find({"_id": {"$in": student_ids}} | PARTICIPANT, session=session)
        names = {user["_id"]: user["boardName"] for user in users}
        if not names:
            return ()
        ids = {"$in": list(names)}
        summaries = {each["_id"]: each for each in self._mongo["summaries"].find({"_id": ids}, session=session)}
        members = self._mongo["memberships"].find({"userId": ids, "role": "student"}, session=session)
        classes = _by(members, "userId")
        days = _by(self._mongo["studyDays"].find({"studentId": ids} | _within(spans), session=session), "studentId")
        return tuple(
            _Student(
                id=each,
                name=name,
                scopes=(EVERYONE, *(membership["classroomId"] for membership in classes.get(each, ()))),
                summary=summaries.get(each, {}),
                days=days.get(each, []),
            )
            for each, name in names.items()
        )

    def classroom_ids(self, student_id: str) -> tuple[str, ...]:
        with translated():
            found = self._mongo["memberships"].find({"userId": student_id}, {"classroomId": 1})
            return tuple(membership["classroomId"] for membership in found)

    def raise_revision(self, student_id: str) -> int:
        """Mark that something about her changed which is not her work; the revision that nothing older passes."""
        with translated():
            if self._mongo["users"].find_one({"_id": student_id}, {"_id": 1}) is None:
                return GONE
            found = self._mongo["summaries"].find_one_and_update(
                {"_id": student_id}, {"$inc": {"revision": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        return int(found["revision"]) if found else GONE

    # the generation of all kept boards

    def epoch(self) -> int:
        """Boards that were kept under an older one are never looked at again."""
        with translated():
            found = self._mongo["boardState"].find_one({"_id": STATE})
        return int(found["epoch"]) if found else 0

    def raise_epoch(self, session: ClientSession | None = None) -> None:
        """Let nobody answer from the boards that are kept now. With `session`, as part of a transaction."""
        change = {"$inc": {"epoch": 1}}
        if session:
            self._mongo["boardState"].update_one({"_id": STATE}, change, upsert=True, session=session)
            return
        with translated():
            self._mongo["boardState"].update_one({"_id": STATE}, change, upsert=True)


class _Student(NamedTuple):
    """What one student's standings are computed from."""

    id: str
    name: str
    scopes: tuple[str, ...]
    summary: Document
    days: list[Document]


_SUMMARY: Document = {
    "$lookup": {
        "from": "summaries",
        "localField": "_id",
        "foreignField": "_id",
        "as": "summary",
        "pipeline": [{"$project": {"revision": 1, "solved": "$total.solved", "studiedDays": 1}}],
    }
}
_ALL_TIME: list[Document] = [
    {"$set": {"days": [{"solved": {"$first": "$summary.solved"}, "studied": {"$first": "$summary.studiedDays"}}]}}
]
_STANDING: Document = {
    "$project": {
        "_id": 0,
        "studentId": "$_id",
        "name": "$boardName",
        "questions": {"$sum": "$days.solved"},
        "days": {"$sum": "$days.studied"},
        "revision": {"$ifNull": [{"$first": "$summary.revision"}, 0]},
    }
}


def _in_days(first_day: date, last_day: date) -> list[Document]:
    in_period = {"day": {"$gte": first_day.isoformat(), "$lte": last_day.isoformat()}}
    studied = {"$cond": [{"$or": [{"$gt": ["$solved", 0]}, {"$gt": ["$completed", 0]}]}, 1, 0]}
    days = {
        "from": "studyDays",
        "localField": "_id",
        "foreignField": "studentId",
        "pipeline": [{"$match": in_period}, {"$project": {"_id": 0, "solved": 1, "studied": studied}}],
        "as": "days",
    }
    return [{"$lookup": days}]


def _within(spans: Sequence[Span]) -> Document:
    bounds = [day.isoformat() for span in spans for day in span[1:] if day]
    return {"day": {"$gte": min(bounds), "$lte": max(bounds)}}


def _by(documents: Iterable[Document], field: str) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in documents:
        found.setdefault(document[field], []).append(document)
    return found


def _standing(student: _Student, span: Span) -> Standing:
    """The same as the pipelines compute, for one student whose documents are at hand."""
    summary = student.summary
    if span.first_day is None or span.last_day is None:
        questions, studied = summary.get("total", {}).get("solved", 0), summary.get("studiedDays", 0)
    else:
        first, last = span.first_day.isoformat(), span.last_day.isoformat()
        within = [day for day in student.days if first <= day["day"] <= last]
        questions = sum(day["solved"] for day in within)
        studied = sum(day["solved"] > 0 or day["completed"] > 0 for day in within)
    return Standing(
        student_id=student.id,
        name=student.name,
        questions=questions,
        days=studied,
        revision=summary.get("revision", 0),
    )
