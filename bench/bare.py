"""What saving is compared with: the same transaction written straight for the driver, with no product around it."""

from datetime import datetime, timedelta

from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from backend.chapters.models import Chapter
from backend.kit.mongo.client import Document, Mongo, new_id

INDIA = timedelta(hours=5, minutes=30)


def add_questions(mongo: Mongo, student_id: str, chapter: Chapter, added: int, at: datetime) -> None:
    """Add to the questions solved of one record that exists: record, history, study day and summary, or nothing."""
    key = {"studentId": student_id, "chapterId": chapter.id}
    day = (at + INDIA).date().isoformat()

    def work(session: ClientSession) -> None:
        record = mongo["progress"].find_one(key, session=session)
        if record is None:
            raise LookupError(student_id)
        solved = record["questionSolved"]
        mongo["progress"].update_one(
            {"_id": record["_id"], "version": record["version"]},
            {"$set": {"questionSolved": solved + added, "updatedAt": at}, "$inc": {"version": 1}},
            session=session,
        )
        mongo["activity"].insert_one(_entry(record, chapter, added, at, day), session=session)
        mongo["studyDays"].update_one(
            {"_id": f"{student_id}:{day}"},
            {
                "$inc": {"solved": added, "changes": 1, "completed": 0, "carriedSolved": 0, "carriedCompleted": 0},
                "$setOnInsert": {"studentId": student_id, "day": day},
            },
            upsert=True,
            session=session,
        )
        mongo["summaries"].update_one(
            {"_id": student_id, "subjects.subject": chapter.subject},
            {
                "$inc": {"total.solved": added, "subjects.$.solved": added, "revision": 1},
                "$set": {"lastActivityAt": at},
            },
            session=session,
        )

    with mongo.client.start_session() as session:
        session.with_transaction(work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority"))


def _entry(record: Document, chapter: Chapter, added: int, at: datetime, day: str) -> Document:
    key = new_id()
    before = {name: record[name] for name in ("status", "questionSolved", "isWeakChapter")}
    return {
        "_id": new_id(),
        "chapterId": chapter.id,
        "at": at,
        "studyDay": day,
        "before": before,
        "after": before | {"questionSolved": before["questionSolved"] + added},
        "batchId": key,
        "undoes": None,
        "carried": False,
        "subject": chapter.subject,
        "class": chapter.class_,
        "unit": chapter.unit,
        "studentId": record["studentId"],
        "idempotencyKey": f"{key}:{chapter.id}",
        "deltas": {"solved": added, "completed": 0, "inProgress": 0, "weak": 0},
    }
