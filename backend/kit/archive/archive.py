"""An archive in a store: taken from one moment of a database while others write, checked, and read again."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from time import perf_counter
from typing import Any, cast

from bson import json_util
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, ReadPreference
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from backend.errors import Unavailable
from backend.kit.archive.manifest import FORMAT, MANIFEST, UNSEALED_FORMAT, CollectionFile, Manifest, decoded, encoded
from backend.kit.archive.sealing import sealed, unsealed
from backend.kit.archive.stores import Store
from backend.kit.archive.streams import (
    Damaged,
    DocumentCount,
    Tally,
    compressed,
    decompressed,
    documents,
)
from backend.kit.i18n import _
from backend.kit.mongo.client import translated
from backend.kit.mongo.guarded_client import without_timeout

Progress = Callable[[str, int, int], None]  # the collection, documents done, documents expected
Record = dict[str, Any]

_BATCH_DOCUMENTS = 2000
_SNAPSHOT_TOO_OLD = 239


def summed(show: Callable[[int, int, str], None], total: int) -> Progress:
    """Progress over all collections together: documents done, of `total`, and the present collection."""
    done: dict[str, int] = {}

    def on_progress(collection: str, count: int, _expected: int) -> None:
        done[collection] = count
        so_far = sum(done.values())
        show(so_far, max(so_far, total), collection)

    return on_progress


def unobserved(_collection: str, _done: int, _expected: int) -> None:
    """Progress that nobody looks at."""


class Archive:
    """The files `{id}/…` of a store. With a secret they are sealed."""

    def __init__(self, store: Store, archive_id: str, secret: str | None = None) -> None:
        self.id = archive_id
        self._store = store
        self._secret = secret

    def take(
        self,
        database: Database[Record],
        *,
        leave_out: Iterable[str],
        app_version: str,
        taken_at: datetime,
        on_progress: Progress = unobserved,
    ) -> Manifest:
        """Write every collection but those to leave out, as they were at one moment; then the manifest.

        Raises Unavailable where the database is, StoreFailed where the store does not take it.
        """
        started = perf_counter()
        with translated(), without_timeout(), _moment_kept():
            server_version = str(database.client.server_info()["version"])
            wanted = _collections(database, set(leave_out))
            with database.client.start_session(snapshot=True) as session:
                files = tuple(self._take(database, each, session, on_progress) for each in wanted)
                moment = session._snapshot_time
        manifest = Manifest(
            format=UNSEALED_FORMAT if self._secret is None else FORMAT,
            id=self.id,
            taken_at=taken_at,
            seconds=round(perf_counter() - started, 3),
            app_version=app_version,
            server_version=server_version,
            database=database.name,
            cluster_time=(moment.time, moment.inc) if moment else (0, 0),
            is_sealed=self._secret is not None,
            collections=files,
        )
        self._store.write(self._name(MANIFEST), [encoded(manifest)])
        return manifest

    def manifest(self) -> Manifest:
        """Raises Damaged where there is none, or none that can be read."""
        try:
            return decoded(b"".join(self._store.read(self._name(MANIFEST))))
        except (FileNotFoundError, ValueError) as error:
            raise Damaged(f"{self.id}: {MANIFEST}: {error}") from error

    def documents(self, file: CollectionFile) -> Iterator[RawBSONDocument]:
        """The documents of a collection in the order of their ids, checked as they pass.

        Raises Damaged, at the latest after the last one, where they are not what was written.
        """
        stored, raw, count = Tally(), Tally(), 0
        chunks = stored.over(self._store.read(self._name(file.file)))
        if self._secret is not None:
            chunks = unsealed(chunks, self._secret, self._name(file.file))
        try:
            for document in documents(raw.over(decompressed(chunks))):
                count += 1
                yield document
        except FileNotFoundError as error:
            raise Damaged(f"{file.file}: it is missing") from error
        except Damaged as error:
            raise Damaged(f"{file.file}: {error}") from error
        found = (stored.size, stored.sha256, count, raw.sha256)
        if found != (file.stored_bytes, file.stored_sha256, file.documents, file.raw_sha256):
            raise Damaged(f"{file.file}: it is not what was written")

    def verify(self, on_progress: Progress = unobserved) -> Manifest:
        """Read all of it and compare every count and checksum. Raises Damaged."""
        manifest = self.manifest()
        for file in manifest.collections:
            done = 0
            for done, _document in enumerate(self.documents(file), 1):
                if done % _BATCH_DOCUMENTS == 0:
                    on_progress(file.name, done, file.documents)
            on_progress(file.name, done, file.documents)
        return manifest

    def load(
        self,
        database: Database[Record],
        *,
        prefix: str = "",
        leave_out: Container[str] = (),
        on_progress: Progress = unobserved,
    ) -> Manifest:
        """Make every collection as `prefix` + its name, with documents and indexes. Raises Damaged, Unavailable."""
        manifest = self.manifest()
        with translated(), without_timeout():
            for file in manifest.collections:
                if file.name in leave_out:
                    continue
                target = _made(database, prefix + file.name, file)
                for done in _inserted(target, self.documents(file)):
                    on_progress(file.name, done, file.documents)
                _index(target, file)
        return manifest

    def delete(self) -> None:
        """Forget all of it, the manifest first: half of it must not pass for an archive."""
        self._store.delete(self._name(MANIFEST))
        for name in self._store.names(self._name("")):
            self._store.delete(name)

    def _take(
        self, database: Database[Record], name: str, session: ClientSession, on_progress: Progress
    ) -> CollectionFile:
        source = database.get_collection(name, read_preference=ReadPreference.SECONDARY_PREFERRED)
        file, expected = f"{name}.bson.zst", source.estimated_document_count()
        count, raw, stored = DocumentCount(), Tally(), Tally()
        with closing(source.find_raw_batches(sort=[("_id", ASCENDING)], session=session)) as batches:
            chunks = count.over(cast(Iterable[bytes], batches))
            chunks = compressed(raw.over(_reported(chunks, count, name, expected, on_progress)))
            if self._secret is not None:
                chunks = sealed(chunks, self._secret, self._name(file))
            self._store.write(self._name(file), stored.over(chunks))
        return CollectionFile(
            name=name,
            file=file,
            documents=count.count,
            raw_bytes=raw.size,
            raw_sha256=raw.sha256,
            stored_bytes=stored.size,
            stored_sha256=stored.sha256,
            options=json_util.dumps(_options(database, name), json_options=json_util.CANONICAL_JSON_OPTIONS),
            indexes=json_util.dumps(_indexes(source), json_options=json_util.CANONICAL_JSON_OPTIONS),
        )

    def _name(self, file: str) -> str:
        return f"{self.id}/{file}"


@contextmanager
def _moment_kept() -> Iterator[None]:
    """A moment that the server forgot while it was read, in a sentence."""
    try:
        yield
    except OperationFailure as error:
        if error.code == _SNAPSHOT_TOO_OLD:
            words = _(
                "It took longer than the database server keeps a snapshot. Raise "
                "minSnapshotHistoryWindowInSeconds there."
            )
            raise Unavailable(words) from error
        raise


def archives(store: Store) -> list[str]:
    """The ids of all archives that have a manifest, oldest first."""
    return sorted(name.removesuffix(f"/{MANIFEST}") for name in store.names() if name.endswith(f"/{MANIFEST}"))


def content_of(collection: Collection[Record]) -> tuple[int, str]:
    """Number and SHA-256 of the documents in the order of their ids: what an archive's `raw_sha256` is compared to."""
    count, raw = DocumentCount(), Tally()
    with translated(), without_timeout():
        batches = cast(Iterable[bytes], collection.find_raw_batches(sort=[("_id", ASCENDING)]))
        for _chunk in raw.over(count.over(batches)):
            pass
    return count.count, raw.sha256


