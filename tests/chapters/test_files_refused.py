"""Chapter files that are refused whole: foreign, broken, too large, or made to do harm."""

import io
import json
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from secrets import token_bytes

import pytest

from backend.chapters.files import parse
from backend.chapters.models import MAX_FILE_BYTES, MAX_ROWS
from backend.errors import TooLarge
from tests.chapters.files import (
    HEADER,
    ITEM,
    LINE,
    OPTICS,
    TABLE,
    refusal,
    sheet_part,
    workbook,
)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"Dear school,\nplease find attached\n",
        b"<html><body>Not found</body></html>",
        b"name,email\nA,a@b.c\n",
        b'{"users": [{"name": "A"}]}',
        b'[{"name": "A"}, {"name": "B"}]',
        b"[1, 2, 3]",
        b"[[]]",
        b"12",
        b"null",
        b'"chapters"',
        b"{}",
        b"[" * 9_000 + b"]" * 9_000,
        f"{HEADER}\n{LINE}".encode("utf-16-le"),
        workbook([["name", "email"], ["A", "a@b.c"]]),
        workbook([]),
    ],
)
def test_a_foreign_file_is_refused_with_what_is_expected(content: bytes) -> None:
    """One sentence on what a chapter file is, and no row of problems."""
    refused = refusal(content)
    assert refused.message == (
        "This file does not look like a list of chapters. Expected is a JSON, CSV or XLSX file "
        "with subject, class, unit and chapter and the number of questions of each exam year."
    )
    assert refused.code == "foreign_file"


