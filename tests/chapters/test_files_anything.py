"""Whatever bytes come as a chapter file, the answer is rows or a refusal in words."""

import io
import json
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.draft import checked
from backend.chapters.files import parse
from backend.errors import AppError
from tests.chapters.files import (
    HEADER,
    OPTICS,
    TABLE,
    UNHURRIED,
    with_parts,
    workbook,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OWN_KEYS = ("status", "questionSolved", "isWeakChapter")
KEYS = st.sampled_from([*OPTICS, *OWN_KEYS, "yearWiseQuestionCount", "2019", "Year 20"])
ITEMS = st.dictionaries(KEYS, VALUES | st.dictionaries(st.sampled_from(["2019", "1", "2020"]), VALUES))


def answered(name: str, content: bytes) -> None:
    """The file is read, or refused by an AppError; what is read can be sent, and the form would take it unchanged."""
    try:
        file = parse(name, content)
    except AppError as error:
        error.message.encode()
        return
    for row in file.rows:
        assert (row.draft is None) != (row.problem is None)
        " ".join([row.problem or "", *row.notes, *file.ignored_fields]).encode()
        if row.draft is not None:
            assert checked(row.draft) == row.draft


@UNHURRIED
@given(st.binary(max_size=400), st.sampled_from(["x.json", "x.csv", "x.xlsx", ""]))
def test_any_bytes_are_answered(content: bytes, name: str) -> None:
    """No file brings anything but rows or a refusal in words."""
    answered(name, content)


@UNHURRIED
@given(st.sampled_from([b"PK\x03\x04", b"[", b"[{", b"\xff\xfe", b"\xef\xbb\xbf", b"subject,chapter\n"]), st.binary())
def test_any_bytes_after_a_known_beginning_are_answered(beginning: bytes, rest: bytes) -> None:
    """Nor does a file that begins like one of ours."""
    answered("x", beginning + rest)


@UNHURRIED
@given(st.lists(ITEMS | VALUES, max_size=4) | VALUES)
def test_any_json_is_answered(value: object) -> None:
    """Whatever stands under our keys."""
    answered("x.json", json.dumps(value).encode())


@UNHURRIED
@given(st.lists(st.lists(st.text(max_size=12), min_size=6, max_size=7), max_size=4), st.sampled_from(",;\t"))
def test_any_table_is_answered(rows: list[list[str]], delimiter: str) -> None:
    """Whatever stands in the cells under our header."""
    lines = [HEADER.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
    answered("x.csv", "\n".join(lines).encode("utf-8", "ignore"))


WORKBOOK = workbook(TABLE)
PARTS = zipfile.ZipFile(io.BytesIO(WORKBOOK)).namelist()


@UNHURRIED
@given(st.lists(st.tuples(st.integers(0, len(WORKBOOK) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_any_damaged_workbook_is_answered(changes: list[tuple[int, int]]) -> None:
    """Bytes changed anywhere in the archive."""
    content = bytearray(WORKBOOK)
    for at, value in changes:
        content[at] = value
    answered("x.xlsx", bytes(content))


@UNHURRIED
@given(st.sampled_from(PARTS), st.data())
def test_any_damaged_part_is_answered(name: str, data: st.DataObject) -> None:
    """Bytes changed in a part of a sound archive."""
    part = bytearray(zipfile.ZipFile(io.BytesIO(WORKBOOK)).read(name))
    at = data.draw(st.integers(0, len(part) - 1))
    part[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    answered("x.xlsx", with_parts(WORKBOOK, {name: bytes(part)}))
