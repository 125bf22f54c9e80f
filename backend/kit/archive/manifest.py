"""The manifest of an archive. It is written last: an archive without one does not count."""

from datetime import datetime

import msgspec

from backend.kit.model import Shape

FORMAT, UNSEALED_FORMAT = 2, 1  # versions before age read what is not sealed
MANIFEST = "manifest.json"


class CollectionFile(Shape, frozen=True, kw_only=True):
    """One collection: its file, what must come out of it, and how to make it again.

    `raw_sha256` is of the documents in the order of their ids; `options` and `indexes` are canonical extended JSON.
    """

    name: str
    file: str
    documents: int
    raw_bytes: int
    raw_sha256: str
    stored_bytes: int
    stored_sha256: str
    options: str
    indexes: str


class Manifest(Shape, frozen=True, kw_only=True):
    """`cluster_time` (seconds, increment) is the moment of the data, the same for every collection."""

    format: int
    id: str
    taken_at: datetime
    seconds: float
    app_version: str
    server_version: str
    database: str
    cluster_time: tuple[int, int]
    is_sealed: bool
    collections: tuple[CollectionFile, ...]

    @property
    def documents(self) -> int:
        return sum(each.documents for each in self.collections)

    @property
    def stored_bytes(self) -> int:
        return sum(each.stored_bytes for each in self.collections)

    @property
    def raw_bytes(self) -> int:
        return sum(each.raw_bytes for each in self.collections)


def encoded(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decoded(content: bytes) -> Manifest:
    """Raises ValueError where it is no manifest, or one of a later format."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    if manifest.format > FORMAT:
        raise ValueError(f"format {manifest.format}, while this version reads up to {FORMAT}")
    return manifest
