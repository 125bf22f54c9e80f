"""Names that may be a slip of another: found among a few and among many, and no more than that."""

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.catalogue import catalogue
from backend.chapters.near_names import NearNames, marks

SHIPPED = sorted({chapter.chapter for chapter in catalogue()})


def filled(names: list[str]) -> NearNames:
    found = NearNames()
    for name in names:
        found.add(name)
    return found


def made_up(count: int) -> list[str]:
    """Names of one to four words of few letters each, the same in every run."""
    chance = random.Random(1)  # noqa: S311 # no secret
    letters = string.ascii_lowercase
    return [
        " ".join("".join(chance.choices(letters, k=chance.randint(4, 10))) for _word in range(chance.randint(1, 4)))
        for _name in range(count)
    ]


MANY = filled([*made_up(5_000), *SHIPPED])
FEW = filled(SHIPPED)


@given(st.sampled_from([name for name in SHIPPED if len(name) > 5]), st.data())
def test_a_letter_left_out_or_doubled_is_near(name: str, data: st.DataObject) -> None:
    """Wherever it is in the name, and however many names there are."""
    at = data.draw(st.sampled_from([at for at, sign in enumerate(name) if sign.isalpha() and sign.isascii()]))
    for written in (name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:]):
        if marks(written) == marks(name):  # a word of one letter tells names apart
            assert name in FEW.find(written, 3)
            assert name in MANY.find(written, 3)


@pytest.mark.parametrize(
    ("known", "written"),
    [
        ("Electrostatics", "Electrostatic"),
        ("Electrostatics", "Electro-statics"),
        ("Electrostatics", "ELECTROSTATCIS"),
        ("Motion in a Plane", "Motion in Plane"),
        ("Work, Energy and Power", "Work Energy & Power"),
        ("Work, Energy and Power", "Work, Power and Energy"),
        ("Schrödinger Equation", "Schrodinger Equation"),
        ("Laws of Motion", "Laws og Motion"),
        ("वैद्युत आवेश", "वैद्युत आवेष"),
        ("स्थिर विद्युत", "स्थिर विद्युत्"),
        ("மின்னியல்", "மின்னியல"),
        ("الكهرباء الساكنة", "الكهرباء الساكنه"),
    ],
)
def test_slips_in_any_script_are_near(known: str, written: str) -> None:
    """A letter, an accent, a joined word, a sign for a word, another order."""
    assert marks(known) == marks(written)
    assert filled([known]).find(written, 3) == (known,)


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ("Properties of Solids and Matter", "Properties of Liquids and Matter"),
        ("Introduction to Probability", "Introduction to Statistics"),
        ("Chapter about Kinematics", "Chapter about Dynamics"),
        ("Optics", "Waves"),
        ("Motion In One Dimension", "Motion In Two Dimensions"),
        ("Organic Chemistry", "Inorganic Chemistry"),
        ("Differentiation", "Differential Equations"),
        ("Laws of Motion", "Motion"),
        ("???", "!!!"),
    ],
)
def test_other_names_are_not_near(known: str, other: str) -> None:
    """However long the words are that they share."""
    assert filled([known]).find(other, 3) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mechanics II", ("ii",)),
        ("Part A", ("a",)),
        ("Motion in a Plane", ()),
        ("Class 12 B", ("12", "b")),
        ("विद्युत", ()),
        ("Unit १२", ("१२",)),
        ("p-Block", ("p",)),
    ],
)
def test_numbers_and_single_letters_are_marks(name: str, expected: tuple[str, ...]) -> None:
    """They tell names apart; an article does not, nor do the signs on a letter."""
    assert marks(name) == expected


@pytest.mark.parametrize("beginning", ["", "Chapter about "])
def test_thousands_of_new_names_are_compared_soon(beginning: str) -> None:
    """4,000 names take a second of the processor, where comparing each with all others takes twenty."""
    found, began = NearNames(), time.process_time()
    for name in made_up(4_000):
        found.find(beginning + name, 3)
        found.add(beginning + name)
    assert time.process_time() - began < 10
