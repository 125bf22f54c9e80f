"""Steps for bytes between a database and a store: counting, compression and its reverse; sealing is in sealing.py.

Every step takes chunks and gives chunks, so that an archive of any size needs little memory.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator

import zstandard
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

COMPRESSION_LEVEL = 3
_LENGTH = struct.Struct("<i")
_SMALLEST_DOCUMENT = 5


class Damaged(ValueError):
    """The bytes are not what was written: cut off, changed, or sealed with another key."""


class Tally:
    """Hands chunks on and keeps their number of bytes and SHA-256."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    def over(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.size += len(chunk)
            self._digest.update(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class DocumentCount:
    """Hands chunks of whole BSON documents on and counts the documents by their lengths alone."""

    def __init__(self) -> None:
        self.count = 0

    def over(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            place = 0
            while place < len(chunk):
                place += _LENGTH.unpack_from(chunk, place)[0]
                self.count += 1
            yield chunk


def compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A zstandard frame with a checksum."""
    parameters = zstandard.ZstdCompressionParameters.from_level(COMPRESSION_LEVEL, write_checksum=True)
    machine = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    for chunk in chunks:
        if out := machine.compress(chunk):
            yield out
    yield machine.flush()


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Raises Damaged where the frame is broken, ends too early, or is not all there is."""
    machine = zstandard.ZstdDecompressor().decompressobj()
    try:
        for chunk in chunks:
            if out := machine.decompress(chunk):
                yield out
    except zstandard.ZstdError as error:
        raise Damaged(str(error)) from error
    if machine.unused_data:
        raise Damaged("more bytes than were written")
    if not machine.eof:
        raise Damaged("it ends too early")


def documents(chunks: Iterable[bytes]) -> Iterator[RawBSONDocument]:
    """The BSON documents in `chunks`, undecoded. Raises Damaged where one is cut off."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        place = 0
        while len(buffer) - place >= _LENGTH.size:
            length = _LENGTH.unpack_from(buffer, place)[0]
            if length < _SMALLEST_DOCUMENT:
                raise Damaged("a document of impossible length")
            if len(buffer) - place < length:
                break
            yield _document(bytes(buffer[place : place + length]))
            place += length
        del buffer[:place]
    if buffer:
        raise Damaged("a document is cut off")


def _document(content: bytes) -> RawBSONDocument:
    try:
        return RawBSONDocument(content)
    except InvalidBSON as error:
        raise Damaged(str(error)) from error


class ChunkFile:
    """Chunks as a file that is read piece by piece; `error` is what went wrong with them, if anything."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.error: Exception | None = None
        self._chunks = iter(chunks)
        self._buffer = bytearray()

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay to be read; fewer at the end."""
        try:
            while len(self._buffer) < size and (chunk := next(self._chunks, None)) is not None:
                self._buffer += chunk
        except Exception as error:
            self.error = error
            raise
        return bytes(self._buffer[:size])

    def read(self, size: int) -> bytes:
        """The next bytes; fewer at the end."""
        found = self.peek(size)
        del self._buffer[: len(found)]
        return found

    def take(self, size: int) -> bytes:
        """Exactly so many bytes. Raises Damaged where there are fewer."""
        found = self.read(size)
        if len(found) < size:
            raise Damaged("it ends too early")
        return found
