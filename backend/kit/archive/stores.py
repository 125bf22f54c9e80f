"""Stores for archives: a folder, or a bucket of any S3 server. A file appears whole or not at all."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

if TYPE_CHECKING:
    from obstore.store import S3Store as Client

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 2
_UNFINISHED = ".part"
_ADDRESSES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class StoreFailed(Exception):
    """The store did not do what it was asked to: full, away, or not allowed. The text says which."""


class Store(Protocol):
    """Files by name ("2026-11-22/users.bson.zst"). Every method raises StoreFailed."""

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Keep a file; where `chunks` or the store fails, nothing of it stays."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, in chunks. FileNotFoundError where there is none."""
        ...

    def names(self, prefix: str = "") -> list[str]:
        """The names that begin with `prefix`, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Forget a file; one that is not there is no error."""
        ...

    def unfinished(self) -> list[str]:
        """The names of files that were begun and never finished, sorted: some may be under way."""
        ...

    def forget_unfinished(self, prefix: str, before: datetime) -> None:
        """Forget what was begun before that time, and never finished, of names that begin with `prefix`."""
        ...


def open_store(url: str) -> Store:
    """The store at a folder's path, or at s3://bucket/prefix (keys and address: the AWS_… variables).

    Raises ValueError where the address is of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        if not parts.netloc:
            raise ValueError("s3:// needs the name of a bucket: s3://bucket/prefix")
        return S3Store(parts.netloc, parts.path.strip("/"))
    if parts.scheme not in {"", "file"}:
        raise ValueError(f"{parts.scheme}:// is neither a folder nor s3://")
    return FolderStore(Path(parts.path if parts.scheme else url))


class FolderStore:
    """Files below a folder that this user alone may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        target = self._path(name)
        unfinished = target.with_name(f"{target.name}.{uuid4().hex[:8]}{_UNFINISHED}")
        try:
            with self._errors():
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                unfinished.touch(mode=0o600, exist_ok=False)
                with unfinished.open("wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(target)
                _sync_folder(target.parent)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def read(self, name: str) -> Iterator[bytes]:
        with self._errors(FileNotFoundError), self._path(name).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def names(self, prefix: str = "") -> list[str]:
        with self._errors():
            found = [each for each in self._folder.rglob("*") if each.is_file() and each.suffix != _UNFINISHED]
        names = (each.relative_to(self._folder).as_posix() for each in found)
        return sorted(name for name in names if name.startswith(prefix))

    def delete(self, name: str) -> None:
        path = self._path(name)
        with self._errors():
            path.unlink(missing_ok=True)
        with suppress(OSError):  # others are left in it
            path.parent.rmdir()

    def unfinished(self) -> list[str]:
        with self._errors():
            return sorted({self._name_of(each) for each in self._folder.rglob(f"*{_UNFINISHED}")})

    def forget_unfinished(self, prefix: str, before: datetime) -> None:
        with self._errors():
            for each in list(self._folder.rglob(f"*{_UNFINISHED}")):
                if self._name_of(each).startswith(prefix) and each.stat().st_mtime < before.timestamp():
                    each.unlink(missing_ok=True)
                    with suppress(OSError):  # others are left in it
                        each.parent.rmdir()

    def free_bytes(self) -> int:
        """How much more it can hold."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return shutil.disk_usage(self._folder).free

    def _name_of(self, unfinished: Path) -> str:
        """The name that a file would have had: its own has eight characters more, and the mark."""
        return unfinished.relative_to(self._folder).with_suffix("").with_suffix("").as_posix()

    def _path(self, name: str) -> Path:
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{name!r} leads out of the store")
        return self._folder / relative

    @contextmanager
    def _errors(self, *told_as_they_are: type[OSError]) -> Iterator[None]:
        """Translate errors of the operating system to the store's own error."""
        try:
            yield
        except told_as_they_are:
            raise
        except OSError as error:
            raise StoreFailed(f"{self._folder}: {error.strerror or error}") from error


class S3Store:
    """Objects below a prefix. The server checks the SHA-256 of every part.

    S3 has no list of another process's unfinished uploads here: the bucket's lifecycle rule ends them.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client: Client | None = None

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        parts = _parts(chunks)
        first, second = next(parts), next(parts, None)
        with _s3_errors(name):
            if second is None:
                self._s3.put(name, first, use_multipart=False)
            else:  # an upload that fails is aborted
                every = chain((first, second), parts)
                self._s3.put(name, every, use_multipart=True, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

    def read(self, name: str) -> Iterator[bytes]:
        with _s3_errors(name):
            for chunk in self._s3.get(name).stream(min_chunk_size=_CHUNK_BYTES):
                yield bytes(chunk)

    def names(self, prefix: str = "") -> list[str]:
        folder = prefix.rpartition("/")[0]  # the server lists whole folders
        with _s3_errors(prefix):
            found = [each["path"] for page in self._s3.list(folder or None) for each in page]
        return sorted(name for name in found if name.startswith(prefix))

    def delete(self, name: str) -> None:
        with _s3_errors(name), suppress(FileNotFoundError):
            self._s3.delete(name)

    def unfinished(self) -> list[str]:
        return []

    def forget_unfinished(self, prefix: str, before: datetime) -> None:
        """The bucket's lifecycle rule does it."""

    @property
    def _s3(self) -> "Client":
        if self._client is None:
            from obstore.store import S3Store as Client  # noqa: PLC0415  (15 MB, for those who use it)

            for each in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
                del os.environ[each]  # as good as not set; obstore takes an empty address for one
            self._client = Client(
                self._bucket,
                prefix=self._prefix or None,
                checksum_algorithm="SHA256",
                disable_bulk_delete=True,  # not every server has it
                client_options={
                    # Only where the school's own setting says so: the default address is Amazon's, by https.
                    "allow_http": any(os.environ.get(each, "").startswith("http://") for each in _ADDRESSES),
                    "connect_timeout": timedelta(seconds=5),
                    "read_timeout": timedelta(seconds=60),
                    "timeout": timedelta(days=1),  # of a whole file, which a slow reader may take for hours
                },
                retry_config={"max_retries": 3, "backoff": {"init_backoff": timedelta(milliseconds=200)}},
            )
        return self._client


@contextmanager
def _s3_errors(name: str) -> Iterator[None]:
    """Translate errors of obstore to the store's own errors."""
    from obstore.exceptions import BaseError  # noqa: PLC0415  (for those who use it)

    try:
        yield
    except FileNotFoundError as error:
        if "<Code>NoSuchBucket<" in str(error):
            raise StoreFailed(_reason(error)) from error
        raise FileNotFoundError(name) from error
    except BaseError as error:
        raise StoreFailed(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Return the code and sentence of the server's answer, or what hindered the connection."""
    text = str(error)
    said = [found[1] for tag in ("Code", "Message") if (found := re.search(f"<{tag}>(.+?)</{tag}>", text))]
    causes = re.findall(r'(?:message|error): "(.+?)"', text)  # of the operating system, innermost last
    return ": ".join(said or [text.partition("\n\nDebug source:")[0].strip(), *causes[-1:]])


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= _PART_BYTES:
            yield bytes(buffer[:_PART_BYTES])
            del buffer[:_PART_BYTES]
    yield bytes(buffer)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
