"""Chapter files as people have them: the forms and encodings that are read."""

import codecs
import json
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from backend.chapters.catalogue import catalogue
from backend.chapters.files import parse, parse_own
from backend.chapters.models import ChapterFile, OwnChange
from tests.chapters.files import (
    HEADER,
    ITEM,
    LINE,
    OPTICS,
    RAY,
    TABLE,
    csv_rows,
    json_rows,
    one,
    problem,
    refusal,
    sheet_part,
    workbook,
)

OWN_HEADER = ("Chapter", "Status", "Solved", "Weak")


def sheet(cells: str) -> ChapterFile:
    return parse("x.xlsx", workbook(TABLE, parts=sheet_part(cells)))


@pytest.mark.parametrize(
    "envelope",
    [
        lambda items: items,
        lambda items: {"chapters": items},
        lambda items: {"success": True, "data": items},
        lambda items: {"data": {"chapters": items, "total": 1}},
    ],
)
def test_the_published_list_is_read_alone_or_in_an_envelope(envelope: Callable[[object], object]) -> None:
    """A list of objects, or one under "chapters" or "data"."""
    assert one(parse("x.json", json.dumps(envelope([ITEM])).encode()).rows) == RAY


def test_our_own_catalogue_form_is_read() -> None:
    """Subjects, classes and units around chapters, with counts in the order of one list of years."""
    units = [{"unit": "Optics", "chapters": [["Ray Optics", [3, 6]]]}]
    own = {
        "years": [2019, 2020],
        "subjects": [{"subject": "Physics", "classes": [{"class": "Class 12", "units": units}]}],
    }
    assert one(parse("x.json", json.dumps(own).encode()).rows) == RAY


@pytest.mark.parametrize("chapter", [["Ray Optics", [3]], ["Ray Optics"], "Ray Optics", 7, None])
def test_a_chapter_of_our_own_form_with_the_wrong_shape_is_a_row_problem(chapter: object) -> None:
    """Counts that do not match the years are refused in that row, not guessed."""
    units = [{"unit": "Optics", "chapters": [chapter, ["Wave Optics", [1, 2]]]}]
    own = {"years": [2019, 2020], "subjects": [{"subject": "P", "classes": [{"class": "12", "units": units}]}]}
    first, second = parse("x.json", json.dumps(own).encode()).rows
    assert second.draft is not None
    assert first.problem is not None or (first.draft and not first.draft.year_wise_question_count)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_read_with_each_delimiter(delimiter: str) -> None:
    """Comma, semicolon, tab and bar are told apart by the header."""
    text = "\n".join([HEADER, LINE]).replace(",", delimiter)
    assert one(parse("x.csv", text.encode()).rows) == RAY


def test_a_delimiter_inside_quotes_belongs_to_the_name() -> None:
    """p Block Elements (Group 15, 16) is one name."""
    assert one(csv_rows('Physics,11,U,"Groups 15, 16 ""and"" 17",1,2')).chapter == 'Groups 15, 16 "and" 17'


def test_a_delimiter_hint_and_a_title_above_the_header_are_passed_over() -> None:
    """Spreadsheets write sep=; first, and schools write a title."""
    text = f"sep=;\n\nClass list 2026\nSubject,Physics,Class,12\n{HEADER}\n{LINE}".replace(",", ";")
    (row,) = parse("x.csv", text.encode()).rows
    assert (row.row, row.draft) == (6, RAY)


@pytest.mark.parametrize(
    "header",
    [
        "Subject,CLASS,Unit Name,Chapter_Name,Year Wise 2019,yearWiseQuestionCount.2020",
        " subject , Class , unit,CHAPTER,2019 Questions,JEE Main 2020",
        "SUBJECT,Standard,unit_name,chapter title,yearWiseQuestionCount_2019,year-wise 2020",
        "subject,class,unit,chapter,2019.0,२०२०",
    ],
)
def test_header_names_are_forgiving(header: str) -> None:
    """Case, spaces, underscores and usual words around the name or the year do not matter."""
    assert one(csv_rows(LINE, header=header)) == RAY


@pytest.mark.parametrize(
    "cell", ['"{""2019"": 3, ""2020"": 6}"', "\"{'2019': 3, '2020': 6}\"", '"{""2020"": ""6"", ""2019"": 3.0}"']
)
def test_a_csv_column_may_hold_all_counts_as_json(cell: str) -> None:
    """As the published list looks when a program flattens it, with double or single quotes."""
    header = "subject,class,unit,chapter,yearWiseQuestionCount"
    assert one(csv_rows(f"Physics,12,Optics,Ray Optics,{cell}", header=header)) == RAY


