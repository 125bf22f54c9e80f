"""Tables and objects as rows of raw values under known names. Judges no value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from backend.chapters.files.columns import NAMES, Columns
from backend.chapters.files.mangled import date_of_serial, is_serial, looks_like_date
from backend.chapters.models import MAX_ROWS
from backend.errors import Invalid
from backend.kit.i18n import _, listing, ngettext, number

LONGEST_TEXT = 4_000
_NAMED_IGNORED = 50
HEADER_WITHIN = 20
_MAX_RECORDS = 200_000
_LONGEST_SERIAL = 8

Record = tuple[int, Mapping[int, object]]


class NoHeader(Exception):
    """No row is a header of the list that is looked for."""


class TooManyRows(Invalid):
    """The file, all its sheets together, is longer than any list of chapters."""


class Repeated:
    """Stands where one row or object gives the same field twice."""


@dataclass(frozen=True, slots=True)
class DateCell:
    """A cell that a spreadsheet shows as a date or a time, in words."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the file has it: known fields by published name, counts as (name of the year, value)."""

    row: int
    fields: dict[str, object]
    counts: list[tuple[object, object]]
    problem: str | None = None
    sheet: str = ""


@dataclass(slots=True)
class Table:
    """The raw rows of a file, the columns (in order of appearance) that say nothing to us, and notes for the reader."""

    columns: Columns
    rows: list[RawRow] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, row: RawRow) -> None:
        """Keeps a row. Raises Invalid above the limit."""
        if len(self.rows) == MAX_ROWS:
            raise too_many_rows()
        self.rows.append(row)

    def ignore(self, name: object) -> None:
        if len(self.ignored) < _NAMED_IGNORED and (said := str(name).strip()):
            self.ignored[printable(said)] = None

    def read(self, records: Iterable[Record], sheet: str = "") -> None:
        """Add the rows under the first header. Raises NoHeader, and Invalid for a header that no row could satisfy."""
        records = _bounded(records)
        headings = self._headings(records)
        known = {at: name for at, heading in headings.items() if (name := self.columns.field_of(heading)) is not None}
        self._refuse_headings(headings, known)
        for at, heading in headings.items():
            if at not in known:
                self.ignore(heading)
        for row, cells in records:
            if any(not is_empty(value) for value in cells.values()):
                self.add(_raw_row(row, cells, known, sheet))

    def _headings(self, records: Iterator[Record]) -> dict[int, object]:
        tried = 0
        for _row, cells in records:
            if all(is_empty(value) for value in cells.values()):
                continue
            if self.columns.is_header(cells.values()):
                return {at: value for at, value in cells.items() if not is_empty(value)}
            tried += 1
            if tried == HEADER_WITHIN:
                break
        raise NoHeader

    def _refuse_headings(self, headings: Mapping[int, object], known: Mapping[int, str]) -> None:
        names = list(known.values())
        twice = sorted({name for name in names if names.count(name) > 1})
        missing = [name for name in self.columns.required if name not in names]
        dates = [words for heading in headings.values() if (words := _date_words(heading))]
        if twice:
            raise Invalid(_("The column “{column}” appears twice.").format(column=twice[0]))
        if dates and self.columns.has_years:
            raise Invalid(
                _("A heading is the date {date}. Format the row of headings as text, and type it again.").format(
                    date=dates[0]
                )
            )
        if missing:
            said = ngettext("The file has no column {columns}.", "The file has no columns {columns}.", len(missing))
            raise Invalid(said.format(columns=listing([f"“{name}”" for name in missing])))


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
    return TooManyRows(_("The file has more than {limit} rows. Split it.").format(limit=number(MAX_ROWS)))


def printable(text: str, limit: int = 60) -> str:
    """The text cut to `limit`, on one line, with what cannot be shown replaced."""
    line = " ".join(text[: limit + 1].split())
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(line) <= limit and len(text) <= limit else line[:limit] + "…"


def is_empty(value: object) -> bool:
    """Whether a cell says nothing. A text is judged by its beginning: thousands of cells may share one of megabytes."""
    return value is None or (isinstance(value, str) and not value[:LONGEST_TEXT].strip())


def _date_words(heading: object) -> str:
    """The date that a heading is or was made of, in words; empty for any other heading."""
    if isinstance(heading, DateCell):
        return heading.text
    if isinstance(heading, str) and looks_like_date(heading):
        return heading
    value = (
        int(heading) if isinstance(heading, str) and heading.isdecimal() and len(heading) < _LONGEST_SERIAL else heading
    )
    return date_of_serial(float(str(value))) if is_serial(value) else ""


def _bounded(records: Iterable[Record]) -> Iterator[Record]:
    """The records, refusing a file that is longer than any list of chapters, blank lines and all."""
    for count, record in enumerate(records):
        if count > _MAX_RECORDS:
            raise too_many_rows()
        yield record


def _raw_row(row: int, cells: Mapping[int, object], known: Mapping[int, str], sheet: str) -> RawRow:
    fields: dict[str, object] = {}
    counts: list[tuple[object, object]] = []
    for at, name in known.items():
        if name.isdecimal():
            counts.append((name, cells.get(at)))
        else:
            fields[name] = cells.get(at)
    return RawRow(row, fields, counts, sheet=sheet)
