"""What the columns and keys of a chapter file mean, and rows as raw values. Judges no value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from backend.chapters.models import MAX_ROWS
from backend.errors import Invalid
from backend.kit.i18n import _, listing, ngettext, number

NAMES = ("subject", "class", "unit", "chapter")
COUNTS = "yearWiseQuestionCount"
_ALIASES = {
    **dict.fromkeys(("subject", "subjectname"), "subject"),
    **dict.fromkeys(("class", "classname", "grade", "standard", "std"), "class"),
    **dict.fromkeys(("unit", "unitname"), "unit"),
    **dict.fromkeys(("chapter", "chaptername", "chaptertitle"), "chapter"),
    **dict.fromkeys(("yearwisequestioncount", "yearwisequestioncounts", "yearwise"), COUNTS),
    **dict.fromkeys(("questionsolved", "questionssolved", "solved"), "questionSolved"),
    "status": "status",
    **dict.fromkeys(("isweakchapter", "weakchapter", "isweak", "weak"), "isWeakChapter"),
}
_WORD = r"(?:yearwise|year|questions?|counts?|asked|pyqs?|jee|main|in|of|for)"
_YEAR = re.compile(rf"{_WORD}*(\d{{4}}){_WORD}*")
LONGEST_TEXT = 4_000
_LONGEST_NAME = 200
_NAMED_IGNORED = 50
_HEADER_WITHIN = 20
_HEADER_NAMES = 2
_MAX_RECORDS = 200_000

Record = tuple[int, Mapping[int, object]]


class NoHeader(Exception):
    """No row names at least two of the four names of a chapter."""


class Repeated:
    """Stands where one row or object gives the same field twice."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the file has it: known fields by published name, counts as (name of the year, value)."""

    row: int
    fields: dict[str, object]
    counts: list[tuple[object, object]]
    problem: str | None = None


@dataclass(slots=True)
class Table:
    """The raw rows of a file, and the columns (in order of appearance) that say nothing to us."""

    rows: list[RawRow] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)

    def add(self, row: RawRow) -> None:
        """Keeps a row. Raises Invalid above the limit."""
        if len(self.rows) == MAX_ROWS:
            raise too_many_rows()
        self.rows.append(row)

    def ignore(self, name: object) -> None:
        if len(self.ignored) < _NAMED_IGNORED and (said := str(name).strip()):
            self.ignored[printable(said)] = None


def foreign() -> Invalid:
    """The refusal of a file that holds no chapters, with what was expected."""
    return Invalid(
        _(
            "This file does not look like a list of chapters. Expected is a JSON, CSV or XLSX file "
            "with {fields} and the number of questions of each exam year."
        ).format(fields=listing(list(NAMES))),
        code="foreign_file",
    )


def no_rows() -> Invalid:
    return Invalid(_("The file has no chapters in it."), code="foreign_file")


def too_many_rows() -> Invalid:
    return Invalid(_("The file has more than {limit} rows. Split it.").format(limit=number(MAX_ROWS)))


def printable(text: str, limit: int = 60) -> str:
    """The text cut to `limit`, on one line, with what cannot be shown replaced."""
    line = " ".join(text[: limit + 1].split())
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(line) <= limit and len(text) <= limit else line[:limit] + "…"


def field_of(name: object) -> str | None:
    """The field that a column or key means: a published name, a year such as "2019", or None for neither."""
    text = str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)
    return _meaning(text) if len(text) <= _LONGEST_NAME else None


@lru_cache(maxsize=1024)
def _meaning(name: str) -> str | None:
    plain = "".join(char for char in name.casefold() if char.isalnum())
    if plain in _ALIASES:
        return _ALIASES[plain]
    found = _YEAR.fullmatch(plain)
    return str(int(found[1])) if found else None


def read_table(records: Iterable[Record]) -> Table:
    """The rows under the first header. Raises NoHeader, and Invalid for a header that no row could satisfy."""
    records = _bounded(records)
    columns = _header(records)
    table = Table()
    for column in columns.values():
        if field_of(column) is None:
            table.ignore(column)
    known = {at: name for at, column in columns.items() if (name := field_of(column)) is not None}
    _refuse_header(known)
    for row, cells in records:
        if any(not is_empty(value) for value in cells.values()):
            table.add(_raw_row(row, cells, known))
    if not table.rows:
        raise no_rows()
    return table


def is_empty(value: object) -> bool:
    """Whether a cell says nothing. A text is judged by its beginning: thousands of cells may share one of megabytes."""
    return value is None or (isinstance(value, str) and not value[:LONGEST_TEXT].strip())


def known_names(cells: Iterable[object]) -> set[str]:
    """The fields that a header row names."""
    return {name for cell in cells if (name := field_of(cell)) is not None}


def is_header(cells: Iterable[object]) -> bool:
    return len(known_names(cells) & set(NAMES)) >= _HEADER_NAMES


def _bounded(records: Iterable[Record]) -> Iterator[Record]:
    """The records, refusing a file that is longer than any list of chapters, blank lines and all."""
    for count, record in enumerate(records):
        if count > _MAX_RECORDS:
            raise too_many_rows()
        yield record


def _header(records: Iterator[Record]) -> dict[int, object]:
    tried = 0
    for _row, cells in records:
        if all(is_empty(value) for value in cells.values()):
            continue
        if is_header(cells.values()):
            return {at: value for at, value in cells.items() if not is_empty(value)}
        tried += 1
        if tried == _HEADER_WITHIN:
            break
    raise NoHeader


def _refuse_header(known: Mapping[int, str]) -> None:
    names = list(known.values())
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = [name for name in NAMES if name not in names]
    if twice:
        raise Invalid(_("The column “{column}” appears twice.").format(column=twice[0]))
    if missing:
        said = ngettext("The file has no column {columns}.", "The file has no columns {columns}.", len(missing))
        raise Invalid(said.format(columns=listing([f"“{name}”" for name in missing])))


def _raw_row(row: int, cells: Mapping[int, object], known: Mapping[int, str]) -> RawRow:
    fields: dict[str, object] = {}
    counts: list[tuple[object, object]] = []
    for at, name in known.items():
        if name.isdecimal():
            counts.append((name, cells.get(at)))
        else:
            fields[name] = cells.get(at)
    return RawRow(row, fields, counts)
