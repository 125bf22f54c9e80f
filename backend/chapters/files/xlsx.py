"""Chapter files in XLSX: the archive, its limits, and the order of its sheets.

Read here and not by a library: those in reach set aside memory for every cell up to the last one, so that a file of
5 kB with one cell in the far corner ends the whole process.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped] # publishes no types

from backend.chapters.files.columns import Columns
from backend.chapters.files.table import NoHeader, Table, TooManyRows, printable
from backend.chapters.files.xlsx_parts import (
    Budget,
    CellFormats,
    CellStyles,
    DamagedPart,
    Layout,
    cell_styles,
    links,
    shared_texts,
    sheet_records,
    workbook,
)
from backend.errors import Invalid, TooLarge
from backend.kit.i18n import _, listing, ngettext, number

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
# Sheets shrink ten to fiftyfold; only zeros by the megabyte shrink more than this.
_MAX_RATIO = 250
_RATIO_FROM_BYTES = 10 * 1024 * 1024
_MAX_PARTS = 2_000
_MAX_SHEETS = 100
_NAMED_SHEETS = 20
_NAMED_HIDDEN = 8
_ENTRY = b"PK\x01\x02"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, LookupError, DamagedPart)


def is_archive(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


def is_old_workbook(content: bytes) -> bool:
    """Whether it is an XLS file of before 2007, or an XLSX file with a password (both are kept in the same box)."""
    return content.startswith(b"\xd0\xcf\x11\xe0")


def read_xlsx(content: bytes, columns: Columns) -> Table:
    """The raw rows of every visible sheet with a header; the notes name each sheet, those that are left out too.

    Raises NoHeader, Invalid or TooLarge; unpacks nothing above the limits.
    """
    if content.count(_ENTRY) > _MAX_PARTS:
        raise _too_large()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_bomb(archive, len(content))
            _refuse_others(archive)
            return _Reader(archive, columns).read()
    except _DAMAGE as error:
        raise Invalid(_("The XLSX file is damaged and cannot be opened."), code="broken_xlsx") from error


class _Reader:
    def __init__(self, archive: zipfile.ZipFile, columns: Columns) -> None:
        self._archive = archive
        self._budget = Budget()
        self._table = Table(columns)
        self._refusal: Invalid | None = None
        self._read: list[str] = []
        self._left_out: list[str] = []
        self._foreign: list[str] = []

    def read(self) -> Table:
        name = _workbook(self._archive, self._budget)
        targets = _links(self._archive, name, self._budget)
        with self._archive.open(name) as part:
            book = workbook(part, self._budget)
        sheets = [sheet for sheet in book.sheets if _is_worksheet(targets.get(sheet.link, ""))]
        hidden = [printable(sheet.name) for sheet in sheets if sheet.is_hidden]
        visible = [sheet for sheet in sheets if not sheet.is_hidden]
        formats = self._formats(targets, is_1904=book.is_1904)
        for sheet in visible[:_MAX_SHEETS]:
            self._sheet(printable(sheet.name), targets[sheet.link], formats, is_alone=len(visible) == 1)
        self._foreign += [printable(sheet.name) for sheet in visible[_MAX_SHEETS:]]
        if not self._read:
            raise self._refusal or _nothing_visible(hidden)
        self._table.notes += self._notes(hidden, has_others=len(sheets) > 1)
        return self._table

    def _formats(self, targets: Mapping[str, str], *, is_1904: bool) -> CellFormats:
        texts: list[str] = []
        styles = CellStyles()
        for name in targets.values():
            if name not in self._archive.namelist():
                continue
            match posixpath.basename(name).casefold():
                case "sharedstrings.xml":
                    with self._archive.open(name) as part:
                        texts = shared_texts(part, self._budget)
                case "styles.xml":
                    with self._archive.open(name) as part:
                        styles = cell_styles(part, self._budget)
        return CellFormats(texts, styles, is_1904)

    def _sheet(self, name: str, target: str, formats: CellFormats, *, is_alone: bool) -> None:
        layout, sheet = Layout(), "" if is_alone else name
        with self._archive.open(target) as part:
            try:
                records = sheet_records(part, formats, self._budget, layout)
                self._table.read(records, sheet, merged=layout.merged, hidden=layout.hidden_rows)
            except NoHeader:
                if not (hidden := _hidden_words(layout)):
                    self._foreign.append(name)
                    return
                reason = _("No visible row names the columns. {hidden}").format(hidden=hidden)
                self._leave_out(name, Invalid(reason, code="foreign_file"))
            except (TooLarge, TooManyRows):
                raise
            except Invalid as refusal:
                reason = f"{refusal.message} {_hidden_words(layout)}".strip()
                self._leave_out(name, Invalid(reason, code=refusal.code))
            else:
                self._read.append(name)
                if hidden := _hidden_words(layout):
                    self._table.note(hidden, sheet)

    def _leave_out(self, name: str, refusal: Invalid) -> None:
        self._refusal = self._refusal or refusal
        self._left_out.append(_("The sheet “{sheet}” is left out: {reason}").format(sheet=name, reason=refusal.message))

    def _notes(self, hidden: Sequence[str], *, has_others: bool) -> list[str]:
        notes = []
        if has_others:
            said = ngettext("Sheet read: {sheets}.", "Sheets read: {sheets}.", len(self._read))
            notes.append(said.format(sheets=_quoted(self._read)))
        if hidden:
            said = ngettext(
                "The hidden sheet {sheets} is left out.", "The hidden sheets {sheets} are left out.", len(hidden)
            )
            notes.append(said.format(sheets=_quoted(hidden)))
        if self._foreign:
            said = ngettext(
                "The sheet {sheets} has no row that names the columns, and is left out.",
                "The sheets {sheets} have no row that names the columns, and are left out.",
                len(self._foreign),
            )
            notes.append(said.format(sheets=_quoted(self._foreign)))
        return notes + self._left_out


def _nothing_visible(hidden: Sequence[str]) -> Exception:
    """The refusal where no sheet was read: of a file of something else, or of one whose sheets are hidden."""
    if not hidden:
        return NoHeader()
    return Invalid(
        _("No visible sheet has chapters. Hidden sheets are not read: {sheets}.").format(sheets=_quoted(hidden)),
        code="foreign_file",
    )


def _hidden_words(layout: Layout) -> str:
    """Return a note on the rows and columns that are left out because they are hidden; "" for none."""
    said = []
    if layout.hidden_rows:
        words = ngettext(
            "The hidden row {rows} is left out.", "{count} hidden rows are left out: {rows}.", len(layout.hidden_rows)
        )
        said.append(
            words.format(count=number(len(layout.hidden_rows)), rows=_listed(list(map(str, layout.hidden_rows))))
        )
    if layout.hidden_columns:
        words = ngettext(
            "The hidden column {columns} is left out.",
            "{count} hidden columns are left out: {columns}.",
            len(layout.hidden_columns),
        )
        names = [xl_col_to_name(at) for at in sorted(layout.hidden_columns)]
        said.append(words.format(count=number(len(names)), columns=_listed(names)))
    return " ".join(said)


def _listed(names: Sequence[str]) -> str:
    return listing(list(names[:_NAMED_HIDDEN])) + ("…" if len(names) > _NAMED_HIDDEN else "")


def _quoted(names: Sequence[str]) -> str:
    shown = [f"“{name}”" for name in names[:_NAMED_SHEETS]]
    return listing(shown) + ("…" if len(names) > _NAMED_SHEETS else "")


def _is_worksheet(target: str) -> bool:
    return bool(target) and "chartsheets" not in target and "dialogsheets" not in target


def _refuse_others(archive: zipfile.ZipFile) -> None:
    """Raises Invalid for what is kept in such an archive too, with the cure."""
    names = set(archive.namelist())
    is_document = "content.xml" in names and "mimetype" in names
    if is_document or "xl/workbook.bin" in names or "Index/Document.iwa" in names:
        raise Invalid(
            _("This is a spreadsheet in another format than XLSX. Save it as XLSX or as CSV."), code="other_workbook"
        )


def _workbook(archive: zipfile.ZipFile, budget: Budget) -> str:
    """The name of the part that lists the sheets. Raises NoHeader for an archive of something else."""
    names = set(archive.namelist())
    found = [name for name in _links(archive, "", budget).values() if "workbook" in posixpath.basename(name).casefold()]
    for name in (*found, "xl/workbook.xml"):
        if name in names:
            return name
    raise NoHeader


def _links(archive: zipfile.ZipFile, source: str, budget: Budget) -> Mapping[str, str]:
    """Return the links of a part: link name → part name."""
    folder, name = posixpath.split(source)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in archive.namelist():
        return {}
    with archive.open(path) as part:
        found = links(part, budget)
    return {link: posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/") for link, target in found.items()}


def _refuse_bomb(archive: zipfile.ZipFile, packed: int) -> None:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or unpacked > max(_RATIO_FROM_BYTES, _MAX_RATIO * packed):
        raise _too_large()
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise zipfile.BadZipFile


def _too_large() -> TooLarge:
    return TooLarge(_("The XLSX file unpacks to more than can be read. Save only the sheet with the chapters."))
