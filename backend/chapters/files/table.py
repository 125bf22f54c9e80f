"""Tables and objects as rows of raw values under known names. Judges no value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import NamedTuple

from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped] # publishes no types

from backend.chapters.files.columns import NAMES, Columns, span_of_years
from backend.chapters.files.mangled import date_of_serial, is_serial, is_serial_text, looks_like_date
from backend.chapters.models import MAX_ROWS
from backend.errors import Invalid
from backend.kit.i18n import _, listing, ngettext, number

LONGEST_TEXT = 4_000
_NAMED_IGNORED = 50
_NAMED_UNNAMED = 5
HEADER_WITHIN = 20
_MAX_RECORDS = 200_000

Record = tuple[int, Mapping[int, object]]
_NONE: Mapping[int, Mapping[int, object]] = {}


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
class UnknownResult:
    """A cell with a formula whose result is not in the file."""

    formula: str

    def __str__(self) -> str:
        return self.formula


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the file has it: known fields by published name, counts as (name of the year, value)."""

    row: int
    fields: dict[str, object]
    counts: list[tuple[object, object]]
    problem: str | None = None
    sheet: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)  # how the file calls each field


class MergedCells(NamedTuple):
    """Cells that a spreadsheet shows as one, with the value of the first. Columns count from 0."""

    rows: range
    columns: range


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

    def note(self, words: str, sheet: str = "") -> None:
        """Keep a note on the file, or on one of its sheets."""
        self.notes.append(_("Sheet “{sheet}”: {note}").format(sheet=sheet, note=words) if sheet else words)

    def read(
        self,
        records: Iterable[Record],
        sheet: str = "",
        *,
        merged: Sequence[MergedCells] = (),
        hidden: Mapping[int, Mapping[int, object]] = _NONE,
        is_delimited: bool = False,
    ) -> None:
        """Add the rows under the header. Raises NoHeader, and Invalid for a header that no row could satisfy.

        `is_delimited`: one delimiter too many moves all cells behind it, so a row with more cells than the header is
        refused. `merged` and the cells of `hidden` rows are looked at when all records are read.
        """
        begin = len(self.rows)
        records, header = self._from_header(_bounded(records))
        headings = {at: value for at, value in header.items() if not is_empty(value)}
        end = max(header) + 1 if is_delimited else None
        known = {at: name for at, heading in headings.items() if (name := self.columns.field_of(heading)) is not None}
        self._refuse_headings(headings, known)
        for at, heading in headings.items():
            if at not in known:
                self.ignore(heading)
        said = {name: printable(str(headings[at])) for at, name in known.items()}
        unnamed: set[int] = set()
        for row, cells in records:
            full = {at: value for at, value in cells.items() if not is_empty(value)}
            if full and self._is_header_again(row, full, known):
                self.note(_("Row {row} repeats the headings.").format(row=number(row)), sheet)
            elif full:
                unnamed |= full.keys() - headings.keys()
                self.add(_raw_row(row, full, known, said, sheet, end))
        self._fill(begin, known, merged, hidden)
        self._note_unnamed(sorted(at for at in unnamed if end is None or at < end), sheet)

    def _fill(
        self,
        begin: int,
        known: Mapping[int, str],
        merged: Sequence[MergedCells],
        hidden: Mapping[int, Mapping[int, object]],
    ) -> None:
        """Give each row the names that it shares with rows above it; rows that share another value are refused."""
        places = {row.row: at for at, row in enumerate(self.rows[begin:], begin)}
        left = _MAX_RECORDS
        for cells in merged:
            left -= len(cells.rows)
            if left < 0:
                raise too_many_rows()
            name, top = known.get(cells.columns.start), cells.rows.start
            shown = [at for row in cells.rows if (at := places.get(row)) is not None]
            if name is None or not shown or not (top in places or top in hidden):
                continue
            row = self.rows[shown[0]]
            if top in hidden:
                value = hidden[top].get(cells.columns.start)
            else:
                value = row.fields[name] if name in row.fields else dict(row.counts)[name]
            if name in NAMES:
                for at in shown:
                    self.rows[at].fields[name] = value
            elif (len(shown) > 1 or top in hidden) and not is_empty(value):
                words = _("“{column}” is one cell for several rows. Give each row its own.")
                for at in shown:
                    self.rows[at] = replace(self.rows[at], problem=words.format(column=self.rows[at].headings[name]))

    def _from_header(self, records: Iterator[Record]) -> tuple[Iterator[Record], Mapping[int, object]]:
        """The records below the header, and the header: the first row that names all that must be there, else the first
        that names some of it. A second row that only names what the first leaves open belongs to it."""
        beginning = list(islice((each for each in records if not all(map(is_empty, each[1].values()))), HEADER_WITHIN))
        for is_header in (self.columns.is_whole_header, self.columns.is_header):
            for at, (_row, cells) in enumerate(beginning):
                if is_header(cells.values()):
                    below = beginning[at + 1 :]
                    second = self._second_row(cells, below[0][1]) if below else {}
                    return chain(below[1:] if second else below, records), {**cells, **second}
        raise NoHeader

    def _second_row(self, header: Mapping[int, object], below: Mapping[int, object]) -> Mapping[int, object]:
        """The headings of a second row of headings, such as the years under “Questions”; none of any other row."""
        full = {at: value for at, value in below.items() if not is_empty(value)}
        is_open = all(self.columns.field_of(header.get(at, "")) is None for at in full)
        return full if is_open and self.columns.known_names(full.values()) else {}

    def _is_header_again(self, row: int, cells: Mapping[int, object], known: Mapping[int, str]) -> bool:
        """Return whether the row names each column anew. Raises Invalid where it names them differently."""
        first = next(at for at, name in known.items() if name in self.columns.required)
        if self.columns.field_of(cells.get(first, "")) is None:  # as in nearly every row
            return False
        named = {at: name for at, value in cells.items() if (name := self.columns.field_of(value)) is not None}
        if known.items() <= named.items():
            return True
        if len(self.columns.required) > 1 and self.columns.is_whole_header(cells.values()):
            said = _("Row {row} names other columns than the headings above it. Put each table on a sheet of its own.")
            raise Invalid(said.format(row=number(row)))
        return False

    def _note_unnamed(self, columns: Sequence[int], sheet: str) -> None:
        if not columns:
            return
        names = [xl_col_to_name(at) for at in columns[:_NAMED_UNNAMED]]
        said = ngettext(
            "Column {columns} is not read: it has no heading.",
            "Columns {columns} are not read: they have no heading.",
            len(columns),
        ).format(columns=listing(names) + ("…" if len(columns) > _NAMED_UNNAMED else ""))
        self.note(said, sheet)

    def _refuse_headings(self, headings: Mapping[int, object], known: Mapping[int, str]) -> None:
        names = list(known.values())
        twice = sorted({name for name in names if names.count(name) > 1})
        missing = [name for name in self.columns.required if name not in names]
        dates = [words for heading in headings.values() if (words := _date_words(heading))]
        if twice:
            raise Invalid(
                _twice_words([printable(str(headings[at])) for at, name in known.items() if name == twice[0]])
            )
        if dates and self.columns.has_years:
            raise Invalid(
                _("A heading is the date {date}. Format the heading row as text, and type it again.").format(
                    date=dates[0]
                )
            )
        span = next((heading for heading in headings.values() if span_of_years(heading)), None)
        if span is not None and self.columns.has_years:
            raise Invalid(span_words(span))
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


