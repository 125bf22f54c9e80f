"""A sealed file is an age file: opened by its key alone, under its own name, whole; old ones are still read."""

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.database import Database

from backend import backup
from backend.kit.archive import Archive, FolderStore, archives
from backend.kit.archive.journal import Journal, segments
from backend.kit.archive.sealing import identity, sealed, unsealed
from backend.kit.archive.streams import Damaged, compressed, decompressed
from tests.waiting import until

SECRET, NAME = "a key that nobody guesses", "day/users.bson.zst"
CONTENT = bytes(range(256)) * 1000  # four pieces of age
OLD = Path(__file__).parent / "sealed_before_age.tar.xz"
"""A backup of 3,000 documents and a file of the journal, sealed with SECRET by the last version before age."""


def written(content: bytes = CONTENT) -> bytes:
    return b"".join(sealed([content], SECRET, NAME))


SEALED = written()


def opened(content: bytes, *, secret: str = SECRET, name: str = NAME) -> bytes:
    return b"".join(unsealed([content], secret, name))


@given(st.lists(st.binary(max_size=200_000), max_size=4), st.integers(1, 70_000))
def test_what_was_sealed_comes_back(chunks: list[bytes], piece: int) -> None:
    """In whatever pieces it was written, and is read."""
    content = b"".join(sealed(compressed(chunks), SECRET, NAME))
    pieces = [content[at : at + piece] for at in range(0, len(content), piece)]
    assert b"".join(decompressed(unsealed(pieces, SECRET, NAME))) == b"".join(chunks)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    """Wherever it is, in the head or in the content."""
    with pytest.raises(Damaged):
        opened(SEALED[:place] + bytes([SEALED[place] ^ change]) + SEALED[place + 1 :])


@given(st.integers(0, len(SEALED) - 1))
def test_no_end_can_be_cut_off(place: int) -> None:
    """Not even where a piece of age ends."""
    with pytest.raises(Damaged):
        opened(SEALED[:place])


def test_it_is_bound_to_its_name_and_its_key() -> None:
    """Longer, under another name or with another key it is damaged."""
    assert opened(SEALED) == CONTENT
    with pytest.raises(Damaged):
        opened(SEALED + b"x")
    with pytest.raises(Damaged, match="another file"):
        opened(SEALED, name="day/chapters.bson.zst")
    with pytest.raises(Damaged, match="another key"):
        opened(SEALED, secret="another secret")


def test_an_error_of_the_source_is_told_as_it_is() -> None:
    """A database that goes away in the middle is no damage; and whoever reads no further leaves no thread behind."""

    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise LookupError("the database went away")

    with pytest.raises(LookupError, match="went away"):
        list(sealed(broken(), SECRET, NAME))
    reading = unsealed([SEALED], SECRET, NAME)
    next(reading)
    del reading
    until(lambda: not [each for each in threading.enumerate() if each.name.startswith("sealing")])


@pytest.mark.skipif(not (shutil.which("age") and shutil.which("zstd")), reason="age and zstd are not installed here")
@pytest.mark.parametrize("secret", [SECRET, identity(SECRET), identity(SECRET).lower()])
def test_the_stock_program_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    """With the key that `python -m backend.backup key` prints, as docs/operations.md says."""
    monkeypatch.setenv("BACKUP_KEY", secret)
    assert backup.main(["key"]) == 0
    (tmp_path / "key.txt").write_text(capsys.readouterr().out)
    (tmp_path / "users.bson.zst").write_bytes(b"".join(sealed(compressed([CONTENT]), secret, NAME)))
    command = ["sh", "-c", "age -d -i key.txt users.bson.zst | zstd -d"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == CONTENT


def test_without_a_key_none_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence says that nothing is sealed; an identity with a mistake in it is refused by its name."""
    monkeypatch.delenv("BACKUP_KEY", raising=False)
    assert backup.main(["key"]) == 1
    assert "not sealed" in capsys.readouterr().err
    monkeypatch.setenv("BACKUP_KEY", identity(SECRET)[:-1])
    with pytest.raises(SystemExit):
        backup.main(["key"])
    assert "BACKUP_KEY: is no whole age identity" in capsys.readouterr().err


@pytest.fixture
def old(tmp_path: Path) -> FolderStore:
    with tarfile.open(OLD) as packed:
        packed.extractall(tmp_path, filter="data")
    return FolderStore(tmp_path)


def test_what_was_sealed_before_age_is_read(old: FolderStore, tmp_path: Path) -> None:
    """Archive and journal, with the key of their time; any cut or changed one of them is damaged."""
    (archive_id,) = archives(old)
    manifest = Archive(old, archive_id, SECRET).verify()
    assert (manifest.documents, manifest.format) == (3000, 1)
    (segment,) = segments(old)
    journal = Journal(Database.__new__(Database), old, SECRET, leave_out=())
    assert [each["fullDocument"]["name"] for each in journal.read(segment)] == ["Later"]

    file = f"{archive_id}/users.bson.zst"
    content = (tmp_path / file).read_bytes()
    assert b"".join(decompressed(unsealed([content], SECRET, file)))
    longest = (1 << 20).to_bytes(4, "little")
    for other in (content[:-1], content[:30], content + b"x", content[:60] + b"?" + content[61:]):
        with pytest.raises(Damaged):
            opened(other, name=file)
    with pytest.raises(Damaged, match="too long"):
        opened(content[:20] + longest + content[24:], name=file)
    with pytest.raises(Damaged, match="another key"):
        opened(content, name=file, secret="another secret")
    with pytest.raises(Damaged, match="another key"):
        opened(content, name="day/users.bson.zst")
