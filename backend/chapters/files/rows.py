"""From a raw row to a chapter draft and the person's own progress, or to the problem in words."""

import json
from collections.abc import Callable
from typing import TypeVar

from backend.chapters.files.table import COUNTS, LONGEST_TEXT, RawRow, is_empty
from backend.chapters.files.values import shown, status_of, text_of, whole_of, year_of, yes_or_no
from backend.chapters.models import (
    MAX_QUESTIONS,
    SUBJECT_LENGTH,
    TEXT_LENGTH,
    ChapterDraft,
    FileRow,
    OwnProgress,
)
from backend.chapters.names import class_name
from backend.errors import Invalid
from backend.kit.i18n import _

_NAMED_PROBLEMS = 4
T = TypeVar("T")


def read_row(raw: RawRow) -> FileRow:
    """The row with its draft, or with every problem that it has (the first few in words). Raises nothing."""
    if raw.problem:
        return FileRow(row=raw.row, problem=raw.problem)
    return _RowReader(raw).read()


class _RowReader:
    def __init__(self, raw: RawRow) -> None:
        self._raw = raw
        self._problems: list[str] = []
        self._notes: list[str] = []

    def read(self) -> FileRow:
        draft, own = self._draft(), self._own()
        if draft is None or self._problems:
            return FileRow(row=self._raw.row, problem=" ".join(self._problems))
        return FileRow(row=self._raw.row, draft=draft, own=own, notes=tuple(self._notes))

    def _draft(self) -> ChapterDraft | None:
        names = [
            self._attempt(lambda: text_of(self._raw.fields.get("subject"), "subject", SUBJECT_LENGTH)),
            self._attempt(lambda: _class(self._raw.fields.get("class"))),
            self._attempt(lambda: text_of(self._raw.fields.get("unit"), "unit", TEXT_LENGTH)),
            self._attempt(lambda: text_of(self._raw.fields.get("chapter"), "chapter", TEXT_LENGTH)),
        ]
        counts = self._counts()
        subject, class_, unit, chapter = (name or "" for name in names)
        if self._problems:
            return None
        return ChapterDraft(subject=subject, class_=class_, unit=unit, chapter=chapter, year_wise_question_count=counts)

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        given = self._attempt(lambda: _mapping(self._raw.fields.get(COUNTS))) or {}
        for name, value in [*given.items(), *self._raw.counts]:
            if len(self._problems) >= _NAMED_PROBLEMS:
                break
            self._attempt(lambda name=name, value=value: _add_count(counts, name, value))  # type: ignore[misc] # a lambda with defaults has no type of its own
        return dict(sorted(counts.items()))

    def _own(self) -> OwnProgress | None:
        fields = self._raw.fields
        status = self._attempt(lambda: status_of(fields.get("status")))
        solved = self._attempt(lambda: whole_of(fields.get("questionSolved"), "questionSolved", MAX_QUESTIONS))
        weak = self._attempt(lambda: yes_or_no(fields.get("isWeakChapter"), "isWeakChapter"))
        if status is None and solved is None and weak is None:
            return None
        if solved and (status or "Not Started") == "Not Started":
            self._notes.append(_("Questions are solved, so the status is taken as In Progress."))
            status = "In Progress"
        return OwnProgress(status=status or "Not Started", question_solved=solved or 0, is_weak_chapter=bool(weak))

    def _attempt(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Invalid as refusal:
            self._problems.append(refusal.message)
            return None


def _class(value: object) -> str:
    """A class as we write it. Raises Invalid, also for a number that is no school class."""
    name = class_name(text_of(value, "class", SUBJECT_LENGTH))
    if not any(char.isalpha() for char in name):
        raise Invalid(_("“{column}”: {value} is not a class from 1 to 12.").format(column="class", value=shown(name)))
    return name


def _mapping(value: object) -> dict[object, object]:
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
            _("“{column}” must list the questions of each year, not {value}.").format(column=COUNTS, value=shown(value))
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
