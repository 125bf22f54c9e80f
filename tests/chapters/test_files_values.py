"""Values in chapter files: names, classes, counts and years, and the words in which bad ones are refused."""

import json

import pytest

from backend.chapters.files import parse
from tests.chapters.files import (
    OPTICS,
    csv_rows,
    json_rows,
    one,
    problem,
)


@pytest.mark.parametrize("written", ["12", " 12 ", "12.0", "+12", 12, 12.0, "१२", "0012"])
def test_numbers_as_text_are_numbers(written: object) -> None:
    """Whoever keeps counts as text means the number."""
    assert one(json_rows({**OPTICS, "yearWiseQuestionCount": {"2019": written}})).year_wise_question_count == {
        "2019": 12
    }


@pytest.mark.parametrize("written", ["1.000", "10.000", "2.500", "2,500", "१,२३४"])
def test_a_number_that_can_be_read_in_two_ways_is_refused(written: str) -> None:
    """A thousand in one country is one in another; groups that can be nothing else are taken (tests/kit)."""
    rows = json_rows({**OPTICS, "yearWiseQuestionCount": {"2019": written}})
    words = f"“2019”: {written} can be read in two ways. Write the number without a comma or dot."
    assert problem(rows) == words
    assert one(json_rows({**OPTICS, "yearWiseQuestionCount": {"2019": "1 200"}})).year_wise_question_count == {
        "2019": 1200
    }


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("12.5", "“2019”: 12.5 is not a whole number."),
        (12.5, "“2019”: 12.5 is not a whole number."),
        ("twelve", "“2019”: twelve is not a whole number."),
        ("1e3", "“2019”: 1e3 is not a whole number."),
        ("1_000", "“2019”: 1_000 is not a whole number."),
        (True, "“2019”: true is not a whole number."),
        (float("nan"), "“2019”: NaN is not a whole number."),
        (float("-inf"), "“2019”: -Infinity is not a whole number."),
        ([1], "“2019”: a list is not a whole number."),
        ({}, "“2019”: an object is not a whole number."),
        (-3, "“2019”: -3 is less than 0."),
        ("−3", "“2019”: −3 is less than 0."),
        (10_001, "“2019”: 10001 is more than 10,000."),
        (10**30, f"“2019”: {10**30} is not a whole number."),
        ("=1+1", "“2019”: =1+1 is not a whole number."),
    ],
)
def test_a_bad_count_is_refused_with_column_and_value(written: object, words: str) -> None:
    """The person reads which column, which value and what is wrong with it."""
    assert problem(json_rows({**OPTICS, "yearWiseQuestionCount": {"2019": written}})) == words


def test_a_number_of_thousands_of_digits_is_refused_like_any_other() -> None:
    """It is not even turned into a number; the message shows its beginning."""
    text = json.dumps([{**OPTICS, "yearWiseQuestionCount": {"2019": 777}}]).replace("777", "9" * 5000)
    assert problem(parse("x.json", text.encode()).rows) == f"“2019”: {'9' * 40}… is not a whole number."


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_an_empty_count_is_no_count(nothing: object) -> None:
    """No data is not zero."""
    counts = {"2019": nothing, "2020": 0}
    assert one(json_rows({**OPTICS, "yearWiseQuestionCount": counts})).year_wise_question_count == {"2020": 0}


@pytest.mark.parametrize("year", ["1989", "2101", "19", "20190", "next", "", "0000"])
def test_a_year_out_of_reach_is_refused(year: str) -> None:
    """Exam years are from 1990 to 2100."""
    words = problem(json_rows({**OPTICS, "yearWiseQuestionCount": {year: 1}}))
    assert words == f"“{year}” is not an exam year from 1990 to 2100."


@pytest.mark.parametrize("value", [3, "many", [1, 2], True])
def test_counts_that_are_no_object_are_refused(value: object) -> None:
    """yearWiseQuestionCount says how many in which year, nothing less."""
    assert "must list the questions of each year" in problem(json_rows({**OPTICS, "yearWiseQuestionCount": value}))


