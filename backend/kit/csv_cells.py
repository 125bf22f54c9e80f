"""Rows as CSV that no spreadsheet calculates, however it splits a line; the guards come off again on reading."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

BOM = "\ufeff"  # without it Excel garbles names that are not Latin
Cell = str | int | float | bool | None

# _BEGIN: places where a spreadsheet may begin a cell: the start, and after a separator it may split at. A comma stands
# within quotation marks here. _FORMULA: the first sign, fullwidth too; marks and spaces before it may be dropped.
_BEGIN = r"(?:\A|(?<=[;\t\r\n]))"
_FORMULA = r"(?=[ '\"\u00a0]*[=+\-@\t\r＝＋－＠])"
_UNGUARDED = re.compile(_BEGIN + _FORMULA)
_GUARD = re.compile(f"{_BEGIN}'{_FORMULA}")


def guarded(text: str) -> str:
    """Return the text with an apostrophe before each place where a spreadsheet would begin a formula."""
    return _UNGUARDED.sub("'", text)


def unguarded(text: str) -> str:
    """Return the text without the apostrophes of `guarded`: unguarded(guarded(text)) is text."""
    return _GUARD.sub("", text)


def lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield each row as a line: texts guarded, numbers bare, true and false in small letters, None empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_written(cell) for cell in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def content(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a whole file in UTF-8, with the mark by which Excel sees the encoding."""
    return (BOM + "".join(lines(rows))).encode()


def _written(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return guarded(cell) if isinstance(cell, str) else cell
