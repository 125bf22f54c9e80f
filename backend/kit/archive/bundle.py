"""An archive as one file on its way out: a tar of what lies in the store, sealed files sealed, in chunks."""

import tarfile
from collections.abc import Iterator

from backend.kit.archive.manifest import MANIFEST, Manifest, decoded
from backend.kit.archive.stores import Store
from backend.kit.archive.streams import Damaged, Tally

_BLOCK = 512
_END = b"\0" * 2 * _BLOCK


class Bundle:
    """Unpacked in the folder of a store, it is that archive again. Raises Damaged where it has no readable manifest."""

    def __init__(self, store: Store, archive_id: str) -> None:
        self._store = store
        self._id = archive_id
        try:
            self._manifest_file = b"".join(store.read(f"{archive_id}/{MANIFEST}"))
            self.manifest: Manifest = decoded(self._manifest_file)
        except (FileNotFoundError, ValueError) as error:
            raise Damaged(f"{archive_id}: {MANIFEST}: {error}") from error

    @property
    def size(self) -> int:
        """Bytes of all `chunks`."""
        sizes = [each.stored_bytes for each in self.manifest.collections]
        files = [*((each.file, each.stored_bytes) for each in self.manifest.collections), self._last]
        heads = sum(len(self._head(name, size)) for name, size in files)
        return heads + sum(map(_padded, (*sizes, len(self._manifest_file)))) + len(_END)

    def chunks(self) -> Iterator[bytes]:
        """The tar; its manifest comes last, so that the beginning of one never passes for a whole archive.

        Raises Damaged, before its last bytes, where a file is not what was written.
        """
        for file in self.manifest.collections:
            yield self._head(file.file, file.stored_bytes)
            stored = Tally()
            try:
                yield from stored.over(self._store.read(f"{self._id}/{file.file}"))
            except FileNotFoundError as error:
                raise Damaged(f"{file.file}: it is missing") from error
            if (stored.size, stored.sha256) != (file.stored_bytes, file.stored_sha256):
                raise Damaged(f"{file.file}: it is not what was written")
            yield _padding(file.stored_bytes)
        yield self._head(*self._last) + self._manifest_file + _padding(len(self._manifest_file)) + _END

    @property
    def _last(self) -> tuple[str, int]:
        return MANIFEST, len(self._manifest_file)

    def _head(self, name: str, size: int) -> bytes:
        info = tarfile.TarInfo(f"{self._id}/{name}")
        info.size, info.mode, info.mtime = size, 0o600, int(self.manifest.taken_at.timestamp())
        return info.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % _BLOCK)


def _padded(size: int) -> int:
    return size + len(_padding(size))
