"""Queries of a recount of students' totals: its place, the next students, their records, and the writes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pymongo import UpdateMany, UpdateOne
from pymongo.client_session import ClientSession

from backend.chapters.models import Chapter, OwnProgress
from backend.chapters.queries import COLLECTION as CHAPTERS
from backend.chapters.queries import revision
from backend.kit.model import Shape, from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.progress.models import SummaryRecord

PLACE = "summaries"  # the one id in the collection recounts


class RecountProgress(Shape, frozen=True, kw_only=True):
    """Which changed chapters a recount is about, and up to which student (by id) it is done."""

    chapter_ids: tuple[str, ...]
    after: str
    done: int
    total: int


class StoredProgress(NamedTuple):
    """One record of a student, and whether the names beside it are those of its chapter."""

    chapter_id: str
    own: OwnProgress
    is_named_alike: bool


class RecountQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def begin(self, session: ClientSession, chapter_ids: Sequence[str]) -> None:
        """Add these chapters, if anybody has progress on them, to the recount, and restart it at the first student."""
        if self._mongo["progress"].find_one({"chapterId": {"$in": chapter_ids}}, {"_id": 1}, session=session) is None:
            return
        change = {
            "$addToSet": {"chapterIds": {"$each": chapter_ids}},
            "$set": {"after": "", "done": 0, "total": self._mongo["summaries"].estimated_document_count()},
        }
        self._mongo["recounts"].update_one({"_id": PLACE}, change, upsert=True, session=session)

    def place(self, session: ClientSession | None = None) -> RecountProgress | None:
        """Return the place of the recount; None if none is under way."""
        found = self._mongo["recounts"].find_one({"_id": PLACE}, session=session)
        return from_document(found, RecountProgress) if found else None

    def share(self) -> float | None:
        """Return the share of the recount that is done, from 0 to 1; None if none is under way."""
        with translated():
            place = self.place()
        return min(1.0, place.done / max(1, place.total)) if place else None

    def move(self, session: ClientSession, before: RecountProgress, students: Sequence[str]) -> bool:
        """Go past these students, or end where there are none; False where another process did that meanwhile."""
        here: Document = {"_id": PLACE, "after": before.after, "chapterIds": list(before.chapter_ids)}
        recounts = self._mongo["recounts"]
        if not students:
            return recounts.delete_one(here, session=session).deleted_count == 1
        change = {"$set": {"after": students[-1]}, "$inc": {"done": len(students)}}
        return recounts.update_one(here, change, session=session).matched_count == 1

    def next_students(self, session: ClientSession, after: str, count: int) -> list[str]:
        """The next ones who ever saved anything, by id."""
        found = self._mongo["summaries"].find({"_id": {"$gt": after}}, {"_id": 1}, session=session)
        return [each["_id"] for each in found.sort("_id", 1).limit(count)]

    def working_on(self, session: ClientSession, students: Sequence[str], chapter_ids: Sequence[str]) -> list[str]:
        """Return those of these students who have a record on one of the chapters."""
        wanted = {"chapterId": {"$in": list(chapter_ids)}, "studentId": {"$in": list(students)}}
        found = self._mongo["progress"].aggregate(
            [{"$match": wanted}, {"$group": {"_id": "$studentId"}}], session=session
        )
        return [each["_id"] for each in found]

    def catalogue_revision(self, session: ClientSession) -> int:
        """Which catalogue this transaction sees."""
        return revision(self._mongo, session)

    def catalogue(self, session: ClientSession) -> dict[str, Chapter]:
        """Every chapter by id, archived ones too."""
        found = self._mongo[CHAPTERS].find({}, session=session, batch_size=10_000)
        return {each["_id"]: from_document(each, Chapter) for each in found}

    def records(
        self, session: ClientSession, students: Sequence[str], catalogue: Mapping[str, Chapter]
    ) -> dict[str, list[StoredProgress]]:
        """All records of these students."""
        found: dict[str, list[StoredProgress]] = {each: [] for each in students}
        for each in self._mongo["progress"].find(
            {"studentId": {"$in": list(students)}}, session=session, batch_size=10_000
        ):
            chapter = catalogue.get(each["chapterId"])
            if chapter:
                is_alike = all(each.get(name) == value for name, value in copied_names(chapter).items())
                found[each["studentId"]].append(StoredProgress(chapter.id, from_document(each, OwnProgress), is_alike))
        return found

    def write(
        self,
        session: ClientSession,
        summaries: Iterable[SummaryRecord],
        renamed: Mapping[str, tuple[Chapter, list[str]]],
    ) -> None:
        """Put these totals in place of those before, and the names of chapters beside the records of students.

        The revision of a summary moves with it, so that a save of the same student is repeated on top of this.
        """
        totals = [
            UpdateOne(
                {"_id": each.id},
                {
                    "$set": {"total": to_document(each.total), "subjects": list(map(to_document, each.subjects))},
                    "$inc": {"revision": 1},
                },
            )
            for each in summaries
        ]
        copies = [
            UpdateMany({"chapterId": chapter.id, "studentId": {"$in": students}}, {"$set": copied_names(chapter)})
            for chapter, students in renamed.values()
        ]
        if totals:
            self._mongo["summaries"].bulk_write(totals, session=session)
        if copies:
            self._mongo["progress"].bulk_write(copies, session=session)


def copied_names(chapter: Chapter) -> Document:
    """Return the names of a chapter that are copied to each record on it, for sharding by them (deploy/sharding)."""
    return {"subject": chapter.subject, "class": chapter.class_, "unit": chapter.unit}
