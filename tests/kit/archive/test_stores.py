"""The store in a folder: whatever the system says, its callers hear of a store that failed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.kit.archive import FolderStore, StoreFailed


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    (tmp_path / "file").write_text("a file where a folder should be")
    return FolderStore(tmp_path)


def test_what_cannot_be_read_is_a_failure_of_the_store(store: FolderStore) -> None:
    """A path that leads through a file is no missing file: whoever asks must not take it for one."""
    with pytest.raises(StoreFailed):
        list(store.read("file/manifest.json"))
    with pytest.raises(FileNotFoundError):
        list(store.read("nothing/manifest.json"))


def test_what_cannot_be_written_is_a_failure_of_the_store(store: FolderStore, tmp_path: Path) -> None:
    """Nor can anything be kept below a file, and nothing unfinished stays behind."""
    with pytest.raises(StoreFailed):
        store.write("file/manifest.json", [b"{}"])
    assert [each.name for each in tmp_path.rglob("*")] == ["file"]


def test_what_fails_on_the_way_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    """Where the bytes end in an error, no part of the file is there, under any name."""

    def cut_off() -> Iterator[bytes]:
        yield b"half"
        raise LookupError

    with pytest.raises(LookupError):
        store.write("day/users.zst", cut_off())
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["file"]


def test_what_a_killed_writer_left_is_known_and_forgotten(store: FolderStore, tmp_path: Path) -> None:
    """Its name is told, finished files beside it stay, and with the last unfinished one its folder goes."""
    store.write("one/users.bson.zst", [b"whole"])
    for name in ("one/chapters.bson.zst", "two/users.bson.zst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.0a1b2c3d.part").write_bytes(b"half")
    assert store.unfinished() == ["one/chapters.bson.zst", "two/users.bson.zst"]
    assert store.names() == ["file", "one/users.bson.zst"]
    store.forget_unfinished("", datetime.now(UTC) - timedelta(hours=1))
    assert len(store.unfinished()) == 2
    store.forget_unfinished("two/", datetime.now(UTC) + timedelta(hours=1))
    assert store.unfinished() == ["one/chapters.bson.zst"]
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "day/../../outside"])
def test_no_name_leads_out_of_the_folder(store: FolderStore, name: str) -> None:
    """A name that leads elsewhere is refused before anything is touched."""
    with pytest.raises(ValueError, match="leads out"):
        store.write(name, [b"x"])
    with pytest.raises(ValueError, match="leads out"):
        list(store.read(name))
    with pytest.raises(ValueError, match="leads out"):
        store.delete(name)
