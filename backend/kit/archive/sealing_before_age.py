"""Reads files that were sealed before version 0.2, in frames of AES-256-GCM; nothing is written so any more."""

import struct
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.kit.archive.streams import ChunkFile, Damaged

MAGIC = b"CPS1"
_SALT_BYTES = 16
_LONGEST_FRAME = (1 << 18) + 32
_LENGTH = struct.Struct("<i")  # negative: the last frame


def unsealed(source: ChunkFile, secret: str, name: str) -> Iterator[bytes]:
    """Raises Damaged where a frame was changed, moved or left out, or the key is another."""
    head = source.take(len(MAGIC) + _SALT_BYTES)
    cipher = AESGCM(HKDF(SHA256(), 32, head[len(MAGIC) :], b"archive").derive(secret.encode()))
    number, is_last = 0, False
    while not is_last:
        length = _LENGTH.unpack(source.take(_LENGTH.size))[0]
        is_last, length = length < 0, abs(length)
        if length > _LONGEST_FRAME:
            raise Damaged("a frame is too long")
        nonce = number.to_bytes(11, "big") + bytes([is_last])
        try:
            yield cipher.decrypt(nonce, source.take(length), name.encode())
        except InvalidTag as error:
            raise Damaged("it was changed, or sealed with another key") from error
        number += 1
    if source.peek(1):
        raise Damaged("more bytes than were written")
