"""Steps for bytes between a database and a store: counting, compression, sealing, and their reverse.

Every step takes chunks and gives chunks, so that an archive of any size needs little memory.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator

import zstandard
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

COMPRESSION_LEVEL = 3
_MAGIC = b"CPS1"
_SALT_BYTES = 16
_FRAME_BYTES = 1 << 18
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


def sealed(chunks: Iterable[bytes], secret: str, name: str) -> Iterator[bytes]:
    """AES-256-GCM in frames, each bound to the file's name, its place, and whether it is the last."""
    salt = os.urandom(_SALT_BYTES)
    cipher = _cipher(secret, salt)
    yield _MAGIC + salt
    frames = _frames(chunks)
    held = next(frames)
    number = 0
    for number, frame in enumerate(frames, 1):
        yield _sealed_frame(cipher, held, name, number - 1, is_last=False)
        held = frame
    yield _sealed_frame(cipher, held, name, number, is_last=True)


def unsealed(chunks: Iterable[bytes], secret: str, name: str) -> Iterator[bytes]:
    """Raises Damaged where a frame was changed, moved or left out, or the key is another."""
    source = _Reader(chunks)
    if source.take(len(_MAGIC)) != _MAGIC:
        raise Damaged("it is not sealed")
    cipher = _cipher(secret, source.take(_SALT_BYTES))
    number, is_last = 0, False
    while not is_last:
        length = _LENGTH.unpack(source.take(_LENGTH.size))[0]
        is_last, length = length < 0, abs(length)
        if length > _FRAME_BYTES + 32:
            raise Damaged("a frame is too long")
        try:
            yield cipher.decrypt(_nonce(number, is_last=is_last), source.take(length), name.encode())
        except InvalidTag as error:
            raise Damaged("it was changed, or sealed with another key") from error
        number += 1
    if source.has_more():
        raise Damaged("more bytes than were written")


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


class _Reader:
    """Chunks as a file that is read piece by piece."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise Damaged("it ends too early")
            self._buffer += chunk
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def has_more(self) -> bool:
        return bool(self._buffer) or any(self._chunks)


def _frames(chunks: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) > _FRAME_BYTES:
            yield bytes(buffer[:_FRAME_BYTES])
            del buffer[:_FRAME_BYTES]
    yield bytes(buffer)


def _sealed_frame(cipher: AESGCM, frame: bytes, name: str, number: int, *, is_last: bool) -> bytes:
    body = cipher.encrypt(_nonce(number, is_last=is_last), frame, name.encode())
    return _LENGTH.pack(-len(body) if is_last else len(body)) + body


def _cipher(secret: str, salt: bytes) -> AESGCM:
    """A key of this file alone, so that a counter may serve as nonce."""
    return AESGCM(HKDF(SHA256(), 32, salt, b"archive").derive(secret.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
