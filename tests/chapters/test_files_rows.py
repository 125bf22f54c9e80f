"""Rows of chapter files: own progress, and what one row means beside another."""

import json

import pytest

from backend.chapters.files import parse, parse_own
from backend.chapters.models import MAX_QUESTIONS, OwnChange
from backend.errors import Invalid
from tests.chapters.files import (
    HEADER,
    ITEM,
    LINE,
    OPTICS,
    RAY,
    csv_rows,
    json_rows,
    one,
    problem,
    workbook,
)


def test_own_progress_is_read_beside_the_chapter() -> None:
    """Status, solved questions and the weak mark speak of the person who kept the file."""
    (row,) = json_rows({**ITEM, "status": "Completed", "questionSolved": 39, "isWeakChapter": True})
    assert row.own == OwnChange(status="Completed", question_solved=39, is_weak_chapter=True)


@pytest.mark.parametrize(
    "item", [ITEM, {**ITEM, "status": None, "questionSolved": "", "isWeakChapter": " "}], ids=["absent", "empty"]
)
def test_a_row_that_says_nothing_of_progress_has_none(item: dict[str, object]) -> None:
    """An empty cell does not mean Not Started: taking it over must not undo what a student did."""
    (row,) = json_rows(item)
    assert row.draft == RAY
    assert row.own is None


def test_one_progress_field_is_enough() -> None:
    """Of what a row does not give, it says nothing."""
    assert json_rows({**ITEM, "isWeakChapter": True})[0].own == OwnChange(is_weak_chapter=True)
    assert json_rows({**ITEM, "status": "Completed", "questionSolved": ""})[0].own == OwnChange(status="Completed")


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("completed", "Completed"),
        ("COMPLETED", "Completed"),
        (" in progress", "In Progress"),
        ("in_progress", "In Progress"),
        ("InProgress", "In Progress"),
        ("not started", "Not Started"),
        ("Not-Started", "Not Started"),
    ],
)
def test_status_words_are_forgiving(written: str, status: str) -> None:
    """Case, spaces, hyphens and underscores do not matter."""
    (row,) = json_rows({**ITEM, "status": written})
    assert row.own is not None
    assert row.own.status == status


def test_solved_questions_mean_that_work_began() -> None:
    """Not Started always has 0 solved, so such a row is taken as In Progress, and says so."""
    (row,) = json_rows({**ITEM, "status": "Not Started", "questionSolved": 4})
    assert row.own == OwnChange(status="In Progress", question_solved=4)
    assert row.notes == ("Questions are solved, so the status is taken as In Progress.",)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("status", "halfway", "“status”: halfway is not one of Not Started, In Progress and Completed."),
        ("status", 1, "“status”: 1 is not one of Not Started, In Progress and Completed."),
        ("questionSolved", -1, "“questionSolved”: -1 is less than 0."),
        ("questionSolved", True, "“questionSolved”: true is not a whole number."),
        ("questionSolved", MAX_QUESTIONS + 1, "“questionSolved”: 10001 is more than 10,000."),
        ("isWeakChapter", "maybe", "“isWeakChapter”: maybe is neither yes nor no."),
        ("isWeakChapter", 2, "“isWeakChapter”: 2 is neither yes nor no."),
        ("isWeakChapter", [], "“isWeakChapter”: a list is neither yes nor no."),
    ],
)
def test_bad_progress_is_a_row_problem(field: str, value: object, words: str) -> None:
    """The row is refused whole: half of it would not be what the person wrote."""
    assert problem(json_rows({**ITEM, field: value})) == words


@pytest.mark.parametrize(
    ("written", "weak"),
    [
        ("TRUE", True),
        ("yes", True),
        ("1", True),
        ("x", True),
        ("False", False),
        ("no", False),
        ("0", False),
        ("1.0", True),
        ("0.0", False),
        ("१", True),
        ("\u200e1", True),
    ],
)
def test_the_weak_mark_is_yes_or_no(written: str, weak: bool) -> None:
    """As spreadsheets and people write it."""
    (row,) = csv_rows(f"{LINE},{written}", header=f"{HEADER},isWeakChapter")
    assert row.own == OwnChange(is_weak_chapter=weak)


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    """The header and blank rows count; a line break inside quotes does not."""
    rows = csv_rows('P,11,U,"A\nB",1,2', "", "P,11,U,C,1,2", ",,,,,", "P,11,U,D,1,2")
    assert [row.row for row in rows] == [2, 4, 6]
    assert [row.row for row in json_rows(ITEM, {**ITEM, "chapter": "B"})] == [1, 2]


