"""Parse a raw row into a chapter draft and the person's own progress, or into the problem in words."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from backend.chapters.files.columns import COUNTS, NAMES
from backend.chapters.files.mangled import is_serial_text, looks_like_date
from backend.chapters.files.table import LONGEST_TEXT, RawRow, is_empty
from backend.chapters.files.values import shown, status_of, text_of, weak_mark, whole_of, year_of
from backend.chapters.models import (
    MAX_QUESTIONS,
    SUBJECT_LENGTH,
    TEXT_LENGTH,
    ChapterDraft,
    ChapterNames,
    FileRow,
    OwnChange,
)
from backend.chapters.names import class_name
from backend.errors import Invalid
from backend.kit.i18n import _

_NAMED_PROBLEMS = 4
ATTRIBUTES = {"subject": "subject", "class": "class_", "unit": "unit", "chapter": "chapter"}
T = TypeVar("T")


def read_row(raw: RawRow) -> FileRow:
    """The row with its draft, or with every problem that it has (the first few in words). Raises nothing."""
    return _refused(raw) or _RowReader(raw).read()


def read_own_row(raw: RawRow) -> FileRow:
    """The row of a list of one's own: a chapter by the names that are given, and what is said of it. Raises nothing."""
    return _refused(raw) or _RowReader(raw).read_own()


def _refused(raw: RawRow) -> FileRow | None:
    if not raw.problem:
        return None
    return FileRow(row=raw.row, sheet=raw.sheet, names=_as_written(raw), problem=raw.problem)


class _RowReader:
    def __init__(self, raw: RawRow) -> None:
        self._raw = raw
        self._problems: list[str] = []
        self._notes: list[str] = []

    def read(self) -> FileRow:
        names, counts = self._names(NAMES), self._counts()
        own = self._own()
        draft = None
        if not self._problems:
            draft = ChapterDraft(**names, year_wise_question_count=counts)
        return self._row(draft, own)

    def read_own(self) -> FileRow:
        names = self._names(("chapter",))
        own = self._own()
        if self._problems:
            return self._row(None, None)
        return replace(self._row(None, own), names=ChapterNames(**names))

    def _row(self, draft: ChapterDraft | None, own: OwnChange | None) -> FileRow:
        return FileRow(
            row=self._raw.row,
            sheet=self._raw.sheet,
            names=_as_written(self._raw),
            draft=draft,
            own=None if self._problems else own,
            problem=" ".join(self._problems) or None,
            notes=() if self._problems else tuple(self._notes),
        )

    def _names(self, required: Sequence[str]) -> dict[str, str]:
        """The four names under the names of Python; empty where one that is not required is missing."""
        return {ATTRIBUTES[name]: self._name(name, is_required=name in required) for name in NAMES}

    def _name(self, name: str, *, is_required: bool) -> str:
        value = self._raw.fields.get(name)
        if is_empty(value) and not is_required:
            return ""
        heading, limit = self._heading(name), SUBJECT_LENGTH if name == "subject" else TEXT_LENGTH
        read = _class if name == "class" else partial(text_of, limit=limit)
        found = self._attempt(lambda: read(value, heading)) or ""
        if looks_like_date(found) or is_serial_text(found):
            words = _("“{value}” looks like something that a spreadsheet turned into a date.")
            self._notes.append(words.format(value=found))
        return found

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        given = self._attempt(lambda: _mapping(self._raw.fields.get(COUNTS), self._heading(COUNTS))) or {}
        for name, value in [*given.items(), *self._raw.counts]:
            if len(self._problems) >= _NAMED_PROBLEMS:
                break
            self._attempt(lambda name=name, value=value: _add_count(counts, name, value))  # type: ignore[misc] # a lambda with defaults has no type of its own
        return dict(sorted(counts.items()))

    def _own(self) -> OwnChange | None:
        fields = self._raw.fields
        status = self._attempt(lambda: status_of(fields.get("status"), self._heading("status")))
        solved = self._attempt(
            lambda: whole_of(fields.get("questionSolved"), self._heading("questionSolved"), MAX_QUESTIONS)
        )
        weak = self._attempt(lambda: weak_mark(fields.get("isWeakChapter"), self._heading("isWeakChapter")))
        if status is None and solved is None and weak is None:
            return None
        if solved and status == "Not Started":
            self._notes.append(_("Questions are solved, so the status is taken as In Progress."))
            status = "In Progress"
        return OwnChange(status=status, question_solved=solved, is_weak_chapter=weak)

    def _heading(self, name: str) -> str:
        """Return the column name that the file uses for a field."""
        return self._raw.headings.get(name, name)

    def _attempt(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Invalid as refusal:
            self._problems.append(refusal.message)
            return None


def _as_written(raw: RawRow) -> ChapterNames:
    """The four names as the file has them, to be shown."""
    fields = {name: raw.fields.get(name) for name in NAMES}
    return ChapterNames(**{ATTRIBUTES[name]: "" if is_empty(value) else shown(value) for name, value in fields.items()})


def _class(value: object, column: str) -> str:
    """A class as we write it. Raises Invalid, also for a date and for a number that is no school class."""
    found = class_name(text_of(value, column, SUBJECT_LENGTH))
    if looks_like_date(found):
        raise Invalid(
            _(
                "“{column}”: {value} looks like something that a spreadsheet turned into a date. "
                "Format the column as text, and type it again."
            ).format(column=column, value=shown(found))
        )
    if not any(char.isalpha() for char in found):
        raise Invalid(_("“{column}”: {value} is not a class from 1 to 12.").format(column=column, value=shown(found)))
    return found


def _mapping(value: object, column: str) -> dict[object, object]:
    """The counts by year, also from a cell that holds them as JSON. Raises Invalid."""
    found: object = {} if is_empty(value) else value
    if isinstance(value, str) and found:
        # A data frame writes {'2019': 3}: the same with single quotes.
        text = value if '"' in value else value.replace("'", '"')
        try:
            found = json.loads(text) if len(value) <= LONGEST_TEXT else None
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, dict):
        raise Invalid(
            _("“{column}” must list the questions of each year, not {value}.").format(column=column, value=shown(value))
        )
    return found


def _add_count(counts: dict[str, int], name: object, value: object) -> None:
    if is_empty(value):
        return
    year = year_of(name)
    count = whole_of(value, year, MAX_QUESTIONS)
    if count is None:
        return
    if counts.setdefault(year, count) != count:
        raise Invalid(_("“{column}” is given twice, with different numbers.").format(column=year))
