"""CSV that nobody's spreadsheet calculates, whatever it splits lines at, and that reads back as it was."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.kit.csv_cells import content, guarded, unguarded

ROOT = Path(__file__).resolve().parent.parent.parent
SIGNS = "=+-@\t\r＝＋－＠"
TEXTS = st.text(st.sampled_from("=+-@＝＋－＠;,\t\r\n'\" \u00a0|a1é") | st.characters(codec="utf-8"), max_size=12)


@given(TEXTS)
@example("'=1")
@example('a;"=1')
@example("\t=1")
@example("' '-x")
def test_a_text_reads_back_as_it_was(text: str) -> None:
    """Whatever stands in a cell, its guards come off again and nothing else."""
    assert unguarded(guarded(text)) == text


@given(st.lists(TEXTS, min_size=1, max_size=4))
@example(["a;=1+1"])
@example(["a\n=1"])
@example(['a;"=1'])
@example(["x", "b;\u00a0=1", "c\t+1"])
def test_no_cell_begins_as_a_formula_however_a_line_is_split(row: list[str]) -> None:
    """At commas, semicolons or tabs, with regard to quotation marks or without: no cell begins with a sign."""
    text = content([row]).decode("utf-8-sig")
    for delimiter in ",;\t":
        cells = [cell for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in line]
        if delimiter != ",":  # without regard to quotation marks a comma inside of them would split
            cells += [cell for line in re.split(r"[\r\n]+", text) for cell in line.split(delimiter)]
        # A line break at the end of a quoted cell begins a cell of nothing where quotation marks are not heeded.
        assert not [cell for cell in cells if cell.lstrip(' \u00a0"\r\n').startswith(tuple(SIGNS))]


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_row_reads_back_as_it_was(row: list[str]) -> None:
    """What we write we read: cell by cell the same texts."""
    read = next(csv.reader(io.StringIO(content([row]).decode("utf-8-sig"), newline="")), [])
    assert [unguarded(cell) for cell in read] == row or (row == [""] and read == [""])


def test_numbers_stay_numbers() -> None:
    """A count below zero is no formula; true, false and nothing are what programs expect."""
    assert content([[-3, 1.5, True, False, None, "-3"]]).decode("utf-8-sig") == "-3,1.5,true,false,,'-3\r\n"


@pytest.mark.parametrize("folder", ["backend", "pages"])
def test_no_other_part_writes_csv(folder: str) -> None:
    """There is one writer, so that there is one rule."""
    found = [path for path in (ROOT / folder).rglob("*.py") if re.search(r"csv\.(Dict)?[wW]riter", path.read_text())]
    assert [path.relative_to(ROOT).as_posix() for path in found] == ["backend/kit/csv_cells.py"] * (folder == "backend")
