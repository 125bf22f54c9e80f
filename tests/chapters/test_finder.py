"""Finding the chapter that somebody means: what identifies it is enough, what is uncertain is offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.finder import ChapterFinder
from backend.chapters.models import ChapterNames
from tests.progress.builders import chapter

KNOWN = (
    chapter("Laws of Motion", unit="Mechanics 1"),
    chapter("Limits", subject="Mathematics", unit="Calculus"),
    chapter("Schrödinger’s Equation", subject="Chemistry", unit="Atoms"),
    chapter("Thermodynamics", unit="Heat"),
    chapter("Thermodynamics", subject="Chemistry", unit="Energetics"),
    chapter("कमल", subject="Hindi", unit="काव्य"),
    chapter("Practice", unit="Waves"),
    chapter("Practice", unit="Light"),
)
FINDER = ChapterFinder(KNOWN)


def found(**names: str) -> tuple[str, str, str] | None:
    """Subject, unit and name of the chapter that is found."""
    chapter = FINDER.find(ChapterNames(**names)).chapter
    return (chapter.subject, chapter.unit, chapter.chapter) if chapter else None


@pytest.mark.parametrize(
    "written",
    [
        "Laws of Motion",
        " laws  OF motion",
        "ＬＡＷＳ of Motion",
        "Laws\ufe0f of Motion",
        "Laws-of-Motion",
        "Laws of motion.",
    ],
)
def test_a_name_that_stands_once_is_enough(written: str) -> None:
    """Neither case, width, signs that show nothing nor punctuation matter."""
    assert found(chapter=written) == ("Physics", "Mechanics 1", "Laws of Motion")


def test_accents_and_quotation_marks_do_not_matter() -> None:
    """People type what their keyboard has; signs of Indian scripts are letters all the same."""
    assert found(chapter="Schrodinger's equation") == ("Chemistry", "Atoms", "Schrödinger’s Equation")
    assert found(chapter="कमल") == ("Hindi", "काव्य", "कमल")
    assert found(chapter="कमला") is None


def test_an_inexact_unit_speaks_against_nothing() -> None:
    """The unit is what people know least."""
    assert found(chapter="Limits", unit="Differential calculus") == ("Mathematics", "Calculus", "Limits")


def test_subject_class_and_unit_tell_chapters_of_one_name_apart() -> None:
    """As far as they are given."""
    assert found(chapter="Thermodynamics", subject="chemistry") == ("Chemistry", "Energetics", "Thermodynamics")
    assert found(chapter="Practice", unit="light") == ("Physics", "Light", "Practice")
    assert found(chapter="Thermodynamics") is None
    assert found(chapter="Practice", unit="Sound") is None


@pytest.mark.parametrize("names", [{"subject": "Chemistry"}, {"class_": "Class 12"}, {"subject": "Phys"}])
def test_another_subject_or_class_is_asked_about(names: dict[str, str]) -> None:
    """It may be another chapter, so the one of that name is offered and not taken."""
    finding = FINDER.find(ChapterNames(chapter="Laws of Motion", **names))
    assert finding.chapter is None
    assert [each.chapter for each in finding.candidates] == ["Laws of Motion"]


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("Thermodynmics", "Thermodynamics"),
        ("Law of motion", "Laws of Motion"),
        ("Limits and derivatives", "Limits"),
        ("Motion, laws of", "Laws of Motion"),
        ("The Schrödinger equation", "Schrödinger’s Equation"),
    ],
)
def test_near_names_are_offered(written: str, first: str) -> None:
    """The likeliest first, and none is taken."""
    finding = FINDER.find(ChapterNames(chapter=written))
    assert finding.chapter is None
    assert finding.candidates[0].chapter == first


def test_of_near_names_the_subject_puts_one_first() -> None:
    """Where names are equally near."""
    finding = FINDER.find(ChapterNames(chapter="Thermodynamix", subject="Chemistry"))
    assert [each.subject for each in finding.candidates] == ["Chemistry", "Physics"]


@pytest.mark.parametrize("written", ["Botany", "?", "…", "x"])
def test_what_is_like_nothing_offers_nothing(written: str) -> None:
    """An unknown chapter is said to be unknown."""
    finding = FINDER.find(ChapterNames(chapter=written))
    assert (finding.chapter, finding.candidates) == (None, ())


@given(st.sampled_from(KNOWN), st.data())
def test_a_chapter_is_never_taken_for_another(meant: object, data: st.DataObject) -> None:
    """Whatever letter of a name is left out: the chapter itself, an offer, or nothing."""
    name = str(getattr(meant, "chapter"))  # noqa: B009 # hypothesis gives an object
    at = data.draw(st.integers(0, len(name) - 1))
    finding = FINDER.find(ChapterNames(chapter=name[:at] + name[at + 1 :]))
    assert finding.chapter is None or finding.chapter == meant
