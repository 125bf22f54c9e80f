"""What spreadsheets do to files: dates that nobody typed, several sheets, hidden ones, other kinds of workbooks."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
import xlsxwriter  # type: ignore[import-untyped] # publishes no types
from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.files import parse, parse_own
from backend.chapters.files.mangled import is_date_format, looks_like_date
from backend.chapters.models import OwnChange
from backend.errors import Invalid
from tests.chapters.files import HEADER, LINE, RAY, TABLE, csv_rows, json_rows, one, problem, refusal, workbook

OWN = [["Chapter", "Status"], ["Limits", "done"]]
NAMES = ("subject", "class", "unit", "chapter")


def book(build: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    """A workbook that the function fills."""
    stream = io.BytesIO()
    written = xlsxwriter.Workbook(stream, {"in_memory": True})
    build(written)
    written.close()
    return stream.getvalue()


def sheet(written: xlsxwriter.Workbook, name: str, rows: Sequence[Sequence[object]]) -> xlsxwriter.worksheet.Worksheet:
    added = written.add_worksheet(name)
    for line, row in enumerate(rows):
        added.write_row(line, 0, row)
    return added


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("code", ["d-mmm", "dd/mm/yyyy", "[$-409]d mmm yy;@", "yyyy"])
def test_a_cell_that_is_a_date_is_refused_where_none_belongs(at: int, code: str) -> None:
    """Named as the date that the sheet shows, with the cure."""

    def build(written: xlsxwriter.Workbook) -> None:
        added = sheet(written, "A", TABLE)
        added.write_datetime(1, at, datetime(2026, 4, 3), written.add_format({"num_format": code}))  # noqa: DTZ001 # a day of a sheet has no zone

    words = problem(parse("x.xlsx", book(build)).rows)
    assert "3 Apr 2026" in words
    assert "Format the column" in words


def test_a_date_among_the_headings_is_refused() -> None:
    """It was a year, and its counts would be lost."""

    def build(written: xlsxwriter.Workbook) -> None:
        added = sheet(written, "A", TABLE)
        added.write_datetime(0, 4, datetime(2024, 1, 1), written.add_format({"num_format": "yyyy"}))  # noqa: DTZ001 # a day of a sheet has no zone

    assert "A heading is the date 1 Jan 2024" in refusal(book(build)).message
    assert "A heading is the date 1 Jan 2024" in refusal(f"{HEADER},45292\n{LINE},3".encode()).message
    assert "A heading is the date Jan-24" in refusal(f"{HEADER},Jan-24\n{LINE},3".encode()).message


def test_an_own_list_may_have_dates_for_headings() -> None:
    """Such columns say nothing to us, and are named."""
    file = parse_own("x.csv", b"Chapter,Status,12-Dec\nLimits,done,x\n")
    assert (file.rows[0].problem, file.ignored_fields) == (None, ("12-Dec",))


@pytest.mark.parametrize(
    "written", ["11-Dec", "Dec-11", "11-dec-26", "11/12/2026", "2026-12-11 00:00:00", "11-Dez", "11-d\u00e9c."]
)
def test_a_class_that_looks_like_a_date_is_refused(written: str) -> None:
    """The text that a spreadsheet writes into a CSV file for 11-12."""
    assert "turned into a date" in problem(csv_rows(f"Physics,{written},Optics,Ray Optics,3,6"))


def test_another_name_that_looks_like_a_date_is_pointed_at() -> None:
    """It may be meant, so it is taken and said."""
    for written in ("2-Mar", "46083"):
        (row,) = csv_rows(f"Physics,11,{written},Ray Optics,3,6")
        words = f"“{written}” looks like something that a spreadsheet turned into a date."
        assert (row.problem, row.notes) == (None, (words,))


@pytest.mark.parametrize(
    "text", ["11-Sci", "Class 11", "26 January 1950", "1857", "May", "1-2", "3/4", "p-Block", "10-12 Arts"]
)
def test_names_that_are_no_dates_are_left_alone(text: str) -> None:
    """Classes with a group, years and fractions among them."""
    assert not looks_like_date(text)


def test_the_number_behind_a_date_is_no_name() -> None:
    """As a number, not as a text that somebody typed."""
    item = dict(zip(NAMES, ["Physics", "11", "Optics", 46115], strict=True))
    assert "“chapter” is the date 3 Apr 2026" in problem(json_rows(item))
    assert json_rows({**item, "chapter": "46115"})[0].problem is None


@pytest.mark.parametrize(
    ("number", "code", "is_date"),
    [
        (14, None, True), (22, None, True), (45, None, True), (0, None, False), (2, None, False), (49, None, False),
        (164, "d-mmm", True), (164, "yyyy", True), (164, "[h]:mm", True), (164, "General", False),
        (164, "#,##0", False), (164, "0.00E+00", False), (164, '0 "days"', False), (164, "[Red]0", False),
        (164, "0\\d", False), (164, "@", False), (164, "0;dd", False),
    ],
)  # fmt: skip
def test_number_formats_of_dates_are_known(number: int, code: str | None, is_date: bool) -> None:
    """Texts in quotes, colours and escaped letters make no date."""
    assert is_date_format(number, code) is is_date


@pytest.mark.parametrize(
    "heading", ["2024-25", "2024/25", "AY 2024–25", "2024-2025", "Session 2024 - 25", "2019-23", "1999-2000", "२०२४-२५"]
)
def test_a_heading_of_two_years_is_refused(heading: str) -> None:
    """Either may be meant, so the counts below it are neither guessed nor lost: the file is refused with the cure."""
    words = "is not one exam year. Write the year of the exam alone, such as"
    assert words in refusal(f"{HEADER},{heading}\n{LINE},3".encode()).message
    assert words in refusal(workbook([[*TABLE[0], heading], [*TABLE[1], 3]])).message
    assert words in problem(json_rows({**dict.fromkeys(NAMES, "11"), heading: 3}))
    assert words in problem(json_rows({**dict.fromkeys(NAMES, "11"), "yearWiseQuestionCount": {heading: 3}}))
    assert parse_own("x.csv", f"Chapter,Status,{heading}\nLimits,done,3\n".encode()).ignored_fields == (heading,)


def test_a_heading_with_a_year_in_it_is_pointed_at() -> None:
    """It may be an exam year, which is said beside the name of the column."""
    file = parse("x.csv", f"{HEADER},January 2024,Remarks\n{LINE},3,x".encode())
    assert file.ignored_fields == ("January 2024", "Remarks")
    assert file.notes == (
        "Not read as an exam year: “January 2024”. Such a heading is the year alone, for example 2026.",
    )


@given(st.text(max_size=30))
def test_any_text_is_judged(text: str) -> None:
    """Whatever stands in a cell or a number format."""
    looks_like_date(text)
    is_date_format(164, text)


def test_every_visible_sheet_is_read_and_named() -> None:
    """With the row of its own sheet, under the note that names them all."""
    file = parse_own("x.xlsx", workbook(OWN, [["Chapter", "Weak", "Colour"], ["Waves", "x", "red"]], [["Our school"]]))
    assert [(row.sheet, row.row, row.names.chapter) for row in file.rows] == [
        ("Sheet1", 2, "Limits"),
        ("Sheet2", 2, "Waves"),
    ]
    assert file.ignored_fields == ("Colour",)
    assert file.notes == (
        "Sheets read: “Sheet1” and “Sheet2”.",
        "The sheet “Sheet3” has no row that names the columns, and is left out.",
    )


def test_hidden_sheets_are_left_out_and_said() -> None:
    """Also where the hidden one comes first; one sheet alone needs no note."""

    def build(written: xlsxwriter.Workbook) -> None:
        old = sheet(written, "Old", OWN)
        now = sheet(written, "Now", [["Chapter", "Status"], ["Waves", "done"]])
        now.activate()
        now.set_first_sheet()
        old.hide()

    file = parse_own("x.xlsx", book(build))
    assert [row.names.chapter for row in file.rows] == ["Waves"]
    assert file.notes == ("Sheet read: “Now”.", "The hidden sheet “Old” is left out.")
    assert parse_own("x.xlsx", workbook(OWN)).notes == ()


def test_a_workbook_whose_only_list_is_hidden_is_refused() -> None:
    """With the name of the hidden sheet."""

    def build(written: xlsxwriter.Workbook) -> None:
        old = sheet(written, "Old", OWN)
        front = sheet(written, "Front", [["Our school"]])
        front.activate()
        front.set_first_sheet()
        old.hide()

    with pytest.raises(Invalid, match="Hidden sheets are not read: “Old”"):
        parse_own("x.xlsx", book(build))


ROWS = [["Chapter", "Status", "Weak"], ["Limits", "done", "x"], ["Waves", "done", "x"], ["Light", "done", "x"]]


@pytest.mark.parametrize("is_filtered", [False, True])
def test_hidden_rows_and_columns_are_left_out_and_said(is_filtered: bool) -> None:
    """Also rows that a filter hides; what is hidden and holds nothing needs no word."""

    def build(written: xlsxwriter.Workbook) -> None:
        added = sheet(written, "Now", ROWS)
        for row in (1, 3, 7):
            added.set_row(row, None, None, {"hidden": True})
        if is_filtered:
            added.autofilter(0, 0, 3, 2)
        added.set_column(2, 2, None, None, {"hidden": True})
        added.set_column(9, 9, None, None, {"hidden": True})

    file = parse_own("x.xlsx", book(build))
    assert [(row.row, row.names.chapter, row.own) for row in file.rows] == [(3, "Waves", OwnChange(status="Completed"))]
    assert file.notes == ("2 hidden rows are left out: 2 and 4. The hidden column C is left out.",)


def test_what_a_hidden_header_or_column_takes_away_is_said() -> None:
    """A file that is refused for it names what is hidden; of several sheets, the one that is left out."""

    def without_header(written: xlsxwriter.Workbook) -> None:
        sheet(written, "Now", ROWS).set_row(0, None, None, {"hidden": True})

    def without_chapter(written: xlsxwriter.Workbook) -> None:
        sheet(written, "Now", ROWS).set_column(0, 0, None, None, {"hidden": True})
        sheet(written, "Other", ROWS)

    with pytest.raises(Invalid, match=r"No visible row names the columns\. The hidden row 1 is left out"):
        parse_own("x.xlsx", book(without_header))
    assert "The hidden column A is left out" in parse_own("x.xlsx", book(without_chapter)).notes[-1]


def test_years_in_a_second_row_of_headings_are_read() -> None:
    """As under a merged “Questions”; a first row of data is none."""
    head = ["subject", "class", "unit", "chapter", "Questions", ""]
    names = ["Physics", "12", "Optics", "Ray Optics"]
    years = ["", "", "", "", 2019, "2020"]
    assert one(parse("x.xlsx", workbook([head, years, [*names, 3, 6]])).rows) == RAY
    assert (
        one(parse("x.csv", b"subject,class,unit,chapter,Q,\n,,,,2019,2020\nPhysics,12,Optics,Ray Optics,3,6").rows)
        == RAY
    )
    (row,) = parse_own("x.csv", b"Chapter,Status\nStatus,done\n").rows
    assert row.names.chapter == "Status"


def test_a_repeated_row_of_headings_is_no_chapter() -> None:
    """Sheets that were put one below the other have it; where it names other columns the file is refused."""
    file = parse("x.csv", f"{HEADER}\n{LINE}\n{HEADER}\n{LINE}".encode())
    assert [row.row for row in file.rows] == [2, 4]
    assert file.notes == ("Row 3 repeats the headings.",)
    other = HEADER.replace("2019", "2021")
    assert "Row 3 names other columns" in refusal(f"{HEADER}\n{LINE}\n{other}\n{LINE}".encode()).message
    assert parse_own("x.csv", b"Chapter,Status\nLimits,done\nChapter,Status\n").notes == (
        "Row 3 repeats the headings.",
    )


@pytest.mark.parametrize("code", ["0%", "0.00%", "[Red]0 %"])
def test_a_percentage_is_no_count(code: str) -> None:
    """The sheet shows 200%, so 2 would be a guess."""

    def build(written: xlsxwriter.Workbook) -> None:
        sheet(written, "A", TABLE).write_number(1, 4, 2, written.add_format({"num_format": code}))

    assert problem(parse("x.xlsx", book(build)).rows) == "“2019”: 200% is not a whole number."


def test_names_in_merged_cells_are_those_of_each_row() -> None:
    """A spreadsheet shows one subject beside several chapters; a merged count is nobody's, so its rows are refused."""

    def build(written: xlsxwriter.Workbook) -> None:
        added = sheet(written, "A", [TABLE[0], *(["", "", "", name, 3, 6] for name in ("Ray", "Wave", "Lens", "Eye"))])
        for column, name in enumerate(("Physics", "12", "Optics")):
            added.merge_range(1, column, 4, column, name)
        added.merge_range(3, 4, 4, 4, 7)

    rows = parse("x.xlsx", book(build)).rows
    drafts = [row.draft for row in rows[:2] if row.draft]
    assert [(each.subject, each.class_, each.unit, each.chapter) for each in drafts] == [
        ("Physics", "Class 12", "Optics", "Ray"),
        ("Physics", "Class 12", "Optics", "Wave"),
    ]
    assert [row.problem for row in rows[2:]] == ["“2019” is one cell for several rows. Give each row its own."] * 2


