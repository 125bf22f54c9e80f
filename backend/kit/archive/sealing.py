"""Sealed files: age files (age-encryption.org/v1), which the stock `age` program opens with the key of `identity`."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from io import BufferedIOBase
from typing import cast

from bech32 import bech32_encode, convertbits
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyrage import DecryptError, EncryptError, decrypt_io, encrypt_io
from pyrage.x25519 import Identity

from backend.kit.archive import sealing_before_age
from backend.kit.archive.streams import ChunkFile, Damaged

IDENTITY_PREFIX = "AGE-SECRET-KEY-"
_AGE = b"age-encryption.org/v1"
_TITLE = b"\x5d\x2a\x4d\x18"  # a frame that zstandard skips
_PIPE_BYTES = 1 << 16


def identity(secret: str) -> str:
    """The age identity that opens what `secret` sealed: the secret itself where it is one, else made from it."""
    if secret.upper().startswith(IDENTITY_PREFIX):
        return secret.upper()
    made = HKDF(SHA256(), 32, None, b"archive age identity").derive(secret.encode())
    return bech32_encode(IDENTITY_PREFIX.lower(), convertbits(made, 8, 5) or []).upper()


def sealed(chunks: Iterable[bytes], secret: str, name: str) -> Iterator[bytes]:
    """The file of a zstandard stream that only `secret` opens, and only under this name."""
    recipient = Identity.from_str(identity(secret)).to_public()

    def titled() -> Iterator[bytes]:
        yield _title(name)
        yield from chunks

    return _piped(lambda source, sink: encrypt_io(source, sink, [recipient]), ChunkFile(titled()))


def unsealed(chunks: Iterable[bytes], secret: str, name: str) -> Iterator[bytes]:
    """Raises Damaged where the file was changed, cut off or exchanged, or the key is another."""
    source = ChunkFile(chunks)
    begin = source.peek(len(_AGE))
    if begin.startswith(sealing_before_age.MAGIC):
        yield from sealing_before_age.unsealed(source, secret, name)
        return
    if begin != _AGE:
        raise Damaged("it is not sealed")
    key = Identity.from_str(identity(secret))
    plain = ChunkFile(_piped(lambda file, sink: decrypt_io(file, sink, [key]), source))
    title = _title(name)
    if plain.read(len(title)) != title:
        raise Damaged("it is another file")
    while chunk := plain.read(_PIPE_BYTES):
        yield chunk


def _title(name: str) -> bytes:
    return _TITLE + len(name.encode()).to_bytes(4, "little") + name.encode()


def _piped(work: Callable[[BufferedIOBase, BufferedIOBase], object], source: ChunkFile) -> Iterator[bytes]:
    """Give what `work` writes while it reads the source: it runs on a thread, and ends where nobody reads on."""
    outlet, inlet = os.pipe()
    done: Future[None] = Future()

    def run() -> None:
        try:
            with os.fdopen(inlet, "wb", buffering=0) as sink:
                work(cast(BufferedIOBase, source), cast(BufferedIOBase, sink))  # it calls `read` and `write` alone
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread of the reader
            done.set_exception(error)
        else:
            done.set_result(None)

    # A daemon, which no pool's threads are: a process that ends waits for no half of a file.
    thread = threading.Thread(target=copy_context().run, args=(run,), name="sealing", daemon=True)
    thread.start()
    try:
        with os.fdopen(outlet, "rb", buffering=0) as pipe:
            while chunk := pipe.read(_PIPE_BYTES):
                yield chunk
        done.result()
    except (EncryptError, DecryptError, OSError) as error:
        if source.error:
            raise source.error from None
        raise Damaged("it was changed or cut off, or sealed with another key") from error
    finally:
        thread.join()
