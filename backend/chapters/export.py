"""Chapter files to give away: CSV, JSON in the published shape, XLSX. What is written here is read back the same."""

import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import xlsxwriter  # type: ignore[import-untyped] # publishes no types

from backend.chapters.models import MAX_ROWS, STATUSES, Chapter, OwnProgress
from backend.kit import csv_cells
from backend.kit.csv_cells import Cell

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NAMES = ("subject", "class", "unit", "chapter")
_OWN = ("status", "questionSolved", "isWeakChapter")
_TEMPLATE = ("Subject", "Class", "Unit", "Chapter", "Status", "Questions solved", "Weak")
_WIDTHS = (14, 10, 26, 44)
_COUNT_WIDTH, _OWN_WIDTH = 8, 16
_UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
Own = Mapping[str, OwnProgress] | None


def to_csv(chapters: Iterable[Chapter], own: Own = None) -> bytes:
    """UTF-8 with BOM (so that Excel sees the encoding), a row each, a column for each year; no count is an empty cell.

    `own` adds the three progress columns, by chapter id; a chapter that it lacks is not started. A text that a
    spreadsheet would calculate is guarded by apostrophes, which parse() takes off again.
    """
    return _csv(*_table(list(chapters), own))


def to_json(chapters: Iterable[Chapter], own: Own = None) -> bytes:
    """The published shape: a list of objects, with the three progress fields where `own` is given."""
    items = [_published(chapter, own) for chapter in chapters]
    return (json.dumps(items, ensure_ascii=False, indent=2) + "\n").encode()


def to_xlsx(chapters: Iterable[Chapter], own: Own = None) -> bytes:
    """One sheet with a real table under a header that stays in sight. Texts are never formulas."""
    chapters = list(chapters)
    header, rows = _table(chapters, own)
    stream = io.BytesIO()
    book = _workbook(stream, chapters)
    sheet = book.add_worksheet("Chapters")
    for at, name in enumerate(header):
        sheet.write_string(0, at, name)
        sheet.set_column(at, at, _width(at, name))
    for line, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            _write(sheet, line, at, cell)
    if rows:
        columns = [{"header": name} for name in header]
        sheet.add_table(0, 0, len(rows), len(header) - 1, {"columns": columns, "name": "Chapters"})
    sheet.freeze_panes(1, 0)
    book.close()
    return stream.getvalue()


def template_csv(chapters: Iterable[Chapter], own: Mapping[str, OwnProgress]) -> bytes:
    """A list of one's own to fill in, with what stands now: a row for each chapter, read back by `parse_own`."""
    return _csv(_TEMPLATE, [_template_row(chapter, own) for chapter in chapters])


def template_xlsx(chapters: Iterable[Chapter], own: Mapping[str, OwnProgress]) -> bytes:
    """The same as a sheet whose names stay text and whose status and weak mark are chosen from a list."""
    chapters = list(chapters)
    stream = io.BytesIO()
    book = _workbook(stream, chapters)
    sheet = book.add_worksheet("My chapters")
    as_text = book.add_format({"num_format": "@"})
    rows: list[list[Cell]] = [list(_TEMPLATE), *(_template_row(chapter, own) for chapter in chapters)]
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            _write(sheet, line, at, cell)
    for at, width in enumerate((*_WIDTHS, *[_OWN_WIDTH] * len(_OWN))):
        sheet.set_column(at, at, width, as_text if at < len(_NAMES) else None)
    for at, choices in ((4, STATUSES), (6, ("yes", "no"))):
        sheet.data_validation(1, at, MAX_ROWS, at, {"validate": "list", "source": list(choices)})
    sheet.freeze_panes(1, 0)
    book.close()
    return stream.getvalue()


def file_name(ending: str, day: date, about: str = "") -> str:
    """A name that every system takes: file_name("csv", day, "Class 11 B") is "chapters-class-11-b-2026-11-22.csv"."""
    plain = unicodedata.normalize("NFKD", about).encode("ascii", "ignore").decode().casefold()
    words = re.findall(r"[a-z0-9]+", plain[:60])
    return "-".join(["chapters", *words, day.isoformat()]) + f".{ending}"


def _table(chapters: Sequence[Chapter], own: Own) -> tuple[list[str], list[list[Cell]]]:
    years = sorted({year for chapter in chapters for year in chapter.year_wise_question_count})
    header = [*_NAMES, *years, *(_OWN if own is not None else ())]
    return header, [_row(chapter, years, own) for chapter in chapters]


def _row(chapter: Chapter, years: Sequence[str], own: Own) -> list[Cell]:
    row: list[Cell] = [chapter.subject, chapter.class_, chapter.unit, chapter.chapter]
    row += [chapter.year_wise_question_count.get(year) for year in years]
    if own is not None:
        said = own.get(chapter.id) or OwnProgress()
        row += [said.status, said.question_solved, said.is_weak_chapter]
    return row


def _template_row(chapter: Chapter, own: Mapping[str, OwnProgress]) -> list[Cell]:
    said = own.get(chapter.id) or OwnProgress()
    names: list[Cell] = [chapter.subject, chapter.class_, chapter.unit, chapter.chapter]
    return [*names, said.status, said.question_solved, "yes" if said.is_weak_chapter else "no"]


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    return csv_cells.content([header, *rows])


def _workbook(stream: io.BytesIO, chapters: Sequence[Chapter]) -> xlsxwriter.Workbook:
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": max((chapter.updated_at for chapter in chapters), default=_UNDATED)})
    return book


def _published(chapter: Chapter, own: Own) -> dict[str, object]:
    item: dict[str, object] = {
        "subject": chapter.subject,
        "chapter": chapter.chapter,
        "class": chapter.class_,
        "unit": chapter.unit,
        "yearWiseQuestionCount": dict(sorted(chapter.year_wise_question_count.items())),
    }
    if own is not None:
        said = own.get(chapter.id) or OwnProgress()
        item |= {
            "questionSolved": said.question_solved,
            "status": said.status,
            "isWeakChapter": said.is_weak_chapter,
        }
    return item


def _write(sheet: xlsxwriter.worksheet.Worksheet, line: int, at: int, cell: Cell) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(line, at, cell)
    elif isinstance(cell, int):
        sheet.write_number(line, at, cell)
    elif cell is not None:
        sheet.write_string(line, at, cell)


def _width(at: int, name: str) -> int:
    if at < len(_WIDTHS):
        return _WIDTHS[at]
    return _OWN_WIDTH if name in _OWN else _COUNT_WIDTH