def test_merged_cells_that_begin_in_a_hidden_row_are_those_of_the_rows_in_sight() -> None:
    """A filter hides the first row of a subject, and the sheet shows the subject beside the others all the same."""

    def build(written: xlsxwriter.Workbook) -> None:
        added = sheet(written, "A", [TABLE[0], *(["", "", "", name, 3, 6] for name in ("Hidden", "Ray Optics", "Eye"))])
        for column, name in enumerate(("Physics", "12", "Optics")):
            added.merge_range(1, column, 3, column, name)
        added.merge_range(1, 4, 3, 4, 7)
        added.set_row(1, None, None, {"hidden": True})

    rows = parse("x.xlsx", book(build)).rows
    assert [(row.row, row.names.subject, row.names.class_, row.names.unit) for row in rows] == [
        (3, "Physics", "12", "Optics"),
        (4, "Physics", "12", "Optics"),
    ]
    assert [row.problem for row in rows] == ["“2019” is one cell for several rows. Give each row its own."] * 2


def test_a_sheet_with_a_faulty_header_is_left_out_with_its_reason() -> None:
    """The others are read; where it is alone the file is refused."""
    twice = [["Chapter", "status", "status"], ["Waves", "done", "done"]]
    file = parse_own("x.xlsx", workbook(OWN, twice))
    assert file.notes[-1] == "The sheet “Sheet2” is left out: The column “status” appears twice."
    with pytest.raises(Invalid, match="appears twice"):
        parse_own("x.xlsx", workbook(twice))


@pytest.mark.parametrize("part", ["content.xml", "xl/workbook.bin", "Index/Document.iwa"])
def test_other_workbooks_are_refused_with_the_cure(part: str) -> None:
    """OpenDocument, XLSB and Numbers are archives too."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(part, "<x/>")
    assert "Save it as XLSX or as CSV" in refusal(stream.getvalue()).message
