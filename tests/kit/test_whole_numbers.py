"""The rule for whole numbers that people write, in Python and in the browser."""

import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from backend.kit.whole_numbers import NotWhole, read_whole
from tests.journeys.running import module_chromium

__all__ = ["module_chromium"]

CASES = json.loads(Path(__file__).with_name("whole_numbers.json").read_text())
TWIN = Path(__file__).parents[2] / "pages" / "assets" / "whole_number.js"
DIGITS = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Nd"]
WHOLE = st.integers(0, 10**9)
SEPARATORS = " \u00a0\u2009\u202f'’"


@pytest.mark.parametrize(("written", "meant"), CASES)
def test_a_number_is_read_or_refused_and_never_another_number(written: str, meant: int | str) -> None:
    """The cases that both twins hold to."""
    assert read_whole(written) == meant


@given(WHOLE, st.lists(st.integers(0, len(DIGITS) // 10 - 1), min_size=10, max_size=10))
def test_digits_of_every_script_are_the_same(number: int, scripts: list[int]) -> None:
    """A number is the same in any mixture of scripts."""
    zeros = [sign for sign in DIGITS if unicodedata.decimal(sign) == 0]
    written = "".join(
        chr(ord(zeros[scripts[place]]) + int(sign)) for place, sign in enumerate(str(number)[: len(scripts)])
    )
    assert read_whole(written) == int(str(number)[: len(scripts)])


@given(WHOLE, st.sampled_from(SEPARATORS))
def test_groups_that_no_decimal_has_are_accepted(number: int, separator: str) -> None:
    """Spaces and apostrophes between thousands change nothing."""
    assert read_whole(f"{number:,}".replace(",", separator)) == number


@given(WHOLE, st.sampled_from(",."))
def test_one_comma_or_dot_before_three_digits_is_ambiguous(number: int, separator: str) -> None:
    """Grouped by comma or dot a number is itself where that stands twice, and nothing where it stands once."""
    written = f"{number:,}".replace(",", separator)
    assert read_whole(written) == (NotWhole.AMBIGUOUS if written.count(separator) == 1 else number)


@given(st.decimals(0, 10**6, places=2), st.sampled_from(",."))
def test_a_fraction_is_never_a_whole_number(number: object, separator: str) -> None:
    """Half a question is refused, not turned into five or fifteen."""
    written = str(number)
    expected = int(written[:-3]) if written.endswith(".00") else NotWhole.OTHER
    assert read_whole(written.replace(".", separator)) == expected


@given(st.text(max_size=12) | st.text("0123456789.,' -+१२", max_size=12))
def test_what_is_read_has_these_digits_and_no_others(text: str) -> None:
    """Nothing is left out but signs, groups and zeros after a decimal sign; anything else is refused."""
    found = read_whole(text)
    if isinstance(found, NotWhole):
        return
    digits = "".join(str(unicodedata.decimal(sign)) for sign in text if unicodedata.decimal(sign, None) is not None)
    assert re.fullmatch(rf"0*{abs(found)}0?0?", digits)


def test_the_browser_reads_as_python_does(module_chromium: Browser) -> None:
    """The twin in JavaScript gives the same for every case, and for the ten digits of every script."""
    page = module_chromium.new_page()
    cases = [*(written for written, _meant in CASES), *DIGITS]
    said = page.evaluate(
        "async ([source, cases]) => {"
        " const twin = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));"
        " return cases.map((text) => twin.readWhole(text)).map(({ value, problem }) => problem ?? value); }",
        [TWIN.read_text(), cases],
    )
    page.close()
    assert dict(zip(cases, said, strict=True)) == {written: read_whole(written) for written in cases}
