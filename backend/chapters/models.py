"""Shapes of the catalogue: a chapter, what a person writes of one, filters, and the report of an import."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
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


@lru_cache(maxsize=1 << 15)  # the same few names come again, and all names of a long file
def name_key(name: str) -> str:
    """The key by which names of chapters are the same."""
    return comparison_key(name)


class ChapterDraft(Shape, frozen=True, kw_only=True):
    """The part of a chapter that a person writes, without the id, version and dates that the app adds."""

    subject: str
    class_: str
    unit: str
    chapter: str
    year_wise_question_count: Mapping[str, int] = {}

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The identity of a chapter in any file: the comparison keys of its four names."""
        return name_key(self.subject), name_key(self.class_), name_key(self.unit), name_key(self.chapter)


class ChapterEdit(Shape, frozen=True, kw_only=True):
    """New values of a chapter; what is None stays as it is."""

    subject: str | None = None
    class_: str | None = None
    unit: str | None = None
    chapter: str | None = None
    year_wise_question_count: Mapping[str, int] | None = None

    def of(self, before: ChapterDraft) -> ChapterDraft:
        """Return `before` with the new values."""
        fields = {name: getattr(self, name) for name in ChapterDraft.__struct_fields__}
        known = {name: getattr(before, name) for name in fields}
        return ChapterDraft(**known | {name: value for name, value in fields.items() if value is not None})


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


class OwnChange(Shape, frozen=True, kw_only=True):
    """The progress that a row gives of the person who kept the file; None for a value that it does not give."""

    status: Status | None = None
    question_solved: int | None = None
    is_weak_chapter: bool | None = None


class ChapterNames(Shape, frozen=True, kw_only=True):
    """The names by which a row means a chapter, as far as it gives them."""

    subject: str = ""
    class_: str = ""
    unit: str = ""
    chapter: str = ""


class FileRow(Shape, frozen=True, kw_only=True):
    """One row of a file: what it says, or the problem in words. `row` counts as the person's program does.

    `names` are the file's own words, also where there is a problem. `draft` is there for a list of the syllabus alone.
    `sheet` is named where the file has several.
    """

    row: int
    sheet: str = ""
    names: ChapterNames = ChapterNames()
    draft: ChapterDraft | None = None
    own: OwnChange | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    is_repeated: bool = False


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


class Candidate(ChapterNames, frozen=True, kw_only=True):
    """A chapter that a row may mean."""

    chapter_id: str


NameField = Literal["subject", "class", "unit", "chapter"]


class NameChoice(Shape, frozen=True, kw_only=True):
    """A person's choice for a name that resembles another one: it is `same_as` that one, or (None) a new one.

    `subject`, and for a chapter `class_` and `unit`, are those that it belongs to, as the catalogue writes them.
    """

    field: NameField
    value: str
    subject: str = ""
    class_: str = ""
    unit: str = ""
    same_as: str | None = None


class NameQuestion(Shape, frozen=True, kw_only=True):
    """A name of `rows` rows that may be one of `candidates`; until somebody chooses, those rows fail."""

    field: NameField
    value: str
    subject: str = ""
    class_: str = ""
    unit: str = ""
    candidates: tuple[str, ...]
    rows: int


class ImportOptions(Shape, frozen=True, kw_only=True):
    """How a catalogue file is taken. `replace_years` deletes the years that a row with years leaves out."""

    replace_years: bool = False
    choices: tuple[NameChoice, ...] = ()


class FieldChange(Shape, frozen=True, kw_only=True):
    """One field before and after: a published name, or a year for its count. None is no value."""

    field: str
    before: str | int | bool | None
    after: str | int | bool | None


class ImportRow(Shape, frozen=True, kw_only=True):
    """The result of one row of the file. `sheet` is named where the file has several.

    `changes` is what it changes of a record. `candidates` are chapters that it may mean: one is chosen under its `ref`.
    """

    row: int
    outcome: Outcome
    sheet: str = ""
    ref: str = ""
    subject: str = ""
    class_: str = ""
    unit: str = ""
    chapter: str = ""
    reason: str = ""
    chapter_id: str | None = None
    changes: tuple[FieldChange, ...] = ()
    candidates: tuple[Candidate, ...] = ()


ChangeState = Literal["running", "done", "failed", "undone"]


class ImportReport(Shape, frozen=True, kw_only=True):
    """The report of an import, or of its dry run, row by row.

    `plan` is the fingerprint of what would be written; an import that is given it does that or nothing. `import_id` is
    what the undo takes, and `state` says whether a large import still goes on.
    """

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
    years_deleted: int = 0
    questions: tuple[NameQuestion, ...] = ()
    plan: str = ""
    import_id: str | None = None
    state: ChangeState = "done"


class CatalogueChange(Shape, frozen=True, kw_only=True):
    """One import or undo as it is kept: what it is about, and how far it is. `done` and `total` count chapters.

    `undoes` is the id of the import that it takes back.
    """

    id: str
    at: datetime
    file_name: str
    state: ChangeState
    added: int
    updated: int
    removed: int = 0
    done: int = 0
    total: int
    undoes: str | None = None
    message: str = ""

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1."""
        return self.done / self.total if self.total else 1.0


class CatalogueStep(Shape, frozen=True, kw_only=True):
    """One chapter of a change: as it was (None: it is added) and as it shall be (None: it is removed)."""

    before: Chapter | None
    after: Chapter | None
