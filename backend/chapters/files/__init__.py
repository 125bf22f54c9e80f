"""Reading chapter files as people have them: JSON, CSV or XLSX in, drafts or problems by row out. Stores nothing."""

import re
from collections.abc import Iterable
from pathlib import PurePath

from msgspec.structs import replace

from backend.chapters.files.columns import COUNTS, OWN_LIST, SYLLABUS, Columns, has_a_year
from backend.chapters.files.csv import read_csv
from backend.chapters.files.json import read_json
from backend.chapters.files.rows import read_own_row, read_row
from backend.chapters.files.table import NoHeader, Table, foreign, no_rows
from backend.chapters.files.text import encoding_of, is_guess
from backend.chapters.files.xlsx import is_archive, is_old_workbook, read_xlsx
from backend.chapters.models import MAX_FILE_BYTES, ChapterFile, FileRow
from backend.errors import Invalid, TooLarge
from backend.kit.i18n import _, listing, number

_NAMED_HEADINGS = 5
_LIKE_JSON = re.compile(r"\s*[\[{]")
_BEGINNING = 1 << 16
_TABLE_ENDINGS = (".csv", ".tsv", ".txt")


def parse(name: str, content: bytes) -> ChapterFile:
    """The rows of a list of the syllabus: each a draft, or the problem in words. The content counts before its name.

    A row has `own` where it says anything of status, solved questions or the weak mark. A draft without year counts
    says nothing of them. Raises Invalid for a file that holds no chapters or cannot be read, TooLarge above
    MAX_FILE_BYTES; never anything else.
    """
    try:
        table = _table(name, content, SYLLABUS)
    except NoHeader as error:
        raise foreign() from error
    file = _file(table, map(read_row, table.rows))
    years = [name for name in file.ignored_fields if has_a_year(name)]
    if not years:
        return file
    note = _("Not read as an exam year: {headings}. Such a heading is the year alone, for example {year}.").format(
        headings=listing([f"“{name}”" for name in years[:_NAMED_HEADINGS]]), year=2026
    )
    return replace(file, notes=(*file.notes, note))


def parse_own(name: str, content: bytes) -> ChapterFile:
    """The rows of a list of one's own: the names of each chapter as far as they are given, and what is said of it.

    Raises as `parse` does.
    """
    try:
        table = _table(name, content, OWN_LIST)
    except NoHeader as error:
        raise Invalid(
            _(
                "No row of this file names its columns. Expected is a column for the chapter and one for the status, "
                "the questions solved or the weak mark. The template has them."
            ),
            code="foreign_file",
        ) from error
    file = _file(table, map(read_own_row, table.rows))
    if any(raw.counts or COUNTS in raw.fields for raw in table.rows):
        note = _("The questions of exam years belong to the syllabus, so those columns are not read.")
        return replace(file, notes=(*file.notes, note))
    return file


def _file(table: Table, rows: Iterable[FileRow]) -> ChapterFile:
    return ChapterFile(rows=tuple(rows), ignored_fields=tuple(table.ignored), notes=tuple(table.notes))


def _table(name: str, content: bytes, columns: Columns) -> Table:
    if len(content) > MAX_FILE_BYTES:
        raise TooLarge(
            _("The file is larger than {limit} MB. Split it.").format(limit=number(MAX_FILE_BYTES // 1024**2))
        )
    if not content.strip():
        raise no_rows()
    if is_old_workbook(content):
        raise Invalid(
            _("This is an Excel file of the old kind, or one with a password. Save it as XLSX without a password."),
            code="old_workbook",
        )
    table = read_xlsx(content, columns) if is_archive(content) else _text_table(name, content, columns)
    if not table.rows:
        raise no_rows()
    return table


def _text_table(name: str, content: bytes, columns: Columns) -> Table:
    codec = encoding_of(content)
    table = _read_text(name, content, codec, columns)
    if is_guess(codec):
        table.notes.append(_("The file is not UTF-8; it was read as Windows-1252. Check the accents."))
    return table


def _read_text(name: str, content: bytes, codec: str, columns: Columns) -> Table:
    beginning = content[:_BEGINNING].decode(codec, "ignore")
    if not _LIKE_JSON.match(beginning):
        return read_csv(content, codec, columns)
    try:
        return read_json(content, codec, columns)
    except (Invalid, NoHeader):
        if PurePath(name).suffix.casefold() not in _TABLE_ENDINGS:
            raise
    return read_csv(content, codec, columns)