def test_an_archive_of_something_else_is_foreign() -> None:
    """A zip is not a workbook."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refusal(stream.getvalue(), "x.xlsx").code == "foreign_file"


@pytest.mark.parametrize("content", [b"", b"  \n\t ", b"[]", b'{"chapters": []}', HEADER.encode(), workbook(TABLE[:1])])
def test_a_file_without_chapters_is_refused(content: bytes) -> None:
    """Empty, or a header alone."""
    assert refusal(content).message == "The file has no chapters in it."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            json.dumps([ITEM]).encode()[:-1],
            "The file begins like JSON, but cannot be read as JSON from line 1, column 137.",
        ),
        (b"subject,unit,chapter\nP,U,C", "The file has no column “class”."),
        (b"subject,chapter\nP,C", "The file has no columns “class” and “unit”."),
        (b"subject,class,unit,chapter,chapter\nP,1,U,C,C", "The column “chapter” appears twice."),
        (
            b"subject,class,unit,chapter,Chapter Name\nP,1,U,C,C",
            "The columns “chapter” and “Chapter Name” mean the same. Leave one of them.",
        ),
        (
            b'subject,class,unit,chapter\nP,1,U,"C\n' + b"x" * 200_000,
            "Row 2 does not end: a quotation mark may be open in it, or this is not a table.",
        ),
        (workbook(TABLE)[:-30], "The XLSX file is damaged and cannot be opened."),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
            "This is an Excel file of the old kind, or one with a password. Save it as XLSX without a password.",
        ),
    ],
)
def test_a_broken_file_is_refused_with_the_place_or_the_cure(content: bytes, words: str) -> None:
    """What the person can look for or do."""
    assert refusal(content, "x.json").message == words


def test_a_file_above_the_limit_is_too_large() -> None:
    """50 MB are looked at, one byte more is not."""
    with pytest.raises(TooLarge) as refused:
        parse("x.csv", bytes(MAX_FILE_BYTES + 1))
    assert refused.value.message == "The file is larger than 50 MB. Split it."


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_twenty_thousand_rows_are_the_most(form: str, extra: int) -> None:
    """The last allowed row is read, one more refuses the file."""
    names = [f"C{number}" for number in range(MAX_ROWS + extra)]
    if form == "csv":
        content = "\n".join(["subject,class,unit,chapter", *(f"P,11,U,{name}" for name in names)]).encode()
    else:
        content = json.dumps([{**OPTICS, "chapter": name} for name in names]).encode()
    if extra:
        assert refusal(content).message == "The file has more than 20,000 rows. Split it."
    else:
        assert len(parse("x", content).rows) == MAX_ROWS


ROOT = Path(__file__).parents[2]
ENDLESS = (
    (b"Physics,11,U,C,1,2\n", f"{HEADER}\n".encode(), b""),
    (b"\n", f"{HEADER}\n".encode(), b""),
    (b'"\n",', f"{HEADER}\n".encode(), b""),
    (b",", b"", b""),
    (b"{},", b"[", b"{}]"),
    (b"[", b"", b""),
    (b"a", b'["', b'"]'),
    (b" ", b"", b"[]"),
    (b"1,", b"[", b"1]"),
)


def endless(pattern: bytes, head: bytes, tail: bytes) -> bytes:
    """A file of the largest size, full of one pattern."""
    return head + pattern * ((MAX_FILE_BYTES - len(head) - len(tail)) // len(pattern)) + tail


@pytest.mark.parametrize("parts", ENDLESS)
def test_fifty_megabytes_of_anything_are_answered_soon(parts: tuple[bytes, bytes, bytes]) -> None:
    """The worst cases for a reader (endless rows, cells, brackets, one long text) take seconds at most."""
    content = endless(*parts)
    began = time.monotonic()
    refusal(content)
    assert time.monotonic() - began < 10


def test_fifty_megabytes_of_anything_fit_in_bounded_memory() -> None:
    """A process that may have 700 MB in all (the file and Python included) answers every worst case."""
    script = (
        "import resource, sys\n"
        "from backend.errors import Invalid\n"
        "from tests.chapters.test_files_refused import ENDLESS, endless, parse\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))\n"
        "for parts in ENDLESS:\n"
        "    try:\n"
        "        parse('x', endless(*parts))\n"
        "    except Invalid:\n"
        "        continue\n"
        "    sys.exit('taken')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]


def test_a_cell_in_the_far_corner_costs_nothing() -> None:
    """Memory is used for the cells that exist, not for the area that they span."""
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert refusal(workbook(TABLE, parts=sheet_part(cells))).code == "foreign_file"


@pytest.mark.parametrize("text", [b"a", b" ", b"{"])
def test_a_text_that_many_cells_share_is_neither_copied_nor_read_again(text: bytes) -> None:
    """A megabyte that 20,000 cells refer to takes no more processor time than a letter; each row has its problem."""
    assert seconds_for_shared(text * 1_000_000) < 3 * seconds_for_shared(text) + 1


def seconds_for_shared(text: bytes, count: int = 4_000) -> float:
    """The processor time for a sheet of `count` rows in each of which five cells refer to this one text."""
    header = [*HEADER.split(",")[:4], "yearWiseQuestionCount", "status"]
    head = "".join(f'<c t="str"><v>{name}</v></c>' for name in header)
    row = "<row><c><v>1</v></c>" + '<c t="s"><v>0</v></c>' * 5 + "</row>"
    texts = b"<sst><si><t xml:space='preserve'>" + text + b"</t></si></sst>"
    parts = {**sheet_part(f"<row>{head}</row>{row * count}"), "xl/sharedStrings.xml": texts}
    file = workbook(TABLE, parts=parts)
    began = time.process_time()
    rows = parse("x.xlsx", file).rows
    seconds = time.process_time() - began
    assert len(rows) == count
    assert all(row.problem for row in rows) or len(text) == 1
    return seconds


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked() -> None:
    """The sizes that it declares are looked at first."""
    with pytest.raises(TooLarge):
        parse("x.xlsx", workbook(TABLE, parts={"xl/media/zeros.bin": bytes(40_000_000)}))


def test_an_archive_of_thousands_of_parts_is_not_opened() -> None:
    """A workbook has a few dozen parts; listing a million of them would take long."""
    with pytest.raises(TooLarge):
        parse("x.xlsx", workbook(TABLE, parts={f"{number}.xml": b"" for number in range(2_000)}))


def test_a_lying_archive_gives_no_more_than_it_declares() -> None:
    """A part that is larger than the archive says is refused as damaged."""
    content = bytearray(workbook(TABLE, parts={"xl/worksheets/sheet1.xml": b" " * 5_000_000}))
    size = struct.pack("<I", 5_000_000)
    assert content.count(size) == 2
    assert refusal(bytes(content.replace(size, struct.pack("<I", 500)))).code in {"broken_xlsx", "foreign_file"}


GOOD = "".join(f'<c t="str"><v>{name}</v></c>' for name in ("subject", "class", "unit", "chapter"))
WIDE = "<col min='1' max='16383' hidden='1'/>"
ROW = "".join(f'<c t="str"><v>{name}</v></c>' for name in ("Physics", "11", "Optics", "Ray Optics"))
GOOD_ROWS = f"<row>{GOOD}</row><row>{ROW}</row>"


def test_a_sheet_written_by_hand_is_read() -> None:
    """The sheets of the next test are refused for their one fault only."""
    assert len(parse("x.xlsx", workbook(TABLE, parts=sheet_part(GOOD_ROWS))).rows) == 1


@pytest.mark.parametrize(
    "sheet",
    [
        f'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>{GOOD_ROWS}</worksheet>',
        f"<worksheet>{GOOD_ROWS}<row r='3' {' ' * 30_000_000}></row></worksheet>",
        f"<worksheet>{GOOD_ROWS}<row r='one'></row></worksheet>",
        f"<worksheet>{GOOD_ROWS}<row><c r='XFE1'><v>1</v></c></row></worksheet>",
        f"<worksheet>{GOOD_ROWS}<row><c t='s'><v>99</v></c></row></worksheet>",
        f"<worksheet>{GOOD_ROWS}",
        f"<worksheet><cols>{WIDE * 20_000}</cols>{GOOD_ROWS}</worksheet>",
        f"<worksheet><cols><col min='1' max='99999999999' hidden='1'/></cols>{GOOD_ROWS}</worksheet>",
        f"<worksheet>{GOOD_ROWS}<mergeCells><mergeCell ref='A'/></mergeCells></worksheet>",
    ],
    ids=[
        "entities",
        "endless tag",
        "no row",
        "no column",
        "no text",
        "no end",
        "many columns",
        "wide column",
        "no range",
    ],
)
def test_a_malicious_or_broken_sheet_is_refused(sheet: str) -> None:
    """Entities, endless tags, places and texts that do not exist: the file is called damaged."""
    parts = {"xl/media/picture.bin": token_bytes(200_000), "xl/worksheets/sheet1.xml": sheet.encode()}
    assert refusal(workbook(TABLE, parts=parts)).code == "broken_xlsx"


def test_more_cells_than_can_be_read_are_refused() -> None:
    """Endless cells in one row end at a limit, not at the end of memory."""
    cells = sheet_part(GOOD_ROWS + "<row>" + "<c/>" * 4_000_000 + "</row>")
    refused = refusal(workbook(TABLE, parts={**cells, "xl/media/picture.bin": token_bytes(200_000)}))
    assert refused.message == "The XLSX file has more cells than can be read. Save only the sheet with the chapters."
