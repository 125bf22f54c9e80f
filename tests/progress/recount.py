"""The truth that kept totals are compared with: added up in Python from records, study days and history."""

from collections import Counter

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.mongo.client import Document
from backend.progress.models import ProgressCounts, SubjectCounts

Totals = tuple[ProgressCounts, dict[str, SubjectCounts]]
NOTHING = Counter(completed=0, in_progress=0, weak=0, solved=0)


def stands(backend: Backend, student: Viewer) -> Totals:
    """What is kept for the student: in all, and by subject."""
    summary = backend.progress.record(student.id).summary
    return summary.total, {each.subject: each for each in summary.subjects}


def recounted(backend: Backend, student: Viewer) -> Totals:
    """The same, recounted from her records: solved questions on any chapter, the rest on active ones alone."""
    chapters = {each["_id"]: each for each in backend.mongo["chapters"].find()}
    found: dict[str, Counter[str]] = {}
    for record in backend.mongo["progress"].find({"studentId": student.id}):
        chapter = chapters[record["chapterId"]]
        counts = _counts(record) if chapter["archivedAt"] is None else {"solved": record["questionSolved"]}
        found.setdefault(chapter["subject"], Counter()).update(counts)
    by_subject = {
        subject: SubjectCounts(subject=subject, **(NOTHING | counts))
        for subject, counts in found.items()
        if any(counts.values())
    }
    return ProgressCounts(**(NOTHING | sum(found.values(), Counter()))), by_subject


def _counts(record: Document) -> dict[str, int]:
    return {
        "completed": int(record["status"] == "Completed"),
        "in_progress": int(record["status"] == "In Progress"),
        "weak": int(record["isWeakChapter"]),
        "solved": record["questionSolved"],
    }
