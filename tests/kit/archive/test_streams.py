"""What becomes of bytes on the way to a store and back: the same, or an error; never something else."""

import bson
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kit.archive.manifest import FORMAT, Manifest, decoded, encoded
from backend.kit.archive.streams import Damaged, compressed, decompressed, documents
from tests.school import NOON

CHUNKS = st.lists(st.binary(max_size=200), max_size=8)


@given(chunks=CHUNKS)
def test_what_was_compressed_comes_back(chunks: list[bytes]) -> None:
    """In whatever pieces it was written."""
    assert b"".join(decompressed(compressed(chunks))) == b"".join(chunks)


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
