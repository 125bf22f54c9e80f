"""The chapters collection: its indexes and every statement that touches it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DeleteOne, IndexModel, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession

from backend.chapters.models import Chapter, ChapterDraft
from backend.errors import Conflict
from backend.kit.i18n import _
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Mongo, translated

COLLECTION = "chapters"
STATE = "catalogueState"  # the collection, and the one id in it
# The four names identify a chapter, archived or not, by their comparison keys: no collation of a server compares so.
# Changes of the catalogue come one after the other (`begin_change`), each of which looks for a twin itself; the index
# only keeps the very same letters from standing there twice.
INDEXES = {
    COLLECTION: [
        IndexModel(
            [("subject", ASCENDING), ("class", ASCENDING), ("unit", ASCENDING), ("chapter", ASCENDING)],
            name="identity",
            unique=True,
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
            return self.every_within(None)

    def every_within(self, session: ClientSession | None) -> tuple[Chapter, ...]:
        """The same as a transaction sees it."""
        found = self._mongo[COLLECTION].find({}, session=session, batch_size=10_000)
        documents = list(found.sort([("position", ASCENDING), ("_id", ASCENDING)]))
        return tuple(from_document(document, Chapter) for document in documents)

    def at_one_moment(self) -> tuple[int, tuple[Chapter, ...]]:
        """All chapters, and the revision of the catalogue that they are."""
        with translated():
            return self._mongo.at_one_moment(
                lambda session: (revision(self._mongo, session), self.every_within(session))
            )

    def begin_change(self, session: ClientSession, *, within: str | None = None) -> int:
        """Keep every other change of the catalogue from happening at the same time; the new revision.

        Raises Conflict while a change of many chapters is under way, unless it is `within` that one.
        """
        found = self._mongo[STATE].find_one_and_update(
            {"_id": STATE},
            {"$inc": {"revision": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if (found or {}).get("running") not in (None, within):
            raise Conflict(_("An import is running. Please try again when it is done."), code="import_running")
        return int((found or {})["revision"])

    def add(self, session: ClientSession, chapters: Sequence[Chapter]) -> None:
        """New chapters, at the end of the syllabus."""
        last = self._mongo[COLLECTION].find_one(sort=[("position", -1)], session=session)
        first = int(last["position"]) + 1 if last else 1
        documents = [{**to_document(chapter), "position": first + offset} for offset, chapter in enumerate(chapters)]
        if documents:
            self._mongo[COLLECTION].insert_many(documents, session=session)

    def put(self, session: ClientSession, changes: Sequence[tuple[Chapter, Chapter]]) -> None:
        """Replace chapters. Raises Conflict if one has changed since it was read."""
        writes = []
        for before, after in changes:
            document = to_document(after)
            writes.append(UpdateOne({"_id": document.pop("_id"), "version": before.version}, {"$set": document}))
        if writes and self._mongo[COLLECTION].bulk_write(writes, session=session).matched_count < len(writes):
            present = {chapter.id: chapter.version for chapter in self.every_within(session)}
            changed = [after for before, after in changes if present.get(after.id) != before.version + 1]
            said = _("“{chapter}” was changed meanwhile. Look at the preview again.").format(
                chapter=(changed or [changes[0][1]])[0].chapter
            )
            raise Conflict(said, code="stale")

    def remove(self, session: ClientSession, chapters: Sequence[Chapter]) -> None:
        """Delete chapters. Raises Conflict if one has changed since."""
        deleted = [DeleteOne({"_id": chapter.id, "version": chapter.version}) for chapter in chapters]
        if deleted and self._mongo[COLLECTION].bulk_write(deleted, session=session).deleted_count < len(deleted):
            raise Conflict(_("The catalogue changed meanwhile. Look at the preview again."), code="stale")

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


def revision(mongo: Mongo, session: ClientSession | None) -> int:
    """The revision of the catalogue that a session sees; it grows with every change."""
    found = mongo[STATE].find_one({"_id": STATE}, session=session)
    return int(found["revision"]) if found else 0


def _fields(draft: ChapterDraft) -> dict[str, Any]:
    return {
        "subject": draft.subject,
        "class": draft.class_,
        "unit": draft.unit,
        "chapter": draft.chapter,
        "yearWiseQuestionCount": dict(draft.year_wise_question_count),
        "questionTotal": sum(draft.year_wise_question_count.values()),
    }
