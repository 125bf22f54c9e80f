"""The classrooms collection, who belongs to which, and what a class is computed from. No query per learner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from backend.accounts.queries import add_member
from backend.chapters.models import OwnProgress
from backend.classrooms.join_code import tidied
from backend.classrooms.models import Classroom, Member
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.progress.models import Activity, StudyDay, SummaryRecord
from backend.progress.queries import DAY, only

INDEXES = {
    "classrooms": [IndexModel([("joinCode", ASCENDING)], name="joinCode", unique=True)],
    "memberships": [
        IndexModel([("role", ASCENDING), ("joinedAt", ASCENDING)], name="role"),
    ],
    "activity": [IndexModel([("studentId", ASCENDING), ("at", DESCENDING)], name="recent")],
}
ONE_BATCH = 20_000  # a class comes in one answer, instead of 101 documents and then the rest


Version = tuple[int, datetime | None]
Work = tuple[SummaryRecord, tuple[StudyDay, ...]]


class ClassroomQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # classrooms and who belongs to them

    def every(self) -> tuple[Classroom, ...]:
        """All classrooms by name, archived ones too, each with those who teach it."""
        return self._with_teachers({}, {})

    def some(self, classroom_ids: Sequence[str]) -> tuple[Classroom, ...]:
        """Those of these classrooms that exist, as `every` gives them: for any number of others in the school."""
        ids = {"$in": list(classroom_ids)}
        return self._with_teachers({"_id": ids}, {"classroomId": ids})

    def taught_by(self, teacher_id: str) -> tuple[Classroom, ...]:
        """The classrooms that somebody teaches, as `every` gives them."""
        with translated():
            found = self._mongo["memberships"].find({"userId": teacher_id, "role": "teacher"}, {"classroomId": 1})
            ids = [membership["classroomId"] for membership in found]
        return self.some(ids)

    def _with_teachers(self, wanted: Document, taught: Document) -> tuple[Classroom, ...]:
        with translated():
            documents = list(self._mongo["classrooms"].find(wanted).sort([("name", ASCENDING), ("_id", ASCENDING)]))
            found = self._mongo["memberships"].find(taught | {"role": "teacher"}).sort("joinedAt", ASCENDING)
            teachers: dict[str, list[str]] = {}
            for membership in found:
                teachers.setdefault(membership["classroomId"], []).append(membership["userId"])
        classrooms = (from_document(document, Classroom) for document in documents)
        return tuple(replace(found, teacher_ids=tuple(teachers.get(found.id, ()))) for found in classrooms)

    def id_by_join_code(self, code: str) -> str | None:
        """Id of the classroom with this join code, however it was typed; None for an unknown or archived one."""
        with translated():
            found = self._mongo["classrooms"].find_one({"joinCode": tidied(code), "archivedAt": None}, {"_id": 1})
        return str(found["_id"]) if found else None

    def insert(self, session: ClientSession, classroom: Classroom, teacher_id: str) -> None:
        """The new classroom and its teacher's membership. Raises Conflict where the join code is taken."""
        document = to_document(classroom)
        del document["teacherIds"]
        self._mongo["classrooms"].insert_one(document, session=session)
        add_member(self._mongo, session, classroom.id, teacher_id, "teacher", classroom.created_at)

    def update(self, session: ClientSession, classroom_id: str, **fields: Any) -> bool:
        """Set (camelCase) fields; False where there is no such classroom. A taken join code ends the transaction."""
        classrooms = self._mongo["classrooms"]
        return classrooms.update_one({"_id": classroom_id}, {"$set": fields}, session=session).matched_count == 1

    def add_student(self, classroom_id: str, student_id: str, at: datetime) -> None:
        """Make the student a member; an existing member keeps the first date of joining."""
        with translated():
            add_member(self._mongo, None, classroom_id, student_id, "student", at)

    def remove_student(self, session: ClientSession, classroom_id: str, student_id: str) -> bool:
        """Remove the student from the class; return False if there was none."""
        wanted = {"_id": f"{classroom_id}:{student_id}", "role": "student"}
        return self._mongo["memberships"].delete_one(wanted, session=session).deleted_count == 1

    def members(self, classroom_ids: Sequence[str]) -> tuple[Member, ...]:
        """The active students of these classrooms, each once, by name."""
        pipeline: list[Document] = [
            {"$match": {"classroomId": {"$in": list(classroom_ids)}, "role": "student"}},
            {"$group": {"_id": "$userId", "joinedAt": {"$min": "$joinedAt"}}},
            {"$lookup": {"from": "users", "localField": "_id", "foreignField": "_id", "as": "user"}},
            {"$unwind": "$user"},
            {"$match": {"user.isActive": True, "user.role": "student"}},
            {"$lookup": {"from": "memberships", "localField": "_id", "foreignField": "userId", "as": "every"}},
            {
                "$project": {
                    "joinedAt": 1,
                    "knownSince": {"$min": "$every.joinedAt"},
                    "name": "$user.name",
                    "timeZone": "$user.timeZone",
                    "dayEndHour": "$user.dayEndHour",
                    "examDate": "$user.examDate",
                }
            },
        ]
        with translated():
            members = [
                from_document(found, Member)
                for found in self._mongo["memberships"].aggregate(pipeline, batchSize=ONE_BATCH)
            ]
        return tuple(sorted(members, key=lambda member: (member.name.casefold(), member.id)))

    # what a class is computed from

    def versions(self, student_ids: Sequence[str]) -> dict[str, Version]:
        """Return a version of each of these students' work, which changes with every save. One small query."""
        versions: dict[str, Version] = dict.fromkeys(student_ids, (0, None))
        fields = {"revision": 1, "lastActivityAt": 1}
        with translated():
            for found in self._mongo["summaries"].find(
                {"_id": {"$in": list(student_ids)}}, fields, batch_size=ONE_BATCH
            ):
                versions[found["_id"]] = (found.get("revision", 0), found.get("lastActivityAt"))
        return versions

    def work(self, student_ids: Sequence[str]) -> dict[str, Work]:
        """Return the summary of each of these students, and their study days in order. Two queries."""
        with translated():
            summaries = {
                document["_id"]: from_document(document, SummaryRecord)
                for document in self._mongo["summaries"].find({"_id": {"$in": list(student_ids)}}, batch_size=ONE_BATCH)
            }
            days = self._days(student_ids)
        return {each: (summaries.get(each, SummaryRecord(id=each)), tuple(days.get(each, ()))) for each in student_ids}

    def progress(self, student_ids: Sequence[str]) -> dict[str, dict[str, OwnProgress]]:
        """Return the progress of these students: by student, then by chapter."""
        fields = {"_id": 0, "studentId": 1, "chapterId": 1, "status": 1, "questionSolved": 1, "isWeakChapter": 1}
        records: dict[str, dict[str, OwnProgress]] = {each: {} for each in student_ids}
        with translated():
            for document in self._mongo["progress"].find(
                {"studentId": {"$in": list(student_ids)}}, fields, batch_size=ONE_BATCH
            ):
                own = from_document(document, OwnProgress)
                records[document["studentId"]][document["chapterId"]] = own
        return records

    def recent_activity(self, student_id: str, limit: int) -> tuple[Activity, ...]:
        """A student's newest changes on any chapter, newest first."""
        with translated():
            found = self._mongo["activity"].find({"studentId": student_id}).sort("at", DESCENDING).limit(limit)
            return tuple(from_document(document, Activity) for document in found)

    def _days(self, student_ids: Sequence[str]) -> dict[str, list[StudyDay]]:
        wanted = {"studentId": {"$in": list(student_ids)}}
        days: dict[str, list[StudyDay]] = {}
        order, fields = [("studentId", ASCENDING), ("day", ASCENDING)], only(("studentId", *DAY))
        for document in self._mongo["studyDays"].find(wanted, fields, batch_size=ONE_BATCH).sort(order):
            days.setdefault(document["studentId"], []).append(from_document(document, StudyDay))
        return days
