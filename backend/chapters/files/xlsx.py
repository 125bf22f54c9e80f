"""Chapter files in XLSX: the archive, its limits, and the order of its sheets.

Read here and not by a library: those in reach set aside memory for every cell up to the last one, so that a file of
5 kB with one cell in the far corner ends the whole process.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping

from backend.chapters.files.table import NoHeader, Table, foreign, read_table
from backend.chapters.files.xlsx_parts import Budget, DamagedPart, links, shared_texts, sheet_links, sheet_records
from backend.errors import Invalid, TooLarge
from backend.kit.i18n import _

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
# Sheets shrink ten to fiftyfold; only zeros by the megabyte shrink more than this.
_MAX_RATIO = 250
_RATIO_FROM_BYTES = 10 * 1024 * 1024
_MAX_PARTS = 2_000
_MAX_SHEETS = 100
_ENTRY = b"PK\x01\x02"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, LookupError, DamagedPart)


def is_archive(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


def is_old_workbook(content: bytes) -> bool:
    """Whether it is an XLS file of before 2007, or an XLSX file with a password (both are kept in the same box)."""
    return content.startswith(b"\xd0\xcf\x11\xe0")


def read_xlsx(content: bytes) -> Table:
    """The raw rows of the first sheet with a header. Raises Invalid or TooLarge; unpacks nothing above the limits."""
    if content.count(_ENTRY) > _MAX_PARTS:
        raise _too_large()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_bomb(archive, len(content))
            return _first_table(archive)
    except _DAMAGE as error:
        raise Invalid(_("The XLSX file is damaged and cannot be opened."), code="broken_xlsx") from error


def _first_table(archive: zipfile.ZipFile) -> Table:
    budget = Budget()
    workbook = _workbook(archive, budget)
    targets = _links(archive, workbook, budget)
    with archive.open(workbook) as part:
        sheets = [targets[link] for link in sheet_links(part, budget) if link in targets]
    texts: list[str] = []
    for name in targets.values():
        if posixpath.basename(name).casefold() == "sharedstrings.xml" and name in archive.namelist():
            with archive.open(name) as part:
                texts = shared_texts(part, budget)
    for sheet in sheets[:_MAX_SHEETS]:
        with archive.open(sheet) as part:
            try:
                return read_table(sheet_records(part, texts, budget))
            except NoHeader:
                continue
    raise foreign()


def _workbook(archive: zipfile.ZipFile, budget: Budget) -> str:
    """The name of the part that lists the sheets. Raises Invalid for an archive of something else."""
    names = set(archive.namelist())
    found = [name for name in _links(archive, "", budget).values() if "workbook" in posixpath.basename(name).casefold()]
    for name in (*found, "xl/workbook.xml"):
        if name in names:
            return name
    raise foreign()


def _links(archive: zipfile.ZipFile, source: str, budget: Budget) -> Mapping[str, str]:
    """What a part refers to: link name → part name."""
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