@pytest.mark.parametrize("field", OPTICS)
@pytest.mark.parametrize("nothing", [None, "", " \u200b ", "absent"])
def test_each_missing_name_is_said(field: str, nothing: object) -> None:
    """Subject, class, unit and chapter are needed."""
    item = {**OPTICS, field: nothing} if nothing != "absent" else {k: v for k, v in OPTICS.items() if k != field}
    assert problem(json_rows(item)) == f"“{field}” is missing."


def test_all_problems_of_a_row_are_said_at_once() -> None:
    """Nobody should have to import four times to learn of four slips."""
    words = problem(csv_rows(",12,Optics,,-1,x"))
    assert words == (
        "“subject” is missing. “chapter” is missing. “2019”: -1 is less than 0. “2020”: x is not a whole number."
    )


@pytest.mark.parametrize(("field", "limit"), [("subject", 60), ("class", 60), ("unit", 160), ("chapter", 160)])
def test_a_name_has_a_longest_length(field: str, limit: int) -> None:
    """One character less is taken; the message shows the beginning only."""
    assert json_rows({**OPTICS, field: "é" * limit})[0].problem is None
    words = problem(json_rows({**OPTICS, field: "é" * 5000}))
    assert words == f"“{field}” is longer than {limit} characters: “{'é' * 40}…”."


@pytest.mark.parametrize("value", [True, [], ["Physics"], {}, {"a": 1}])
def test_a_name_is_text(value: object) -> None:
    """A list or a yes is no name."""
    assert "“subject” must be text, not" in problem(json_rows({**OPTICS, "subject": value}))


def test_a_number_may_be_a_name() -> None:
    """A spreadsheet turns the unit "1" into a number; it is still the unit 1."""
    assert one(json_rows({**OPTICS, "unit": 1.0})).unit == "1"
    assert "“unit” must be text" in problem(json_rows({**OPTICS, "unit": float("nan")}))


@pytest.mark.parametrize(
    ("written", "class_"),
    [
        (10, "Class 10"),
        (11.0, "Class 11"),
        ("11", "Class 11"),
        ("12th", "Class 12"),
        ("XIIth", "Class 12"),
        ("class xi th", "class xi th"),
        ("XI", "Class 11"),
        ("class xii", "Class 12"),
        ("CLASS  11", "Class 11"),
        ("Class-9", "Class 9"),
        ("Std. 8", "Class 8"),
        ("Dropper", "Dropper"),
        ("Class 11 B", "Class 11 B"),
    ],
)
def test_a_class_is_known_in_its_usual_spellings(written: object, class_: str) -> None:
    """10 is Class 10; words that name no school class stay as they are."""
    assert one(json_rows({**OPTICS, "class": written})).class_ == class_


@pytest.mark.parametrize("written", [0, 13, -11, 11.5, "2026", "?"])
def test_a_number_that_is_no_class_is_refused(written: object) -> None:
    """Classes go from 1 to 12."""
    assert problem(json_rows({**OPTICS, "class": written})) == f"“class”: {written} is not a class from 1 to 12."


def test_names_are_tidied() -> None:
    """NFC, single spaces, none at the ends, and no marks that nobody sees; joiners of Indian scripts stay."""
    assert one(json_rows({**OPTICS, "chapter": " \ufeffRay\u00a0\n Opt\u200bique\u0301s "})).chapter == "Ray Optiqués"
    assert one(json_rows({**OPTICS, "chapter": "क्\u200dष"})).chapter == "क्\u200dष"


@pytest.mark.parametrize(("character", "code"), [("\x07", "U+0007"), ("\x00", "U+0000"), ("\ud800", "U+D800")])
def test_a_character_that_cannot_be_shown_is_refused(character: str, code: str) -> None:
    """Controls and half characters could not be stored or printed."""
    words = problem(json_rows({**OPTICS, "chapter": f"Ray{character}Optics"}))
    assert words == f"“chapter” has a character that cannot be shown ({code})."


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x.y")', "@home", "+ve and -ve charge", "-1"])
@pytest.mark.parametrize("guard", ["", "'"])
def test_a_formula_in_a_csv_cell_is_the_text_that_was_typed(text: str, guard: str) -> None:
    """Nothing is calculated; the apostrophe that guards such a cell is no part of the name."""
    quoted = f"{guard}{text}".replace('"', '""')
    assert one(csv_rows(f'Physics,12,Optics,"{quoted}",1,2')).chapter == text
