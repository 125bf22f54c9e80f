"""The one rule of searching: what people leave out of a word, and what they never do."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kit.search_words import beginnings, folded, sort_key, words


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("schrodinger", "Schrödinger"),
        ("jose", "José"),
        ("diaz", "Díaz"),
        ("nguyen", "Nguyễn"),
        ("obrien", "O'Brien"),
        ("o'brien", "O’Brien"),
        ("brien", "O'Brien"),
        ("łodz", "Lodz"),
        ("strasse", "Straße"),
        ("istanbul", "İstanbul"),
        ("aether", "Æther"),
        ("ＰＨＹＳ", "Physics"),
        ("محمد", "مُحَمَّد"),
        ("jean pierre", "Jean-Pierre"),
        ("jeanp", "Jean-Pierre"),
        ("क्ष", "क्षमा"),
    ],
)
def test_what_people_leave_out_is_found(typed: str, text: str) -> None:
    """Accents, capitals, points, strokes and marks within a name need not be typed."""
    among = beginnings(text)
    assert all(any(each.startswith(word) for each in among) for word in words(typed))


@pytest.mark.parametrize(
    ("typed", "text"),
    [("काल", "कमल"), ("काल", "केला"), ("कि", "क"), ("ที่", "ทุ"), ("が", "か"), ("க்", "கா"), ("ক", "খ")],
)
def test_signs_of_a_script_are_letters(typed: str, text: str) -> None:
    """A vowel sign, a virama or a voicing mark makes another word."""
    assert not any(each.startswith(word) for word in words(typed) for each in beginnings(text))


@given(st.text(max_size=30))
def test_one_text_however_it_is_coded(text: str) -> None:
    """Composed, decomposed, in capitals: the same words; and folding what is folded changes nothing."""
    for form in ("NFC", "NFD"):
        assert words(unicodedata.normalize(form, text)) == words(text)
    assert folded(folded(text)) == folded(text)


@given(st.lists(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=8), min_size=1, max_size=4))
def test_every_word_is_a_beginning(parts: list[str]) -> None:
    """Whatever a text is made of, its own words find it."""
    text = " ".join(parts)
    assert set(words(text)) <= set(beginnings(text))


def test_the_order_is_that_of_people() -> None:
    """Capitals and accents alike, numbers by value."""
    names = ["t10", "Émile", "T2", "zara", "Bina", "eva"]
    assert sorted(names, key=sort_key) == ["Bina", "Émile", "eva", "T2", "t10", "zara"]
