"""Shapes of the catalogue: a chapter, what a person writes of one, filters, and the report of an import."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from backend.kit.model import Shape
from backend.kit.unicode_text import comparison_key

SUBJECT_LENGTH = 60
TEXT_LENGTH = 160
MAX_QUESTIONS = 10_000
FIRST_YEAR, LAST_YEAR = 1990, 2100
MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_ROWS = 20_000
CLASSES = ("Class 11", "Class 12")
Status = Literal["Not Started", "In Progress", "Completed"]
STATUSES: tuple[Status, ...] = ("Not Started", "In Progress", "Completed")


class ChapterDraft(Shape, frozen=True, kw_only=True):
    """What a person says of a chapter: the part that is written down; id, version and dates are ours."""

    subject: str
    class_: str
    unit: str
    chapter: str
    year_wise_question_count: Mapping[str, int] = {}

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes a chapter the same one in two files: its four names, however they are typed."""
        return (
            comparison_key(self.subject),
            comparison_key(self.class_),
            comparison_key(self.unit),
            comparison_key(self.chapter),
        )


class Chapter(ChapterDraft, frozen=True, kw_only=True):
    """One entry of the catalogue. `question_total` is the sum of its year counts."""

    id: str
    question_total: int
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


class OwnProgress(Shape, frozen=True, kw_only=True):
    """The three fields of a chapter file that speak of the person who kept it, not of the chapter."""

    status: Status = "Not Started"
    question_solved: int = 0
    is_weak_chapter: bool = False


class FileRow(Shape, frozen=True, kw_only=True):
    """One row of a chapter file: a draft, or the problem in words. `row` counts as the person's program does."""

    row: int
    draft: ChapterDraft | None = None
    own: OwnProgress | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


class ChapterFile(Shape, frozen=True, kw_only=True):
    """A parsed chapter file. `ignored_fields` are columns that say nothing to us; `notes` speak of the whole file."""

    rows: tuple[FileRow, ...]
    ignored_fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Outcome(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class ImportRow(Shape, frozen=True, kw_only=True):
    row: int
    outcome: Outcome
    subject: str = ""
    class_: str = ""
    unit: str = ""
    chapter: str = ""
    reason: str = ""
    chapter_id: str | None = None


class ImportReport(Shape, frozen=True, kw_only=True):
    """What an import did, or (dry run) would do, row by row."""

    dry_run: bool
    added: int
    updated: int
    unchanged: int
    failed: int
    rows: tuple[ImportRow, ...]
    ignored_fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    has_own_progress: bool = False
    batch_id: str | None = None
