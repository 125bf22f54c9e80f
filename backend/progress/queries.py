"""The collections of a student's own work: progress, activity, studyDays, summaries."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import date

from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession

from backend.chapters.models import Chapter, OwnProgress
from backend.errors import Conflict
from backend.kit.i18n import _
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, stable_id, translated
from backend.progress.models import Activity, Progress, SaveContext, StudentRecord, StudyDay, SummaryRecord

RECORD, DAY = Progress.__struct_encode_fields__, StudyDay.__struct_encode_fields__


def _with(first: Sequence[str], others: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, ASCENDING) for name in (*first, *(other for other in others if other not in first))]


# Two indexes hold all that is read of a record and of a day, so that a student's own lie side by side: the documents
# themselves lie in the order of saving (docs/decisions/0021). Their ids keep each of them unique.
INDEXES = {
    "progress": [
        IndexModel(_with(("studentId", "chapterId"), RECORD), name="own"),
        IndexModel([("chapterId", ASCENDING), ("studentId", ASCENDING)], name="chapter"),
    ],
    "activity": [
        IndexModel([("studentId", ASCENDING), ("idempotencyKey", ASCENDING)], name="once", unique=True),
        IndexModel([("studentId", ASCENDING), ("batchId", ASCENDING)], name="batch"),
        IndexModel(
            [("studentId", ASCENDING), ("chapterId", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)],
            name="history",
        ),
    ],
    "studyDays": [IndexModel(_with(("studentId", "day"), DAY), name="calendar")],
}

GATES = 256


class ProgressQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def student(self, student_id: str) -> StudentRecord:
        """All that one student's pages are computed from, of one moment, in one round trip."""
        own = {"studentId": student_id}
        with translated():
            found = self._mongo["summaries"].aggregate(
                [
                    {"$match": {"_id": student_id}},
                    _beside("progress", own, {"$project": only(RECORD)}),
                    _beside("studyDays", own, {"$sort": {"day": ASCENDING}}, {"$project": only(DAY)}),
                ]
            )
            document = next(iter(found), None)
        if document is None:  # a student without a summary has saved nothing yet
            return StudentRecord(summary=SummaryRecord(id=student_id), progress={}, days=())
        return StudentRecord(
            summary=from_document(document, SummaryRecord),
            progress={each["chapterId"]: from_document(each, Progress) for each in document["progress"]},
            days=tuple(from_document(each, StudyDay) for each in document["studyDays"]),
        )

    def history(self, student_id: str, chapter_id: str, limit: int) -> tuple[Activity, ...]:
        """The newest changes of one record, newest first."""
        with translated():
            found = (
                self._mongo["activity"]
                .find({"studentId": student_id, "chapterId": chapter_id})
                .sort([("at", DESCENDING), ("_id", DESCENDING)])
                .limit(limit)
            )
            return tuple(from_document(document, Activity) for document in found)

    def batch(self, student_id: str, batch_id: str) -> tuple[Activity, ...]:
        """The changes saved under one batch id; empty where there are none."""
        with translated():
            found = self._mongo["activity"].find({"studentId": student_id, "batchId": batch_id})
            return tuple(from_document(document, Activity) for document in found)

    # inside a transaction

    def pass_gate(self, session: ClientSession, student_id: str) -> None:
        """Keep every transaction that closes the gates from happening at the same time as this one.

        Only for a save that adds a record. MongoDB has no lock for readers: without a document that both write, it
        and the archiving of its chapter would not see each other. A save that changes a record conflicts with it on
        that student's summary anyway. With a single gate all saves would conflict; with many they rarely do.
        """
        gate = zlib.crc32(student_id.encode()) % GATES
        self._mongo["gates"].update_one({"_id": gate}, {"$inc": {"passed": 1}}, upsert=True, session=session)

    def close_gates(self, session: ClientSession) -> None:
        """Keep records from being added until this transaction ends; it conflicts with each save it does not see."""
        closed = [UpdateOne({"_id": gate}, {"$inc": {"closed": 1}}, upsert=True) for gate in range(GATES)]
        self._mongo["gates"].bulk_write(closed, session=session)

    def save_context(
        self, session: ClientSession, student_id: str, *, batch_id: str, chapter_ids: Iterable[str], day: date
    ) -> SaveContext:
        """Return the context of a save in one round trip: the student's summary, these chapters and records, this study
        day, and what this batch saved of these chapters before. All of one moment; a transaction that changes any of
        it before this one ends is repeated."""
        own, ids = {"studentId": student_id}, list(chapter_ids)
        found = self._mongo["summaries"].aggregate(
            [
                {"$match": {"_id": student_id}},
                _beside("chapters", {"_id": {"$in": ids}}),
                _beside("activity", own | {"batchId": batch_id, "chapterId": {"$in": ids}}),
                _beside("progress", own | {"chapterId": {"$in": ids}}),
                _beside("studyDays", own | {"day": day.isoformat()}),
            ],
            session=session,
        )
        document = next(iter(found), None)
        if document is None:  # a student without a summary has saved nothing yet
            chapters = self._mongo["chapters"].find({"_id": {"$in": ids}}, session=session)
            document = {"_id": student_id, "chapters": chapters, "activity": (), "progress": (), "studyDays": ()}
        return SaveContext(
            summary=from_document(document, SummaryRecord),
            chapters={each["_id"]: from_document(each, Chapter) for each in document["chapters"]},
            batch=tuple(from_document(each, Activity) for each in document["activity"]),
            records={each["chapterId"]: from_document(each, Progress) for each in document["progress"]},
            day=next((from_document(each, StudyDay) for each in document["studyDays"]), StudyDay(day=day)),
        )

    def records(self, session: ClientSession, student_id: str, chapter_ids: Iterable[str]) -> dict[str, Progress]:
        """The records that exist on these chapters."""
        wanted = {"studentId": student_id, "chapterId": {"$in": list(chapter_ids)}}
        found = self._mongo["progress"].find(wanted, session=session)
        return {document["chapterId"]: from_document(document, Progress) for document in found}

    def days(self, session: ClientSession, student_id: str) -> tuple[StudyDay, ...]:
        found = self._mongo["studyDays"].find({"studentId": student_id}, session=session)
        return tuple(from_document(document, StudyDay) for document in found)

    def write_records(
        self, session: ClientSession, student_id: str, changes: Sequence[tuple[Chapter, Progress]]
    ) -> None:
        """Put each record in place of the version before it. Raises Conflict where that is not what stands there."""
        operations: list[InsertOne[Document] | UpdateOne] = []
        for chapter, progress in changes:
            document = progress_document(student_id, chapter, progress)
            if progress.version == 1:
                operations.append(InsertOne(document))
            else:
                key = {"studentId": student_id, "chapterId": chapter.id, "version": progress.version - 1}
                del document["_id"]
                operations.append(UpdateOne(key, {"$set": document}))
        result = self._mongo["progress"].bulk_write(operations, session=session)
        if result.inserted_count + result.matched_count != len(operations):
            raise Conflict(_("This was changed meanwhile. Look at it again before you save."), code="stale")

    def write_activity(
        self, session: ClientSession, student_id: str, entries: Sequence[tuple[Chapter, Activity]], key: str
    ) -> None:
        """Append the changes; the unique idempotency key lets none be saved twice."""
        self._mongo["activity"].insert_many(
            [activity_document(student_id, chapter, activity, key) for chapter, activity in entries], session=session
        )

    def write_day(self, session: ClientSession, student_id: str, day: StudyDay) -> None:
        document = day_document(student_id, day)
        self._mongo["studyDays"].bulk_write(
            [ReplaceOne({"_id": document["_id"], "studentId": student_id}, document, upsert=True)], session=session
        )

    def write_summary(self, session: ClientSession, summary: SummaryRecord) -> None:
        fields = to_document(summary)
        fields.pop("_id")
        self._mongo["summaries"].update_one({"_id": summary.id}, {"$set": fields}, upsert=True, session=session)

    def chapters_with_records(self, session: ClientSession, chapter_ids: Sequence[str]) -> set[str]:
        """Return those of these chapters on which anybody has a record."""
        progress = self._mongo["progress"]
        return {each for each in chapter_ids if progress.find_one({"chapterId": each}, {"_id": 1}, session=session)}

    def lock_summary(self, session: ClientSession, student_id: str) -> SummaryRecord:
        """The student's summary, held until the transaction ends."""
        found = self._mongo["summaries"].find_one_and_update(
            {"_id": student_id},
            {"$inc": {"revision": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(found or {"_id": student_id}, SummaryRecord)


def only(fields: Iterable[str]) -> Document:
    """A projection of these fields and nothing else, so that an index that holds them answers alone."""
    return {"_id": 0, **dict.fromkeys(fields, 1)}


def _beside(collection: str, wanted: Document, *then: Document) -> Document:
    """A stage that puts the documents of another collection beside the one that was found."""
    return {"$lookup": {"from": collection, "pipeline": [{"$match": wanted}, *then], "as": collection}}


def progress_document(student_id: str, chapter: Chapter, progress: Progress) -> Document:
    """A record as it is kept."""
    return {
        "_id": stable_id(student_id, chapter.id),
        **to_document(progress),
        **_chapter_fields(chapter),
        "studentId": student_id,
    }


def activity_document(student_id: str, chapter: Chapter, activity: Activity, key: str) -> Document:
    """One line of the history as it is kept; `key` is the idempotency key of its batch."""
    return {
        **to_document(activity),
        **_chapter_fields(chapter),
        "studentId": student_id,
        "idempotencyKey": f"{key}:{chapter.id}",
        "deltas": _deltas(activity.before, activity.after),
    }


def day_document(student_id: str, day: StudyDay) -> Document:
    """A study day as it is kept."""
    return {"_id": f"{student_id}:{day.day.isoformat()}", "studentId": student_id, **to_document(day)}


def _chapter_fields(chapter: Chapter) -> Document:
    return {"chapterId": chapter.id, "subject": chapter.subject, "class": chapter.class_, "unit": chapter.unit}


def _deltas(before: OwnProgress, after: OwnProgress) -> dict[str, int]:
    return {
        "solved": after.question_solved - before.question_solved,
        "completed": (after.status == "Completed") - (before.status == "Completed"),
        "inProgress": (after.status == "In Progress") - (before.status == "In Progress"),
        "weak": int(after.is_weak_chapter) - int(before.is_weak_chapter),
    }
