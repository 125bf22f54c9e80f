"""Scores of participants from MongoDB: study days for a week or month, summaries for all time."""

from collections.abc import Iterable, Mapping, Sequence

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from backend.boards.models import EVERYONE, ParticipantScores
from backend.boards.periods import BoardSpan
from backend.kit.mongo.client import Document, Mongo, translated

INDEXES = {
    "users": [
        IndexModel(
            [("boardJoined", ASCENDING), ("boardName", ASCENDING)],
            name="participants",
            partialFilterExpression={"boardJoined": True},
        ),
        IndexModel(
            [("boardNameKey", ASCENDING)],
            name="boardNames",
            unique=True,
            partialFilterExpression={"boardJoined": True, "boardNameKey": {"$gt": ""}},
        ),
    ]
}
PARTICIPANT = {"boardJoined": True, "isActive": True, "role": "student", "boardName": {"$gt": ""}}
GONE = 2**52  # the revision of a deleted account: no later one follows
STATE = "boards"
ONE_BATCH = 20_000

Standings = dict[tuple[str, str], list[ParticipantScores]]  # by scope and period


class BoardQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # everybody on one board

    def standings(
        self, scope: str, span: BoardSpan, *, as_of_one_moment: bool = False
    ) -> tuple[ParticipantScores, ...]:
        """Every participant of "everyone" or a classroom, in no order. Two to four queries, for any number of them.

        `as_of_one_moment`: no score is newer than the revision beside it, so that newer ones can be told apart.
        """

        def read(session: ClientSession | None) -> tuple[ParticipantScores, ...]:
            names = self._names(self._wanted(scope, session), session)
            fields = {"revision": 1, "total.solved": 1, "studiedDays": 1}
            summaries = self._summaries(list(names), session, fields)
            days = self._sums(list(names), span, session) if span.first_day else None
            return tuple(_standing(each, name, summaries.get(each, {}), days) for each, name in names.items())

        with translated():
            return self._mongo.at_one_moment(read) if as_of_one_moment else read(None)

    def _wanted(self, scope: str, session: ClientSession | None) -> Document:
        if scope == EVERYONE:
            return {}
        members = self._mongo["memberships"].find(
            {"classroomId": scope, "role": "student"}, {"userId": 1}, session=session
        )
        return {"_id": {"$in": [membership["userId"] for membership in members]}}

    def _names(self, wanted: Document, session: ClientSession | None) -> dict[str, str]:
        """The display names of those who take part."""
        found = self._mongo["users"].find(wanted | PARTICIPANT, {"boardName": 1}, session=session, batch_size=ONE_BATCH)
        return {user["_id"]: user["boardName"] for user in found}

    def _summaries(
        self, ids: Sequence[str], session: ClientSession | None, fields: Document | None = None
    ) -> dict[str, Document]:
        found = self._mongo["summaries"].find({"_id": {"$in": ids}}, fields, session=session, batch_size=ONE_BATCH)
        return {summary["_id"]: summary for summary in found}

    def _sums(self, ids: Sequence[str], span: BoardSpan, session: ClientSession | None) -> dict[str, Document]:
        """Questions solved and days studied within the span, by student."""
        studied = {"$cond": [{"$or": [{"$gt": ["$solved", 0]}, {"$gt": ["$completed", 0]}]}, 1, 0]}
        pipeline: list[Document] = [
            {"$match": {"studentId": {"$in": ids}} | _within([span])},
            {"$group": {"_id": "$studentId", "solved": {"$sum": "$solved"}, "studied": {"$sum": studied}}},
        ]
        found = self._mongo["studyDays"].aggregate(pipeline, session=session, batchSize=ONE_BATCH, allowDiskUse=True)
        return {student["_id"]: student for student in found}

    # some students on all their boards

    def standings_of(self, student_ids: Iterable[str], spans: Sequence[BoardSpan]) -> Standings:
        """Return the participants among these students, by each of their boards, as of one moment. Four queries."""
        with translated():
            return self._mongo.at_one_moment(lambda session: self._all_boards(list(student_ids), spans, session))

    def _all_boards(self, student_ids: Sequence[str], spans: Sequence[BoardSpan], session: ClientSession) -> Standings:
        names = self._names({"_id": {"$in": student_ids}}, session)
        if not names:
            return {}
        ids = list(names)
        summaries = self._summaries(ids, session)
        members = self._mongo["memberships"].find({"userId": {"$in": ids}, "role": "student"}, session=session)
        classes = _by(members, "userId")
        wanted = {"studentId": {"$in": ids}} | _within(spans)
        days = _by(self._mongo["studyDays"].find(wanted, session=session), "studentId")
        found: Standings = {}
        for span in spans:
            within = {each: _summed(days.get(each, ()), span) for each in ids} if span.first_day else None
            for each, name in names.items():
                standing = _standing(each, name, summaries.get(each, {}), within)
                for scope in (EVERYONE, *(membership["classroomId"] for membership in classes.get(each, ()))):
                    found.setdefault((scope, span.id), []).append(standing)
        return found

    def classroom_ids(self, student_id: str) -> tuple[str, ...]:
        with translated():
            found = self._mongo["memberships"].find({"userId": student_id}, {"classroomId": 1})
            return tuple(membership["classroomId"] for membership in found)

    def raise_revision(self, student_id: str) -> int:
        """Return a new revision after a change that is not work, so that older entries cannot replace newer ones."""
        with translated():
            if self._mongo["users"].find_one({"_id": student_id}, {"_id": 1}) is None:
                return GONE
            found = self._mongo["summaries"].find_one_and_update(
                {"_id": student_id}, {"$inc": {"revision": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        return int(found["revision"]) if found else GONE

    # the generation of all kept boards

    def epoch(self) -> int:
        """Return the present epoch; boards of an older epoch are ignored."""
        with translated():
            found = self._mongo["boardState"].find_one({"_id": STATE})
        return int(found["epoch"]) if found else 0

    def raise_epoch(self) -> None:
        """Invalidate the boards that are kept now."""
        with translated():
            self._mongo["boardState"].update_one({"_id": STATE}, {"$inc": {"epoch": 1}}, upsert=True)


def _within(spans: Sequence[BoardSpan]) -> Document:
    bounds = [day.isoformat() for span in spans for day in span[1:] if day]
    return {"day": {"$gte": min(bounds), "$lte": max(bounds)}}


def _by(documents: Iterable[Document], field: str) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in documents:
        found.setdefault(document[field], []).append(document)
    return found


def _summed(days: Iterable[Document], span: BoardSpan) -> Document:
    """Return what the pipeline computes within a span, from the days of one student."""
    first, last = str(span.first_day), str(span.last_day)
    within = [day for day in days if first <= day["day"] <= last]
    return {
        "solved": sum(day["solved"] for day in within),
        "studied": sum(day["solved"] > 0 or day["completed"] > 0 for day in within),
    }


def _standing(student_id: str, name: str, summary: Document, days: Mapping[str, Document] | None) -> ParticipantScores:
    """Return a standing: from the sums of a period by student or, for all time, from the summary."""
    counted = (days or {}).get(student_id, {})
    all_time = {"solved": summary.get("total", {}).get("solved"), "studied": summary.get("studiedDays")}
    found = all_time if days is None else counted
    return ParticipantScores(
        student_id=student_id,
        name=name,
        questions=found.get("solved") or 0,
        days=found.get("studied") or 0,
        revision=summary.get("revision", 0),
    )
