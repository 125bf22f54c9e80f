"""Reading chapter files as people have them: JSON, CSV or XLSX in, drafts or problems by row out. Stores nothing."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from backend.chapters.files.csv import read_csv
from backend.chapters.files.json import read_json
from backend.chapters.files.rows import read_row
from backend.chapters.files.table import NoHeader, Table, foreign, no_rows
from backend.chapters.files.text import encoding_of, is_guess
from backend.chapters.files.xlsx import is_archive, is_old_workbook, read_xlsx
from backend.chapters.models import MAX_FILE_BYTES, ChapterDraft, ChapterFile, FileRow, OwnProgress
from backend.errors import Invalid, TooLarge
from backend.kit.i18n import _, number

_LIKE_JSON = re.compile(r"\s*[\[{]")
_BEGINNING = 1 << 16
_TABLE_ENDINGS = (".csv", ".tsv", ".txt")


def parse(name: str, content: bytes) -> ChapterFile:
    """The rows of a chapter file: each a draft, or the problem in words. What the content is counts before its name.

    A row has `own` where it says anything of status, solved questions or the weak mark. A draft without year counts
    says nothing of them. Raises Invalid for a file that holds no chapters or cannot be read, TooLarge above
    MAX_FILE_BYTES; never anything else.
    """
    if len(content) > MAX_FILE_BYTES:
        raise TooLarge(
            _("The file is larger than {limit} MB. Split it.").format(limit=number(MAX_FILE_BYTES // 1024**2))
        )
    if not content.strip():
        raise no_rows()
    try:
        table, notes = _read(name, content)
    except NoHeader as error:
        raise foreign() from error
    rows = tuple(_without_contradictions(read_row(raw) for raw in table.rows))
    return ChapterFile(rows=rows, ignored_fields=tuple(table.ignored), notes=notes)


def _read(name: str, content: bytes) -> tuple[Table, tuple[str, ...]]:
    if is_archive(content):
        return read_xlsx(content), ()
    if is_old_workbook(content):
        raise Invalid(
            _("This is an Excel file of the old kind, or one with a password. Save it as XLSX without a password."),
            code="old_workbook",
        )
    codec = encoding_of(content)
    notes = (_("The file is not UTF-8; it was read as Windows-1252. Check the accents."),) if is_guess(codec) else ()
    return _read_text(name, content, codec), notes


def _read_text(name: str, content: bytes, codec: str) -> Table:
    beginning = content[:_BEGINNING].decode(codec, "ignore")
    if not _LIKE_JSON.match(beginning):
        return read_csv(content, codec)
    try:
        return read_json(content, codec)
    except Invalid:
        if PurePath(name).suffix.casefold() not in _TABLE_ENDINGS:
            raise
    return read_csv(content, codec)


def _without_contradictions(rows: Iterable[FileRow]) -> Iterator[FileRow]:
    """The rows; one that repeats an earlier chapter is noted where it says the same, and fails where it does not."""
    first: dict[tuple[str, str, str, str], tuple[int, ChapterDraft, OwnProgress | None]] = {}
    for row in rows:
        if row.draft is None:
            yield row
            continue
        said, draft, own = first.setdefault(row.draft.key, (row.row, row.draft, row.own))
        if said == row.row:
            yield row
        elif (draft, own) == (row.draft, row.own):
            note = _("It says the same as row {row}.").format(row=number(said))
            yield FileRow(row=row.row, draft=row.draft, own=row.own, notes=(*row.notes, note))
        else:
            problem = _("Row {row} has the same chapter with other values.").format(row=number(said))
            yield FileRow(row=row.row, problem=problem)
