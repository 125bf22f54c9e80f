"""A person's data as a ZIP of JSON and CSV, written while it is read: nothing but one document is held. Pure."""

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from backend.kit import csv_cells

CHUNK = 64 * 1024
Document = Mapping[str, Any]


class _Outlet(io.RawIOBase):
    """A buffer between the ZIP writer and the reader of its bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        data, self._parts, self.size = b"".join(self._parts), [], 0
        return data


def zipped(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """The bytes of a ZIP with these files, in pieces."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in files:
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    if outlet.size >= CHUNK:
                        yield outlet.taken()
    yield outlet.taken()


def as_json(documents: Iterable[Document]) -> Iterator[bytes]:
    """A JSON list, a document a line."""
    start = "[\n"
    for document in documents:
        yield (start + json.dumps(document, ensure_ascii=False, default=_plain)).encode()
        start = ",\n"
    yield b"\n]\n" if start == ",\n" else b"[]\n"


def as_csv(documents: Callable[[], Iterable[Document]]) -> Iterator[bytes]:
    """The same as a table: nested fields are columns such as before.status, lists words with spaces.

    Read twice, for which columns there are and for the rows: nobody's years of work are held at once.
    """
    columns = list(dict.fromkeys(name for document in documents() for name in _flat(document)))
    rows = ([_cell(row.get(name)) for name in columns] for row in map(_flat, documents()))
    yield csv_cells.content([columns])
    for line in csv_cells.lines(rows):
        yield line.encode()


def _flat(document: Document, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _cell(value: Any) -> csv_cells.Cell:
    if value is None or isinstance(value, bool | int | float):
        return value
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(_plain(value))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