def test_one_bad_row_spoils_no_other() -> None:
    """Problems are per row."""
    rows = json_rows(ITEM, 7, None, {}, [], {**ITEM, "chapter": "Wave Optics"})
    assert rows[2].problem == "A chapter must be an object with names and values, not null."
    assert [row.problem is None for row in rows] == [True, False, False, False, False, True]
    assert rows[1].problem == "A chapter must be an object with names and values, not 7."


def test_a_year_given_twice_with_other_numbers_is_refused() -> None:
    """Neither number wins silently."""
    item = {**OPTICS, "yearWiseQuestionCount": {"2019": 3}, "2019": 4}
    assert problem(json_rows(item)) == "“2019” is given twice, with different numbers."


def test_a_name_given_twice_in_one_object_is_refused() -> None:
    """JSON allows it; the last one would win unseen."""
    text = json.dumps([ITEM]).replace('"unit"', '"unit": "Waves", "unit"')
    assert problem(parse("x.json", text.encode()).rows) == "“unit” must be text, not two values."
    assert problem(json_rows({**ITEM, "Unit": "Waves"})) == "“unit” must be text, not two values."


def test_unknown_fields_are_listed_and_harmless() -> None:
    """Each once, in the order of appearance."""
    items = [{**ITEM, "_id": 1, "teacher": "R."}, {**ITEM, "chapter": "B", "_id": 2}]
    file = parse("x.json", json.dumps(items).encode())
    assert file.ignored_fields == ("_id", "teacher")
    assert [row.problem for row in file.rows] == [None, None]
    assert parse("x.csv", f"{HEADER},notes 2024,\n{LINE},a,b".encode()).ignored_fields == ("notes 2024",)


@pytest.mark.parametrize(
    "line",
    ["Physics,12,Optics,Lenses, Mirrors,3", "Physics,12,Optics,Lenses,3,1,000", "Physics;12;Optics;Lenses;3;1;5"],
)
def test_a_row_with_more_cells_than_headings_is_refused(line: str) -> None:
    """A comma without quotes moves all that stands behind it: 1,000 would be 1, and half a name the whole."""
    header = "subject,class,unit,chapter,2019,2020" if "000" in line else "subject,class,unit,chapter,2019"
    delimiter = ";" if ";" in line else ","
    (row,) = csv_rows(line, header=header.replace(",", delimiter))
    assert "The row has more cells than there are headings" in str(row.problem)
    assert (row.draft, row.names.subject, row.names.chapter) == (None, "Physics", "Lenses")


def test_blank_cells_beyond_the_headings_say_nothing() -> None:
    """Spreadsheets write them."""
    assert one(csv_rows(f"{LINE},, ,")) == RAY


def test_what_stands_under_no_heading_is_pointed_at() -> None:
    """It is not read, and not passed over in silence."""
    assert parse("x.csv", f"{HEADER},,\n{LINE},,7".encode()).notes == ("Column H is not read: it has no heading.",)
    cells: list[list[object]] = [["Chapter", "Status"], ["Limits", "", "done"], ["Waves", "done", None, "x"]]
    assert parse_own("x.xlsx", workbook(cells, cells)).notes[:2] == (
        "Sheet “Sheet1”: Columns C and D are not read: they have no heading.",
        "Sheet “Sheet2”: Columns C and D are not read: they have no heading.",
    )


@pytest.mark.parametrize("line", ['Physics,12,Optics,"Lenses,3,6', '"Physics,12,Optics,Lenses,3,6'])
@pytest.mark.parametrize("after", ["", f"\n{LINE}", f"\n{LINE}\n"])
def test_a_quotation_mark_that_nobody_closes_is_refused(line: str, after: str) -> None:
    """The rest of the file would be the name of one chapter."""
    with pytest.raises(Invalid, match="Row 3 does not end"):
        parse("x.csv", f"{HEADER}\n{LINE}\n{line}{after}".encode())


@pytest.mark.parametrize("heading", ["Questions done", "Solved"])
def test_a_refusal_calls_a_column_as_the_file_does(heading: str) -> None:
    """Also where it is the key of an object."""
    assert str(parse_own("x.csv", f"Chapter,{heading}\nLimits,few".encode()).rows[0].problem).startswith(f"“{heading}”")
    item = [{"Topic": "Limits", heading: 1.5}]
    assert str(parse_own("x.json", json.dumps(item).encode()).rows[0].problem).startswith(f"“{heading}”")


@pytest.mark.parametrize("content", [b'[{"chapter": "Limits"}]', b"{}", b"Chapter\nLimits", b"\0\1\2"])
def test_what_is_no_list_of_ones_own_is_refused_in_its_own_words(content: bytes) -> None:
    """Nobody is asked for the years of the syllabus."""
    with pytest.raises(Invalid, match="one for the status"):
        parse_own("x", content)
