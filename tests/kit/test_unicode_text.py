"""Texts that people type: what is kept of them, what shows nothing, and which two are one."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.kit.unicode_text import comparison_key, lookalike_key, shows_something, tidied, unwritable

# Default_Ignorable_Code_Point, written down a second time from Unicode's DerivedCoreProperties.
IGNORABLE = [
    chr(code)
    for first, last in (
        (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
        (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
]  # fmt: skip
BLANK = ["\u2800", "\U0001d159", "\u00a0", "\u3000", "\u1680", "\u2003"]
ENGLAND, SCOTLAND = (f"\U0001f3f4{''.join(chr(0xE0000 + ord(c)) for c in of)}\U000e007f" for of in ("gbeng", "gbsct"))
WHOLE = [
    "Champion", "José", "Zoë 🚀", "李小龍", "葛\U000e0100城", "नक्‍षत्र", "श्रीमान्‌को", "می‌خواهم", "র‍্যাব", "ශ්‍රී",
    "ᠰᠢᠨ᠎ᠡ ᠪᠦ᠋", "မ︀",
    "❤️", "1️⃣ Physics", "👨‍👩‍👧‍👦", "👩🏽‍🔬", "🏳️‍🌈", "❤️‍🔥", "🙂‍↔️",
    ENGLAND, f"{SCOTLAND} Isla", "🇮🇳", "O'Brien", "H₂O", "x²",
]  # fmt: skip
SIGNS = st.sampled_from([*IGNORABLE[:60], "\U000e0061", "\U000e007f", "\U000e0100", *BLANK])
LIKELY = st.sampled_from(
    [*"aA1 Iıß°#", "\u0301", "क", "\u094d", "ک", "ᠰ", "葛", "한", "👩", "❤", "🏽", "\U0001f3f4", "\u20e3"]
)
TEXTS = st.lists(st.one_of(SIGNS, LIKELY, st.characters(exclude_categories=["Cs"])), max_size=12).map("".join)


@pytest.mark.parametrize("text", WHOLE)
def test_what_has_meaning_stays(text: str) -> None:
    """Emoji and flags, joiners of scripts that spell with them, and variants of a character are kept as typed."""
    assert tidied(text) == unicodedata.normalize("NFC", text)
    assert shows_something(text)
    assert unwritable(text) is None


@pytest.mark.parametrize("sign", [*IGNORABLE[:60], "\U000e0001", "\U000e0061", "\U000e0100", "\ufffc", "\ufff9"])
def test_what_shows_nothing_leaves(sign: str) -> None:
    """An invisible sign within, before or after a word is not kept, and alone nothing is left."""
    assert [tidied(text) for text in (sign, f"Cham{sign}pion", f"{sign}Champion{sign}", f"a{sign}\u0301")] == [
        "", "Champion", "Champion", "á"
    ]  # fmt: skip


@pytest.mark.parametrize("sign", BLANK)
def test_what_is_blank_is_a_space(sign: str) -> None:
    """A symbol that is drawn as empty room parts words as a space does, and alone nothing is left."""
    assert (tidied(sign * 2), tidied(f"{sign}a{sign} b")) == ("", "a b")


@pytest.mark.parametrize(
    "text", ["", " ", "\ufe0f", "\u180b", "\U0001d159", "\u2800", "\u0301", "\u0301\u034f ", "\u094d"]
)
def test_a_text_without_anything_to_see_is_told(text: str) -> None:
    """Invisible signs, blanks and marks without a letter show nothing, alone or together."""
    assert not shows_something(text)
    assert not shows_something(tidied(text))


@pytest.mark.parametrize(
    "sign", ["\x00", "\x07", "\x7f", "\x9f", "\ud800", "\ue000", "\U000f0000", "\ufdd0", "\ufffe", "\U0010ffff"]
)
def test_what_nobody_can_read_is_named(sign: str) -> None:
    """Controls, private use, halves and code points that never are characters are found by number."""
    assert unwritable(f"ok{sign}") == f"U+{ord(sign):04X}"


@given(TEXTS)
@example("k\u034f\u0301")
@example("👨\u200d\u200e👩")
def test_tidying_twice_changes_nothing(text: str) -> None:
    """A tidied text is in NFC with single spaces, and is the same text to the keys."""
    once = tidied(text)
    assert tidied(once) == once == unicodedata.normalize("NFC", " ".join(once.split()))
    assert comparison_key(once) == comparison_key(text)


@given(TEXTS)
@example("％")
@example("\u2030 í")
def test_a_key_is_its_own_key(text: str) -> None:
    """Keys of keys are the same keys, so that they may be stored and compared later."""
    assert comparison_key(comparison_key(text)) == comparison_key(text)
    assert lookalike_key(lookalike_key(text)) == lookalike_key(text)


@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=8), st.data())
def test_no_invisible_sign_makes_another_text(text: str, data: st.DataObject) -> None:
    """Signs put anywhere between letters that do not spell with them change neither the text nor its key."""
    sign, place = data.draw(st.sampled_from(IGNORABLE)), data.draw(st.integers(0, len(text)))
    decorated = text[:place] + sign + text[place:]
    assert comparison_key(decorated) == comparison_key(text)
    if not any(unicodedata.category(each) == "So" for each in text):
        assert tidied(decorated) == tidied(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Physics", "PHYSICS"), ("Physics", "Ｐｈｙｓｉｃｓ"), ("José", "Jose\u0301"), ("Champion", "Champion\ufe0f"),
     ("बल", "ब\u200dल"),
     ("Class ११", "class 11"), ("كتاب", "كتـــاب"), ("  a  b ", "A\u2800b"), ("Straße", "STRASSE"),
     ("①", "1"), ("a\u034fb", "ab")],
)  # fmt: skip
def test_ways_of_typing_one_text_have_one_key(one: str, other: str) -> None:
    """Case, width, form, invisible signs, spaces and the script of digits make no difference."""
    assert comparison_key(one) == comparison_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Physics", "Physic"), ("Jose", "José"), ("काल", "कल"), (ENGLAND, SCOTLAND), ("Part I", "Part 1"),
     ("Part II", "Part ll"),
     ("a b", "ab"), ("a-b", "ab"), ("rn", "m")],
)  # fmt: skip
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    """Accents, vowel signs, numerals, spaces and flags tell texts apart."""
    assert comparison_key(one) != comparison_key(other)


@pytest.mark.parametrize(
    "twin",
    ["champion", "Сhampion", "Chаmpіоn", "Champ1on", "Champlon", "Charnpion", "Champion\ufe0f",
     "ＣＨＡＭＰＩＯＮ", "Champi0n", "𝐂𝐡𝐚𝐦𝐩𝐢𝐨𝐧"],
)  # fmt: skip
def test_what_looks_alike_has_one_lookalike_key(twin: str) -> None:
    """Letters borrowed from other scripts, digits for letters and rn for m do not make another name."""
    assert lookalike_key(twin) == lookalike_key("Champion")
    assert lookalike_key("Champions") != lookalike_key("Champion")


def test_every_character_is_kept_blank_or_invisible() -> None:
    """Each code point that is kept alone can be seen, unless it is a mark, which has nothing to stand on."""
    kept = (sign for sign in map(chr, range(sys.maxunicode + 1)) if unwritable(sign) is None and tidied(sign))
    unseen = {unicodedata.category(sign) for sign in kept if not shows_something(tidied(sign))}
    assert unseen <= {"Mn", "Mc", "Me", "Cf", "Cn"}
