"""Finding chapters by words, in the catalogue that the project ships."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.catalogue import catalogue
from backend.kit.search_words import words
from backend.progress import listing, search
from backend.progress.models import ChapterFilters
from tests.progress.builders import chapter

CATALOGUE = [chapter(draft.chapter, subject=draft.subject, unit=draft.unit) for draft in catalogue()]
ROWS = listing.rows(CATALOGUE, None, 2026)
WORDS = sorted({word for each in CATALOGUE for word in words(each.chapter)})


def names(typed: str) -> list[str]:
    return [row.chapter.chapter for row in listing.select(ROWS, ChapterFilters(search=typed)).rows]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("thermo", ["Thermodynamics", "Thermodynamics (C)", "Thermal Properties of Matter", "Kinetic Theory of Gases"]),
        ("electrostat", ["Electrostatics"]),
        ("ELECTROSTATICS", ["Electrostatics"]),
        ("current elec", ["Current Electricity", "Magnetic Effects of Current", "Alternating Current"]),
        ("zzzz", []),
        ("???", []),
    ],
)
def test_beginnings_of_words_find(words: str, found: list[str]) -> None:
    """All chapters in whose name or unit each word begins a word, those named so first, and no others."""
    assert names(words) == found


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("thrmo", "Thermodynamics"),
        ("termodynamics", "Thermodynamics"),
        ("thermodinamics", "Thermodynamics"),
        ("elctrostatics", "Electrostatics"),
        ("electrstat", "Electrostatics"),
        ("elecrtostatics", "Electrostatics"),
        ("probablity", "Probability"),
        ("hydrocarbns", "Hydrocarbons"),
        ("current electricty", "Current Electricity"),
    ],
)
def test_slips_find_what_was_meant(slip: str, meant: str) -> None:
    """A letter left out, put in, changed or swapped: the chapter is the first that is found."""
    assert names(slip)[0] == meant


def test_slips_are_guessed_only_where_nothing_fits() -> None:
    """“thermo” does not bring Binomial Theorem, which resembles it: guesses stand in for finds, never beside them."""
    assert "Binomial Theorem" not in names("thermo")
    assert names("theorm")[0] == "Binomial Theorem"


def test_a_name_counts_twice_a_unit() -> None:
    """10 for a word in the chapter's name, 5 in its unit, their sum over the words; a guess at most half of that."""
    rows = [chapter("Friction", unit="Motion"), chapter("Motion", unit="Laws"), chapter("Waves", unit="Sound")]
    friction, motion, _waves = rows
    assert search.scores(rows, "motion") == {friction.id: 5, motion.id: 10}
    assert search.scores(rows, "friction motion") == {friction.id: 15}
    (score,) = search.scores(rows, "friktion").values()
    assert 3.75 <= score < 5


@given(st.sampled_from(WORDS), st.integers(1, 20))
def test_every_beginning_finds_its_chapter(word: str, length: int) -> None:
    """However little of a word was typed, each chapter with such a word is among the finds."""
    found = search.scores(CATALOGUE, word[:length])
    assert {each.id for each in CATALOGUE if word in words(each.chapter)} <= set(found)


@given(st.sampled_from(WORDS), st.text("abcdeilmorst", min_size=4, max_size=12))
def test_the_short_cut_guesses_as_the_long_way(word: str, typed: str) -> None:
    """What is passed over without comparing letter by letter would not have been close enough."""
    ratio = SequenceMatcher(None, typed, word[: len(typed) + 1]).ratio()
    assert search._likeness(typed, word) == (ratio if ratio >= search.CLOSE_ENOUGH else 0.0)