def _collections(database: Database[Record], leave_out: set[str]) -> list[str]:
    found = database.list_collections(filter={"type": "collection"})
    return sorted(
        each["name"] for each in found if not each["name"].startswith("system.") and each["name"] not in leave_out
    )


def _options(database: Database[Record], name: str) -> Record:
    (found,) = database.list_collections(filter={"name": name})
    options: Record = found.get("options", {})
    return {key: value for key, value in options.items() if key != "uuid"}


def _indexes(collection: Collection[Record]) -> list[Record]:
    found = (dict(each) for each in collection.list_indexes())
    return [{key: value for key, value in each.items() if key not in {"v", "ns"}} for each in found]


def _made(database: Database[Record], name: str, file: CollectionFile) -> Collection[Record]:
    database.command("create", name, **json_util.loads(file.options))
    return database[name]


def _index(collection: Collection[Record], file: CollectionFile) -> None:
    wanted = [each for each in json_util.loads(file.indexes) if each["name"] != "_id_"]
    if wanted:
        collection.database.command("createIndexes", collection.name, indexes=wanted)


def _inserted(collection: Collection[Record], found: Iterator[RawBSONDocument]) -> Iterator[int]:
    done = 0
    batch: list[RawBSONDocument] = []
    for document in found:
        batch.append(document)
        if len(batch) == _BATCH_DOCUMENTS:
            done += _insert(collection, batch)
            yield done
            batch = []
    yield done + _insert(collection, batch)


def _insert(collection: Collection[Record], batch: Sequence[RawBSONDocument]) -> int:
    if batch:
        collection.insert_many(batch, ordered=False)
    return len(batch)


def _reported(
    chunks: Iterable[bytes], count: DocumentCount, name: str, expected: int, on_progress: Progress
) -> Iterator[bytes]:
    for chunk in chunks:
        on_progress(name, count.count, max(expected, count.count))
        yield chunk
