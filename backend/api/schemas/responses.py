"""Responses that are not a feature's model unchanged: flat chapters, saves, small answers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from backend.chapters.models import Chapter, Status
from backend.kit.cache import CacheRegion
from backend.kit.model import Shape
from backend.progress.models import ChapterDetail, ChapterRow, Progress, Saved, Summary
from backend.statistics.models import OthersOnChapter


class ChapterItem(Shape, frozen=True, kw_only=True):
    """A chapter in the published shape, with our figures. For a student, with their own progress."""

    id: str
    subject: str
    class_: str
    unit: str
    chapter: str
    year_wise_question_count: Mapping[str, int]
    question_total: int
    recent_total: int
    exam_share: float
    trend: Literal["rising", "falling", "steady"]
    version: int
    created_at: datetime
    updated_at: datetime
    status: Status | UnsetType = UNSET
    question_solved: int | UnsetType = UNSET
    is_weak_chapter: bool | UnsetType = UNSET
    progress_version: int | UnsetType = UNSET


class ChapterItemDetail(ChapterItem, frozen=True, kw_only=True):
    """A chapter with its neighbours in the syllabus."""

    previous_id: str | None
    next_id: str | None


class PublishedChapter(Shape, frozen=True, kw_only=True):
    """A chapter as files have it; the last three fields are a student's own."""

    subject: str
    chapter: str
    class_: str
    unit: str
    year_wise_question_count: Mapping[str, int]
    question_solved: int | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    is_weak_chapter: bool | UnsetType = UNSET


class ArchivedChapter(Shape, frozen=True, kw_only=True):
    """A chapter that was taken out of the syllabus."""

    id: str
    subject: str
    class_: str
    unit: str
    chapter: str
    year_wise_question_count: Mapping[str, int]
    question_total: int
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class SavedProgress(Shape, frozen=True, kw_only=True):
    """A saved change of one chapter: `batchId` is what undo takes, `changed` is 0 if nothing had to change."""

    batch_id: str
    at: datetime
    study_day: date
    changed: int
    progress: Progress


class OwnWork(Shape, frozen=True, kw_only=True):
    """A student's totals and streak, and each record that they have begun."""

    summary: Summary
    records: tuple[Progress, ...]


class OwnAverage(Shape, frozen=True, kw_only=True):
    """The caller's own classes on a chapter; null if too few of them work on it."""

    average: OthersOnChapter | None


class CacheReads(Shape, frozen=True, kw_only=True):
    """Reads of the cache by region."""

    regions: tuple[CacheRegion, ...]


class Cleared(Shape, frozen=True, kw_only=True):
    """A region of the cache is empty; `entries` were held by the process that answers."""

    region: str
    entries: int


class Live(Shape, frozen=True, kw_only=True):
    """That the process runs."""

    uptime_seconds: int


def chapter_item(row: ChapterRow) -> ChapterItem:
    """A row of a list."""
    return ChapterItem(**_fields(row))


def chapter_detail(detail: ChapterDetail) -> ChapterItemDetail:
    """One chapter as its own address shows it."""
    return ChapterItemDetail(previous_id=detail.previous_id, next_id=detail.next_id, **_fields(detail.row))


def archived(chapter: Chapter) -> ArchivedChapter:
    """A chapter of the archive."""
    return ArchivedChapter(**_names(chapter), archived_at=chapter.archived_at)


def saved_progress(saved: Saved, present: Progress) -> SavedProgress:
    """Return the response to a save of one chapter; `present` is the record if nothing changed."""
    return SavedProgress(
        batch_id=saved.batch_id,
        at=saved.at,
        study_day=saved.study_day,
        changed=saved.changed,
        progress=saved.progress[0] if saved.progress else present,
    )


def _names(chapter: Chapter) -> dict[str, Any]:
    return {
        "id": chapter.id,
        "subject": chapter.subject,
        "class_": chapter.class_,
        "unit": chapter.unit,
        "chapter": chapter.chapter,
        "year_wise_question_count": chapter.year_wise_question_count,
        "question_total": chapter.question_total,
        "version": chapter.version,
        "created_at": chapter.created_at,
        "updated_at": chapter.updated_at,
    }


def _fields(row: ChapterRow) -> dict[str, Any]:
    fields = _names(row.chapter) | {
        "recent_total": row.recent_total,
        "exam_share": row.exam_share,
        "trend": row.trend,
    }
    if row.own is None:
        return fields
    return fields | {
        "status": row.own.status,
        "question_solved": row.own.question_solved,
        "is_weak_chapter": row.own.is_weak_chapter,
        "progress_version": row.own.version,
    }
