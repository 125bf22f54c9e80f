"""An archive: what comes out is what was put in, at one moment, and any damage to it is told."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson.raw_bson import RawBSONDocument
from hypothesis import given
from hypothesis import strategies as st
from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from backend.kit.archive import Archive, Damaged, FolderStore, Manifest, StoreFailed, archives, content_of
from backend.kit.archive.streams import documents
from backend.kit.clock import SystemClock
from backend.kit.embedded import Servers
from backend.kit.mongo.client import Mongo

SECRET = "a key that nobody guesses"
ID = "2026-11-22T02-00-00Z-abcd"


@pytest.fixture
def mongo(servers: Servers) -> Iterator[Mongo]:
    """A database of its own."""
    opened = Mongo(str(servers.mongodb_uri), f"test_{uuid4().hex[:12]}")
    yield opened
    opened.client.drop_database(opened.database.name)
    opened.client.drop_database(f"{opened.database.name}_copy")
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "backups")


def filled(mongo: Mongo, count: int = 5000) -> Database[dict[str, Any]]:
    """Two collections, with a unique and a text index."""
    mongo["people"].create_indexes([IndexModel([("email", ASCENDING)], name="email", unique=True)])
    mongo["people"].insert_many([{"_id": f"{number:06}", "email": f"{number}@example.org"} for number in range(count)])
    mongo["chapters"].create_indexes([IndexModel([("name", "text")], name="words", weights={"name": 10})])
    mongo["chapters"].insert_one({"_id": 1, "name": "Thermodynamics", "counts": {"2024": 3}})
    return mongo.database


def taken(store: FolderStore, database: Database[dict[str, Any]], secret: str | None = None) -> Manifest:
    archive = Archive(store, ID, secret)
    return archive.take(database, leave_out={"sessions"}, app_version="1", taken_at=SystemClock().now())


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_loaded_archive_is_the_database(mongo: Mongo, store: FolderStore, secret: str | None) -> None:
    """Documents byte for byte, options and indexes come back; what is left out stays out."""
    database = filled(mongo)
    mongo["sessions"].insert_one({"_id": "ended"})
    manifest = taken(store, database, secret)
    copy = mongo.client.get_database(f"{database.name}_copy")
    Archive(store, ID, secret).load(copy)
    assert set(copy.list_collection_names()) == {"people", "chapters"}
    for file in manifest.collections:
        assert content_of(copy[file.name]) == content_of(database[file.name]) == (file.documents, file.raw_sha256)
        assert copy[file.name].index_information() == database[file.name].index_information()
    assert manifest.documents == 5001


def test_an_archive_is_of_one_moment(mongo: Mongo, store: FolderStore) -> None:
    """While money moves between accounts in transactions, the sum in the archive is exact, and so is its time."""
    mongo["accounts"].insert_many([{"_id": number, "has": 100} for number in range(400)])
    mongo["ledger"].insert_many([{"_id": number, "has": 0} for number in range(400)])
    stop = threading.Event()

    def move_one(session: Any, number: int) -> None:
        mongo["accounts"].update_one({"_id": number}, {"$inc": {"has": -1}}, session=session)
        mongo["ledger"].update_one({"_id": 399 - number}, {"$inc": {"has": 1}}, session=session)

    def move() -> None:
        number = 0
        while not stop.is_set():
            number = (number + 1) % 400
            mongo.transaction(partial(move_one, number=number))

    movers = [threading.Thread(target=move) for _ in range(2)]
    for each in movers:
        each.start()
    try:
        manifest = taken(store, mongo.database)
    finally:
        stop.set()
        for each in movers:
            each.join()
    archive = Archive(store, ID)
    found = [document["has"] for file in manifest.collections for document in archive.documents(file)]
    assert sum(found) == 400 * 100
    assert manifest.cluster_time > (0, 0)


@pytest.mark.parametrize("secret", [None, SECRET])
@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "longer", "exchanged"])
def test_any_damage_is_told(mongo: Mongo, store: FolderStore, tmp_path: Path, damage: str, secret: str | None) -> None:
    """A flipped bit, a cut, missing, longer or exchanged file: verify refuses, and load before it ends."""
    taken(store, filled(mongo, 100), secret)
    file = tmp_path / "backups" / ID / "people.bson.zst"
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    elif damage == "cut":
        del content[-3:]
    elif damage == "longer":
        content += b"more"
    elif damage == "exchanged":
        content = bytearray((tmp_path / "backups" / ID / "chapters.bson.zst").read_bytes())
    file.write_bytes(content)
    if damage == "missing":
        file.unlink()
    with pytest.raises(Damaged, match=r"people\.bson\.zst"):
        Archive(store, ID, secret).verify()
    with pytest.raises(Damaged):
        Archive(store, ID, secret).load(mongo.client.get_database(f"{mongo.database.name}_copy"))


def test_a_sealed_archive_needs_its_key(mongo: Mongo, store: FolderStore, tmp_path: Path) -> None:
    """Sealed files hold no word of the content; another key, or none, opens nothing."""
    taken(store, filled(mongo, 10), SECRET)
    assert b"example.org" not in (tmp_path / "backups" / ID / "people.bson.zst").read_bytes()
    for wrong in ("another key entirely", None):
        with pytest.raises(Damaged):
            Archive(store, ID, wrong).verify()


def test_without_its_manifest_it_is_no_archive(mongo: Mongo, store: FolderStore, tmp_path: Path) -> None:
    """An archive whose taking broke off is not listed, and deleting leaves nothing."""
    taken(store, filled(mongo, 10))
    assert archives(store) == [ID]
    (tmp_path / "backups" / ID / "manifest.json").unlink()
    assert archives(store) == []
    Archive(store, ID).delete()
    assert store.names() == []


def test_a_file_is_whole_or_not_there(store: FolderStore) -> None:
    """A write that breaks off leaves no file, nor a rest of one."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreFailed, match="No space left"):
        store.write("a/b", broken())
    assert store.names() == []


def test_names_lead_nowhere_else(store: FolderStore) -> None:
    """A name cannot leave the folder."""
    with pytest.raises(ValueError, match="leads out"):
        store.write("../outside", [b""])


@given(st.binary(max_size=200))
def test_no_bytes_are_documents_by_accident(content: bytes) -> None:
    """Bytes that are no documents end in Damaged, or in documents of exactly those bytes; never in another error."""
    try:
        found: list[RawBSONDocument] = list(documents([content]))
    except Damaged:
        return
    assert b"".join(each.raw for each in found) == content
