"""The chapters collection: its indexes and every statement that touches it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from backend.chapters.models import Chapter, ChapterDraft
from backend.kit.model import from_document
from backend.kit.mongo.client import Mongo, new_id, translated

COLLECTION = "chapters"
# The four names identify a chapter, archived or not: adding an archived one again brings it back with its progress.
INDEXES = {
    COLLECTION: [
        IndexModel(
            [("subject", ASCENDING), ("class", ASCENDING), ("unit", ASCENDING), ("chapter", ASCENDING)],
            name="identity",
            unique=True,
            collation={"locale": "en", "strength": 2},
        ),
        IndexModel([("archivedAt", ASCENDING), ("position", ASCENDING)], name="syllabus"),
    ]
}


class ChapterQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def every(self) -> tuple[Chapter, ...]:
        """All chapters, archived ones too, in syllabus order."""
        with translated():
            documents = list(self._mongo[COLLECTION].find({}).sort([("position", ASCENDING), ("_id", ASCENDING)]))
        return tuple(from_document(document, Chapter) for document in documents)

    def insert(self, session: ClientSession, drafts: Sequence[ChapterDraft], position: int, at: datetime) -> list[str]:
        """Ids of the new chapters, placed from `position` on. Raises Conflict where one exists."""
        documents = [
            {
                "_id": new_id(),
                **_fields(draft),
                "position": position + offset,
                "version": 1,
                "createdAt": at,
                "updatedAt": at,
                "archivedAt": None,
            }
            for offset, draft in enumerate(drafts)
        ]
        if documents:
            self._mongo[COLLECTION].insert_many(documents, session=session)
        return [document["_id"] for document in documents]

    def last_position(self, session: ClientSession) -> int:
        found = self._mongo[COLLECTION].find_one(sort=[("position", -1)], session=session)
        return int(found["position"]) if found else 0

    def replace(
        self, session: ClientSession, chapter_id: str, version: int, draft: ChapterDraft, at: datetime
    ) -> Chapter | None:
        """The chapter after the edit, active again if it was archived; None where `version` is not current."""
        found = self._mongo[COLLECTION].find_one_and_update(
            {"_id": chapter_id, "version": version},
            {"$set": {**_fields(draft), "updatedAt": at, "archivedAt": None}, "$inc": {"version": 1}},
            session=session,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(found, Chapter) if found else None

    def set_archived(
        self, session: ClientSession, chapter_id: str, at: datetime, *, archived: bool, version: int | None = None
    ) -> Chapter | None:
        """The chapter after archiving or bringing back; None where it stood so already, or has another `version`."""
        wanted: dict[str, Any] = {"_id": chapter_id, "archivedAt": None if archived else {"$ne": None}}
        if version is not None:
            wanted["version"] = version
        found = self._mongo[COLLECTION].find_one_and_update(
            wanted,
            {"$set": {"archivedAt": at if archived else None, "updatedAt": at}, "$inc": {"version": 1}},
            session=session,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(found, Chapter) if found else None


def _fields(draft: ChapterDraft) -> dict[str, Any]:
    return {
        "subject": draft.subject,
        "class": draft.class_,
        "unit": draft.unit,
        "chapter": draft.chapter,
        "yearWiseQuestionCount": dict(draft.year_wise_question_count),
        "questionTotal": sum(draft.year_wise_question_count.values()),
    }
