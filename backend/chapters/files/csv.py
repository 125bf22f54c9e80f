"""Chapter files in CSV: delimiter, quoting and rows, read a line at a time."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

from backend.chapters.files.columns import NAMES, Columns
from backend.chapters.files.table import HEADER_WITHIN, Record, Table
from backend.errors import Invalid
from backend.kit.csv_cells import unguarded
from backend.kit.i18n import _, number

DELIMITERS = (",", ";", "	", "|")
_LONGEST_ROW = 1 << 20


def read_csv(content: bytes, codec: str, columns: Columns) -> Table:
    """The raw rows of a CSV file. Raises NoHeader, and Invalid for a broken one."""
    best = max(DELIMITERS, key=lambda delimiter: _recognised(content, codec, delimiter, columns))
    table = Table(columns)
    table.read(_records(content, codec, best), is_delimited=True)
    return table


def _recognised(content: bytes, codec: str, delimiter: str, columns: Columns) -> int:
    """How many columns the header would have for us with this delimiter."""
    try:
        first = list(islice(_records(content, codec, delimiter), HEADER_WITHIN))
    except Invalid:
        return 0
    headers = [columns.known_names(cells.values()) for _row, cells in first if columns.is_header(cells.values())]
    return max((len(names) + len(names & set(NAMES)) for names in headers), default=0)


def _records(content: bytes, codec: str, delimiter: str) -> Iterator[Record]:
    """Rows numbered as a spreadsheet numbers them: blank ones count, a line break inside quotes does not."""
    lines = _Lines(content, codec)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    row = 0
    while True:
        row += 1
        lines.left = _LONGEST_ROW
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _unclosed(row) from error
        if cells is None:
            return
        if lines.is_over:
            raise _unclosed(row)
        yield row, {at: unguarded(cell) for at, cell in enumerate(cells)}


class _Lines:
    """The lines of the content, as long as one row takes at most `left` characters of them."""

    def __init__(self, content: bytes, codec: str) -> None:
        self._stream = io.TextIOWrapper(io.BytesIO(content), encoding=codec, newline="")
        self.left = _LONGEST_ROW
        self.is_over = False  # a row for which more was asked than there is stands in open quotes

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self.left)
        self.left -= len(line)
        if self.left <= 0:
            raise csv.Error("row too long")
        if not line:
            self.is_over = True
            raise StopIteration
        return line


def _unclosed(row: int) -> Invalid:
    return Invalid(
        _("Row {row} does not end: a quotation mark may be open in it, or this is not a table.").format(
            row=number(row)
        ),
        code="broken_csv",
    )