def test_xlsx_is_read_from_the_first_sheet_with_a_header() -> None:
    """A cover sheet before the list does not matter; years may be numbers in the header."""
    table = [["subject", "class", "unit", "chapter", 2019, 2020], *TABLE[1:]]
    (row,) = parse("x.xlsx", workbook([["Our school"], ["Please fill in"]], table)).rows
    assert (row.row, row.draft) == (2, RAY)


def test_an_xlsx_formula_counts_as_the_value_saved_with_it() -> None:
    """The cached result is what the person saw; a formula that was never calculated is no number."""
    head = "".join(
        f'<c r="{letter}1" t="str"><v>{name}</v></c>'
        for letter, name in zip("ABCDE", HEADER.split(",")[:5], strict=True)
    )
    names = "".join(
        f'<c r="{letter}2" t="inlineStr"><is><t>{name}</t></is></c>'
        for letter, name in zip("ABCD", OPTICS.values(), strict=True)
    )
    saved = sheet(f'<row r="1">{head}</row><row r="2">{names}<c r="E2"><f>1+2</f><v>3</v></c></row>')
    assert one(saved.rows).year_wise_question_count == {"2019": 3}
    bare = sheet(f'<row r="1">{head}</row><row r="2">{names}<c r="E2"><f>1+2</f></c></row>')
    assert problem(bare.rows).startswith("“2019” is the formula =1+2, and its result is not in the file.")


def test_a_formula_without_a_result_is_no_value_of_any_column() -> None:
    """A program that calculates nothing wrote the file: neither names nor words are guessed from the formula."""
    bare = "<c><f>A1</f><v></v></c>"
    for content, read in ((cells(HEADER.split(","), [bare] * 5), parse), (cells(OWN_HEADER, [bare] * 4), parse_own)):
        (row,) = read("x.xlsx", content).rows
        assert str(row.problem).count("is the formula =A1, and its result is not in the file.") >= 4
        assert (row.draft, row.own) == (None, None)


def test_a_formula_that_shows_nothing_is_a_blank_cell() -> None:
    """As =IF(B2="","",B2) below the last row of a list: the value that was saved is an empty text."""
    blank = '<c t="str"><f>IF(B9="","",B9)</f><v></v></c>'
    (row,) = parse_own("x.xlsx", cells(OWN_HEADER, [*_texts("Limits", "done"), blank, blank], [blank] * 4)).rows
    assert (row.problem, row.own) == (None, OwnChange(status="Completed"))
    (listed,) = parse("x.xlsx", cells(HEADER.split(","), [*_texts(*OPTICS.values()), blank, "<c><v>6</v></c>"])).rows
    assert listed.draft == replace(RAY, year_wise_question_count={"2020": 6})


ERRORS = ("#REF!", "#DIV/0!", "#ССЫЛКА!", "#¡REF!", "#NOM ?", "#N/A", "#NV", "#Н/Д", "#GETTING_DATA", "Err:502")


@pytest.mark.parametrize("error", ERRORS)
def test_a_formula_error_is_no_name(error: str) -> None:
    """A chapter called #REF! is a slip of a spreadsheet, in whatever language."""
    assert problem(csv_rows(f"Physics,12,Optics,{error},1,2")) == f"“chapter” holds the error of a formula: {error}."


def test_a_moment_of_our_time_is_no_name() -> None:
    """A number with a fraction is a day with a time of day, from a spreadsheet that lost its format."""
    content = cells(HEADER.split(","), [*_texts("Physics", "12", "Optics"), "<c><v>45000.5</v></c>", "", ""])
    assert problem(parse("x.xlsx", content).rows).startswith("“chapter” is the date 15 Mar 2023.")


def test_the_pronunciation_of_a_name_is_no_part_of_it() -> None:
    """Also where the text stands in its own cell."""
    name = "<c t='inlineStr'><is><t>光学</t><rPh sb='0' eb='2'><t>こうがく</t></rPh></is></c>"
    content = cells(HEADER.split(","), [*_texts("Physics", "12", "Optics"), name, "<c><v>3</v></c>", "<c><v>6</v></c>"])
    assert one(parse("x.xlsx", content).rows) == replace(RAY, chapter="光学")


