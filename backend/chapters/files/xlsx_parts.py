"""The XML parts of an XLSX file as streams: links, shared texts, and the cells of a sheet. Knows no chapter."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import IO
from xml.parsers import expat

from backend.chapters.files.mangled import date_words, is_date_format, is_percentage
from backend.chapters.files.table import DateCell, MergedCells, Record, UnknownResult
from backend.chapters.models import MAX_ROWS
from backend.errors import TooLarge
from backend.kit.i18n import _

_CHUNK_BYTES = 1 << 18
# The parser reads an unfinished tag again with each chunk: a tag of many megabytes would take minutes.
_LONGEST_TAG_BYTES = 1 << 21
_MAX_ELEMENTS = 4_000_000
_LAST_COLUMN = 16_384
_TRUE = ("1", "true")
_REFERENCE = re.compile(r"([A-Z]{1,3})\d{1,7}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class DamagedPart(Exception):
    """The part is not the XML it should be."""


class Budget:
    """The number of elements that may still be read, over all parts of one file."""

    def __init__(self, elements: int = _MAX_ELEMENTS) -> None:
        self._left = elements

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooLarge(_("The XLSX file has more cells than can be read. Save only the sheet with the chapters."))


def links(stream: IO[bytes], budget: Budget) -> dict[str, str]:
    """Link name → target, of a .rels part; links that lead out of the file are left out."""
    part = _Links(budget)
    part.read(stream)
    return part.found


def workbook(stream: IO[bytes], budget: Budget) -> "Workbook":
    """The sheets of a workbook, first sheet first, and how it counts days."""
    part = Workbook(budget)
    part.read(stream)
    return part


def cell_styles(stream: IO[bytes], budget: Budget) -> "CellStyles":
    """Return the styles of cells that show dates or percentages."""
    part = _Styles(budget)
    part.read(stream)
    used = [(at, number, part.own.get(number)) for at, number in enumerate(part.used)]
    return CellStyles(
        frozenset(at for at, number, code in used if is_date_format(number, code)),
        frozenset(at for at, number, code in used if is_percentage(number, code)),
    )


def shared_texts(stream: IO[bytes], budget: Budget) -> list[str]:
    """The texts that cells refer to by number."""
    part = _Texts(budget)
    part.read(stream)
    return part.found


@dataclass(frozen=True)
class CellStyles:
    """The numbers of the cell styles that show dates or times, and of those that show percentages."""

    dates: frozenset[int] = frozenset()
    percentages: frozenset[int] = frozenset()


@dataclass(frozen=True)
class CellFormats:
    """The texts and styles that cells of a workbook refer to by number; dates may count from 1904."""

    texts: Sequence[str] = ()
    styles: CellStyles = CellStyles()
    is_1904: bool = False


@dataclass(slots=True)
class Layout:
    """The hidden rows (from 1, with the cells of the first MAX_ROWS) and columns (from 0) of a sheet that hold values,
    and its merged cells."""

    hidden_rows: dict[int, Mapping[int, object]] = field(default_factory=dict)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[MergedCells] = field(default_factory=list)


def sheet_records(stream: IO[bytes], formats: CellFormats, budget: Budget, layout: Layout) -> Iterator[Record]:
    """The visible rows of a sheet with the numbers that a spreadsheet shows, and their visible cells by column.

    `layout` is complete when all are read. A formula gives the value that was saved with it, or an UnknownResult where
    none was. Raises DamagedPart, TooLarge.
    """
    part = _Cells(budget, formats, layout)
    for _chunk in part.feed(stream):
        yield from part.done
        part.done = []


class _Part:
    """Feeds a stream to expat and hears elements by their local name. A document type (so, entities) is refused."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._kept: list[str] | None = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, stream: IO[bytes]) -> None:
        for _chunk in self.feed(stream):
            pass

    def feed(self, stream: IO[bytes]) -> Iterator[None]:
        """Stops after each chunk, so that what is found can be fetched. Raises DamagedPart, TooLarge."""
        fed = 0
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                self._parser.Parse(chunk, False)
                fed += len(chunk)
                if fed - self._parser.CurrentByteIndex > _LONGEST_TAG_BYTES:
                    raise DamagedPart
                yield
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise DamagedPart from error
        yield

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def keep_text(self) -> None:
        """Collect the text from here on."""
        self._kept = []

    def kept_text(self) -> str:
        """Return the collected text, and stop collecting."""
        kept, self._kept = self._kept or [], None
        return "".join(kept)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._budget.spend()
        self.start(name.rpartition(":")[2], attributes)

    def _end(self, name: str) -> None:
        self.end(name.rpartition(":")[2])

    def _text(self, text: str) -> None:
        if self._kept is not None:
            self._kept.append(text)

    def _refuse(self, *_declaration: object) -> None:
        raise DamagedPart


class _Links(_Part):
    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.found: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            self.found[attributes.get("Id", "")] = attributes.get("Target", "")


@dataclass(frozen=True)
class SheetLink:
    """A sheet as the workbook lists it: its name, the link to its part, whether it is hidden."""

    name: str
    link: str
    is_hidden: bool


