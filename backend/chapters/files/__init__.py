"""Reading chapter files as people have them: JSON, CSV or XLSX in, drafts or problems by row out. Stores nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import PurePath

from msgspec.structs import replace

from backend.chapters.files.columns import COUNTS, OWN_LIST, SYLLABUS, Columns
from backend.chapters.files.csv import read_csv
from backend.chapters.files.json import read_json
from backend.chapters.files.rows import read_own_row, read_row
from backend.chapters.files.table import NoHeader, Table, foreign, no_rows
from backend.chapters.files.text import encoding_of, is_guess
from backend.chapters.files.xlsx import is_archive, is_old_workbook, read_xlsx
from backend.chapters.models import MAX_FILE_BYTES, ChapterFile, FileRow
from backend.errors import Invalid, TooLarge
from backend.kit.i18n import _, listing, number

Key = tuple[str, str, str, str]
_NAMED_PLACES = 3
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
    return _file(table, _without_contradictions([read_row(raw) for raw in table.rows]))


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


def _without_contradictions(rows: Sequence[FileRow]) -> Iterator[FileRow]:
    """The rows; those that repeat a chapter are noted where they say the same, and all fail where they do not."""
    alike: dict[Key, list[FileRow]] = {}
    for row in rows:
        if row.draft:
            alike.setdefault(row.draft.key, []).append(row)
    differing = {key for key, same in alike.items() if any(_said(row) != _said(same[0]) for row in same)}
    for row in rows:
        others = alike[row.draft.key] if row.draft else [row]
        if row.draft and row.draft.key in differing:
            yield replace(row, draft=None, own=None, notes=(), problem=contradiction(row, others))
        elif row is not others[0]:
            yield replace(row, notes=(*row.notes, repetition(others[0])))
        else:
            yield row


def _said(row: FileRow) -> tuple[object, object]:
    """Return the values that a row gives its chapter, without the names."""
    return row.draft and row.draft.year_wise_question_count, row.own


def contradiction(row: FileRow, others: Sequence[FileRow]) -> str:
    """Return why a row is refused whose values differ from other rows of the same chapter."""
    places = [place(other) for other in islice((other for other in others if other is not row), _NAMED_PLACES)]
    return _("The same chapter has different values in {places}.").format(places=listing(places))


def repetition(first: FileRow) -> str:
    """Return the note on a row that repeats another."""
    return _("It says the same as {place}.").format(place=place(first))


def place(row: FileRow) -> str:
    """Return the location of a row, in words."""
    if row.sheet:
        return _("row {row} of sheet “{sheet}”").format(row=number(row.row), sheet=row.sheet)
    return _("row {row}").format(row=number(row.row))
