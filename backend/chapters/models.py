"""Shapes of the catalogue: a chapter, its filters, a page of chapters, an import report."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

MAX_QUESTIONS = 100_000
MAX_TEXT = 200


class ChapterDraft(Struct, frozen=True, rename={"class_name": "class", "year_wise_question_count": "yearWiseQuestionCount"}):
    """What a person says of a chapter: the part that is written down; ids and dates come later."""

    subject: str
    class_name: str
    unit: str
    chapter: str
    year_wise_question_count: dict[str, int] = {}

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes a chapter the same chapter in two files: names without regard to case."""
        return (self.subject.casefold(), self.class_name.casefold(), self.unit.casefold(), self.chapter.casefold())


class Chapter(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    subject: str
    class_name: str = ""
    unit: str
    chapter: str
    year_wise_question_count: dict[str, int]
    question_total: int
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