class Workbook(_Part):
    """The list of sheets, and whether days count from 1904."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.sheets: list[SheetLink] = []
        self.is_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.is_1904 = attributes.get("date1904") in _TRUE
        elif name == "sheet":
            link = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append(SheetLink(attributes.get("name", ""), link, is_hidden))


class _Styles(_Part):
    """Number formats that the workbook defines, and the one that each cell style uses."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.own: dict[int, str] = {}
        self.used: list[int] = []
        self._in_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self.own[int(attributes.get("numFmtId", 0))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self.used.append(int(attributes.get("numFmtId", 0)))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


class _Texts(_Part):
    """A text may be in several runs (<r>) of different look; readings for pronunciation (<rPh>) are no part of it."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.found: list[str] = []
        self._runs: list[str] = []
        self._aside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "rPh":
            self._aside = True
        elif name == "si":
            self._runs = []
        elif name == "t" and not self._aside:
            self.keep_text()

    def end(self, name: str) -> None:
        if name == "rPh":
            self._aside = False
        elif name == "t":
            self._runs.append(self.kept_text())
        elif name == "si":
            self.found.append(_unescaped("".join(self._runs)))


class _Cells(_Part):
    def __init__(self, budget: Budget, formats: CellFormats, layout: Layout) -> None:
        super().__init__(budget)
        self.done: list[Record] = []
        self._formats = formats
        self._layout = layout
        self._hidden_columns, self._column_elements = bytearray(_LAST_COLUMN), 0
        self._is_hidden = False
        self._row, self._column = 0, -1
        self._cells: dict[int, object] = {}
        self._kind, self._formula, self._value = "n", "", ""
        self._style = 0
        self._aside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "col" if attributes.get("hidden") in _TRUE:
                self._hide_columns(int(attributes["min"]) - 1, int(attributes["max"]))
            case "row":
                self._row = int(attributes.get("r", self._row + 1))
                self._column, self._cells = -1, {}
                self._is_hidden = attributes.get("hidden") in _TRUE
            case "mergeCell":
                self._layout.merged.append(_merged(attributes["ref"]))
            case "c":
                self._column = _column(attributes["r"]) if "r" in attributes else self._column + 1
                self._kind, self._formula, self._value = attributes.get("t", "n"), "", ""
                self._style = int(attributes.get("s", 0))
            case "rPh":
                self._aside = True
            case "v" | "t" | "f" if not self._aside:
                self.keep_text()

    def end(self, name: str) -> None:
        match name:
            case "rPh":
                self._aside = False
            case "v" | "t":
                self._value += self.kept_text()
            case "f":
                self._formula = self.kept_text()
            case "c" if (value := self._cell()) is not None:
                if self._hidden_columns[self._column]:
                    self._layout.hidden_columns.add(self._column)
                else:
                    self._cells[self._column] = value
            case "row" if self._is_hidden:
                if self._cells:
                    is_kept = len(self._layout.hidden_rows) < MAX_ROWS
                    self._layout.hidden_rows[self._row] = self._cells if is_kept else {}
            case "row":
                self.done.append((self._row, self._cells))

    def _hide_columns(self, first: int, end: int) -> None:
        self._column_elements += 1
        if not 0 <= first < end <= _LAST_COLUMN or self._column_elements > _LAST_COLUMN:
            raise DamagedPart
        self._hidden_columns[first:end] = bytes([True]) * (end - first)

    def _cell(self) -> object:
        if not self._value:
            is_unknown = self._formula and self._kind != "str"  # a text may be empty: ="" shows nothing
            return UnknownResult(f"={self._formula}") if is_unknown else None
        match self._kind:
            case "s":
                return self._formats.texts[int(self._value)]
            case "b":
                return self._value.strip() in _TRUE
            case "d":
                return DateCell(self._value)
            case "n":
                return self._number()
            case _:
                return _unescaped(self._value)

    def _number(self) -> object:
        found = _numeric(self._value)
        if isinstance(found, str):
            return found
        if self._style in self._formats.styles.dates:
            return DateCell(date_words(found, is_1904=self._formats.is_1904))
        return f"{found * 100:g}%" if self._style in self._formats.styles.percentages else found


def _numeric(text: str) -> float | str:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() and abs(value) < 1e15 else value  # noqa: PLR2004 # exact in a float up to here


def _column(reference: str) -> int:
    """The column of a reference such as "AB12", counted from 0."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise DamagedPart
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    if column > _LAST_COLUMN:
        raise DamagedPart
    return column - 1


def _merged(reference: str) -> MergedCells:
    """The cells of a range such as "A2:A4"."""
    (first, top), (last, bottom) = (
        (_column(cell), int(cell.lstrip(ascii_uppercase))) for cell in reference.partition(":")[::2]
    )
    return MergedCells(range(top, bottom + 1), range(first, last + 1))


def _unescaped(text: str) -> str:
    """Text as it was typed: the format writes a control character, or an underscore before "x", as _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
