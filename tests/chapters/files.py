"""Chapter files for the tests of reading and writing: texts, workbooks, and drafts as hypothesis strategies."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence

import pytest
import xlsxwriter  # type: ignore[import-untyped] # publishes no types
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from backend.chapters.files import parse
from backend.chapters.models import MAX_QUESTIONS, STATUSES, ChapterDraft, FileRow, OwnProgress
from backend.chapters.names import class_name
from backend.errors import Invalid
from backend.kit.unicode_text import shows_something, tidied, unwritable

HEADER = "subject,class,unit,chapter,2019,2020"
OPTICS = {"subject": "Physics", "class": "Class 12", "unit": "Optics", "chapter": "Ray Optics"}
RAY = ChapterDraft(
    subject="Physics",
    class_="Class 12",
    unit="Optics",
    chapter="Ray Optics",
    year_wise_question_count={"2019": 3, "2020": 6},
)
LINE = "Physics,Class 12,Optics,Ray Optics,3,6"
TABLE: list[list[object]] = [[*HEADER.split(",")], ["Physics", "Class 12", "Optics", "Ray Optics", 3, 6]]
ITEM = {**OPTICS, "yearWiseQuestionCount": {"2019": 3, "2020": 6}}
# A busy machine is no failure: what takes too long is measured in test_files_refused.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_SHEET_HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def json_rows(*items: object) -> tuple[FileRow, ...]:
    return parse("chapters.json", json.dumps(list(items)).encode()).rows


def csv_rows(*lines: str, header: str = HEADER) -> tuple[FileRow, ...]:
    return parse("chapters.csv", "\n".join([header, *lines]).encode()).rows


def one(rows: Sequence[FileRow]) -> ChapterDraft:
    """The draft of the only row."""
    (row,) = rows
    assert row.draft is not None, row.problem
    return row.draft


def problem(rows: Sequence[FileRow]) -> str:
    """The problem of the only row."""
    (row,) = rows
    assert row.problem is not None
    assert row.draft is None
    return row.problem


def refusal(content: bytes, name: str = "chapters") -> Invalid:
    """How the file is refused."""
    with pytest.raises(Invalid) as refused:
        parse(name, content)
    return refused.value


def workbook(*sheets: Iterable[Sequence[object]], parts: Mapping[str, bytes] | None = None) -> bytes:
    """An XLSX file with these sheets; texts that begin with "=" are formulas. `parts` replaces or adds parts."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    for rows in sheets:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    book.close()
    return with_parts(stream.getvalue(), parts or {})


def with_parts(content: bytes, parts: Mapping[str, bytes]) -> bytes:
    """The archive with some of its parts replaced or added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, part in parts.items():
            new.writestr(name, part)
    return stream.getvalue()


def sheet_part(cells: str) -> dict[str, bytes]:
    """The first sheet, written by hand."""
    return {"xl/worksheets/sheet1.xml": f"{_SHEET_HEAD}{cells}</sheetData></worksheet>".encode()}


def names(limit: int) -> st.SearchStrategy[str]:
    """Every name that a chapter may have, formulas and quotes among them."""
    anything = st.one_of(
        st.text(min_size=1, max_size=limit), st.text("'=+-@,;\"\t_x0041 é", min_size=1, max_size=limit)
    )
    return anything.map(tidied).filter(
        lambda name: len(name) <= limit and name[:1] not in ("", "#") and not unwritable(name) and shows_something(name)
    )


DRAFTS = st.builds(
    ChapterDraft,
    subject=names(60),
    class_=names(60).map(class_name).filter(lambda name: any(char.isalpha() for char in name) and len(name) <= 60),
    unit=names(160),
    chapter=names(160),
    year_wise_question_count=st.dictionaries(
        st.integers(1990, 2100).map(str), st.integers(0, MAX_QUESTIONS), max_size=8
    ).map(lambda counts: dict(sorted(counts.items()))),
)
OWN = st.builds(
    OwnProgress,
    status=st.sampled_from(STATUSES),
    question_solved=st.integers(0, 500),
    is_weak_chapter=st.booleans(),
).filter(lambda own: own.status != "Not Started" or own.question_solved == 0)