def cells(header: Sequence[str], *rows: Sequence[str]) -> bytes:
    """A workbook with this header, and below it rows of cells that are written by hand."""
    return workbook([], parts=sheet_part("".join(f"<row>{''.join(row)}</row>" for row in (_texts(*header), *rows))))


def _texts(*texts: str) -> list[str]:
    return [f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts]


def test_rich_text_and_escapes_of_xlsx_are_read_as_typed() -> None:
    """A name in two fonts is one name, its pronunciation is no part of it."""
    texts = (
        b"<sst><si><t>subject</t></si><si><t>class</t></si><si><t>unit</t></si><si><t>chapter</t></si>"
        b"<si><r><t>Ray </t></r><r><t>Opt_x0069_cs</t></r><rPh><t>aside</t></rPh></si></sst>"
    )
    head = "".join(f'<c r="{letter}1" t="s"><v>{at}</v></c>' for at, letter in enumerate("ABCD"))
    name = '<c t="s"><v>4</v></c>'
    cells = f'<row r="1">{head}</row><row r="2">{name * 4}</row>'
    content = workbook(TABLE, parts={**sheet_part(cells), "xl/sharedStrings.xml": texts})
    assert one(parse("x.xlsx", content).rows).chapter == "Ray Optics"


@pytest.mark.parametrize("name", ["chapters.json", "chapters.csv", "chapters.xlsx", "chapters", "x.png"])
@pytest.mark.parametrize("content", [json.dumps([ITEM]).encode(), "\n".join([HEADER, LINE]).encode(), workbook(TABLE)])
def test_a_mislabelled_file_is_read_as_what_it_is(name: str, content: bytes) -> None:
    """The content decides, not the ending of the name."""
    assert one(parse(name, content).rows) == RAY


def test_the_shipped_catalogue_is_read_the_same_in_the_published_shape() -> None:
    """101 chapters as a list of objects give the drafts of our own form."""
    items = [
        {
            "subject": draft.subject,
            "class": draft.class_,
            "unit": draft.unit,
            "chapter": draft.chapter,
            "yearWiseQuestionCount": dict(draft.year_wise_question_count),
        }
        for draft in catalogue()
    ]
    assert tuple(row.draft for row in json_rows(*items)) == catalogue()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_unicode_is_read_with_and_without_a_mark(codec: str, form: str) -> None:
    """UTF-8 with or without BOM, UTF-16 and UTF-32 with it."""
    line = LINE.replace("Ray Optics", "किरण प्रकाशिकी")
    text = (
        f"{HEADER}\n{line}" if form == "csv" else json.dumps([{**ITEM, "chapter": "किरण प्रकाशिकी"}], ensure_ascii=False)
    )
    assert one(parse("x", text.encode(codec)).rows).chapter == "किरण प्रकाशिकी"


def test_big_endian_utf16_is_read() -> None:
    """The mark says the order of the bytes."""
    content = codecs.BOM_UTF16_BE + f"{HEADER}\n{LINE}".encode("utf-16-be")
    assert one(parse("x.csv", content).rows) == RAY


def test_windows_text_is_read_with_a_note() -> None:
    """An old export with a few accents is plausible as Windows-1252, and the person is told to look."""
    file = parse("x.csv", f"{HEADER}\n{LINE.replace('Ray', 'Électricité –')}".encode("cp1252"))
    assert one(file.rows).chapter == "Électricité – Optics"
    assert file.notes == ("The file is not UTF-8; it was read as Windows-1252. Check the accents.",)


def test_damaged_utf8_is_refused_with_the_place() -> None:
    """Where some accents are right UTF-8, reading all as Windows-1252 would spoil them."""
    content = f"{HEADER}\nPhysics,12,Optics,Électricité,1,2\n".encode() + b"Physics,12,Optics,\xe9t\xe9,1,2"
    refused = refusal(content)
    position = content.index(b"\xe9t") + 1
    assert refused.message.startswith(f"Line 3 (byte {position}) cannot be read as UTF-8 text.")
    assert refused.code == "wrong_encoding"


def test_half_a_utf16_character_is_refused_with_the_place() -> None:
    """A file cut off in the middle is not read half."""
    assert "cannot be read as UTF-16" in refusal(f"{HEADER}\n{LINE}".encode("utf-16")[:-1]).message
