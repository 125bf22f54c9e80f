"""Stores for archives: a folder, or a bucket of any S3 server. A file appears whole or not at all."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, MultipartUploadTypeDef

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20
_UNFINISHED = ".part"


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
    """The store at a folder's path, or at s3://bucket/prefix (keys and address: boto3's own AWS_… variables).

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
    """Objects below a prefix. Every part goes with its SHA-256, which the server checks."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client: S3Client | None = None

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        with _s3_errors(name):
            parts = _parts(chunks)
            first, second = next(parts), next(parts, None)
            if second is None:
                self._s3.put_object(Bucket=self._bucket, Key=self._key(name), Body=first, ChecksumAlgorithm="SHA256")
            else:
                self._write_parts(self._key(name), chain((first, second), parts))

    def read(self, name: str) -> Iterator[bytes]:
        with _s3_errors(name):
            body = self._s3.get_object(Bucket=self._bucket, Key=self._key(name), ChecksumMode="ENABLED")["Body"]
            try:
                yield from body.iter_chunks(_CHUNK_BYTES)
            finally:
                body.close()

    def names(self, prefix: str = "") -> list[str]:
        with _s3_errors(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._key(prefix))
            keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def delete(self, name: str) -> None:
        with _s3_errors(name):
            self._s3.delete_object(Bucket=self._bucket, Key=self._key(name))

    def unfinished(self) -> list[str]:
        with _s3_errors(""):
            return sorted({each["Key"].removeprefix(self._prefix) for each in self._uploads("")})

    def forget_unfinished(self, prefix: str, before: datetime) -> None:
        with _s3_errors(prefix):
            for each in list(self._uploads(prefix)):
                if each["Initiated"] < before:
                    self._s3.abort_multipart_upload(Bucket=self._bucket, Key=each["Key"], UploadId=each["UploadId"])

    def _uploads(self, prefix: str) -> "Iterator[MultipartUploadTypeDef]":
        pages = self._s3.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._key(prefix)):
            yield from page.get("Uploads", ())

    @property
    def _s3(self) -> "S3Client":
        if self._client is None:
            import boto3  # noqa: PLC0415  (a fifth of a second and 30 MB, for those who use it)
            from botocore.config import Config  # noqa: PLC0415  (as above)

            retries = Config(retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=5, read_timeout=60)
            self._client = boto3.session.Session().client("s3", config=retries)
        return self._client

    def _write_parts(self, key: str, parts: Iterable[bytes]) -> None:
        bucket, s3 = self._bucket, self._s3
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
        done: list[CompletedPartTypeDef] = []
        try:
            for number, part in enumerate(parts, 1):
                answer = s3.upload_part(
                    Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256"
                )
                known = {"ETag": answer["ETag"], "PartNumber": number, "ChecksumSHA256": answer["ChecksumSHA256"]}
                done.append(known)  # type: ignore[arg-type]  # keys of that very shape
            s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done})
        except BaseException:
            s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
            raise

    def _key(self, name: str) -> str:
        return self._prefix + name


@contextmanager
def _s3_errors(name: str) -> Iterator[None]:
    """Translate errors of boto3 to the store's own errors."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  (for those who use it)

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
            raise FileNotFoundError(name) from error
        raise StoreFailed(str(error)) from error
    except BotoCoreError as error:
        raise StoreFailed(str(error)) from error


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
