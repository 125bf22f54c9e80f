"""What becomes of bytes on the way to a store and back: the same, or an error; never something else."""

import bson
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kit.archive import streams
from backend.kit.archive.manifest import FORMAT, Manifest, decoded, encoded
from backend.kit.archive.streams import Damaged, compressed, decompressed, documents, sealed, unsealed
from tests.school import NOON

SECRET, NAME = "a secret of this test", "day/users.bson.zst"
CHUNKS = st.lists(st.binary(max_size=200), max_size=8)


@pytest.fixture(autouse=True)
def short_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of 64 bytes, so that a few hundred bytes make several."""
    monkeypatch.setattr(streams, "_FRAME_BYTES", 64)


def unsealed_of(content: bytes, *, secret: str = SECRET, name: str = NAME) -> bytes:
    return b"".join(unsealed([content], secret, name))


def frames_of(content: bytes) -> tuple[bytes, list[bytes]]:
    """The head of a sealed file, and its frames."""
    head, rest = content[:20], content[20:]
    frames = []
    while rest:
        end = 4 + abs(int.from_bytes(rest[:4], "little", signed=True))
        frames.append(rest[:end])
        rest = rest[end:]
    return head, frames


@given(chunks=CHUNKS)
def test_what_was_sealed_and_compressed_comes_back(chunks: list[bytes]) -> None:
    """In whatever pieces it was written."""
    content = b"".join(sealed(compressed(chunks), SECRET, NAME))
    assert b"".join(decompressed(unsealed([content], SECRET, NAME))) == b"".join(chunks)


def test_a_sealed_file_bears_no_change() -> None:
    """Cut off, gone on, its frames moved or left out, under another name or another key: it is damaged."""
    content = b"".join(sealed([b"x" * 200], SECRET, NAME))
    head, frames = frames_of(content)
    assert len(frames) == 4
    assert unsealed_of(content) == b"x" * 200
    for other in (
        content[:-1],
        content + b"x",
        content + frames[-1],
        head + b"".join([frames[1], frames[0], *frames[2:]]),
        head + b"".join(frames[1:]),
        head + b"".join(frames[:-1]),
        content[:30] + bytes([content[30] ^ 1]) + content[31:],
        b"CPS2" + content[4:],
    ):
        with pytest.raises(Damaged):
            unsealed_of(other)
    with pytest.raises(Damaged):
        unsealed_of(content, name="day/chapters.bson.zst")
    with pytest.raises(Damaged):
        unsealed_of(content, secret="another secret")


def test_a_compressed_file_bears_no_change() -> None:
    """Cut off, gone on or changed: it is damaged."""
    content = b"".join(compressed([b"x" * 200, b"y" * 200]))
    for pieces in (
        [content[:-1]],
        [content, b"more"],
        [content + b"more"],
        [content[:9], bytes([content[9] ^ 255]) + content[10:]],
    ):
        with pytest.raises(Damaged):
            list(decompressed(pieces))


@given(pieces=st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_documents_are_whole_however_they_are_cut(pieces: list[int]) -> None:
    """A document may begin in one piece and end in a later one."""
    written = b"".join(bson.encode({"number": number}) for number in range(8))
    chunks: list[bytes] = []
    place = 0
    while place < len(written):
        size = pieces[len(chunks) % len(pieces)]
        chunks.append(written[place : place + size])
        place += size
    assert [bson.decode(each.raw)["number"] for each in documents(chunks)] == list(range(8))


@pytest.mark.parametrize("content", [b"\x04\x00\x00\x00", b"\xff\xff\xff\xff" + b"x" * 9, bson.encode({"a": 1})[:-1]])
def test_a_document_that_cannot_be_is_damage(content: bytes) -> None:
    """A length below that of an empty document, a negative one, and a last document that is cut off."""
    with pytest.raises(Damaged):
        list(documents([content]))


def test_an_archive_of_a_later_version_is_refused() -> None:
    """What a later version wrote may mean something else; what was cut off means nothing."""
    manifest = Manifest(
        format=FORMAT,
        id="one",
        taken_at=NOON,
        seconds=1.0,
        app_version="1",
        server_version="6",
        database="school",
        cluster_time=(1, 1),
        is_sealed=True,
        collections=(),
    )
    assert decoded(encoded(manifest)) == manifest
    with pytest.raises(ValueError, match="format"):
        decoded(encoded(msgspec.structs.replace(manifest, format=FORMAT + 1)))
    with pytest.raises(ValueError, match="truncated"):
        decoded(encoded(manifest)[:-9])