def span_words(name: object) -> str:
    """Return why the counts under a heading of two years are refused; the heading is a `span_of_years`."""
    first, last = span_of_years(name) or (0, 0)
    return _("“{name}” is not one exam year. Write the year of the exam alone, such as {first} or {last}.").format(
        name=printable(str(name)), first=first, last=last
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


def _twice_words(headings: Sequence[str]) -> str:
    """Why columns that mean the same field are refused, as the file calls them."""
    names = list(dict.fromkeys(headings))
    if len(names) == 1:
        return _("The column “{column}” appears twice.").format(column=names[0])
    return _("The columns {columns} mean the same. Leave one of them.").format(
        columns=listing([f"“{name}”" for name in names])
    )


def _date_words(heading: object) -> str:
    """The date that a heading is or was made of, in words; empty for any other heading."""
    if isinstance(heading, DateCell):
        return heading.text
    if isinstance(heading, str) and looks_like_date(heading):
        return heading
    is_day = is_serial_text(heading) if isinstance(heading, str) else is_serial(heading)
    return date_of_serial(float(str(heading))) if is_day else ""


def _bounded(records: Iterable[Record]) -> Iterator[Record]:
    """The records, refusing a file that is longer than any list of chapters, blank lines and all."""
    for count, record in enumerate(records):
        if count > _MAX_RECORDS:
            raise too_many_rows()
        yield record


def _raw_row(
    row: int,
    cells: Mapping[int, object],
    known: Mapping[int, str],
    headings: Mapping[str, str],
    sheet: str,
    end: int | None,
) -> RawRow:
    fields: dict[str, object] = {}
    counts: list[tuple[object, object]] = []
    for at, name in known.items():
        if name.isdecimal():
            counts.append((name, cells.get(at)))
        else:
            fields[name] = cells.get(at)
    beyond = [value for at, value in cells.items() if end is not None and at >= end]
    return RawRow(row, fields, counts, _moved_words(beyond[0]) if beyond else None, sheet, headings)


def _moved_words(value: object) -> str:
    return _(
        "The row has more cells than there are headings, from “{value}” on. A name or number that contains the column "
        "separator needs quotation marks around it."
    ).format(value=printable(str(value)))
