"""Text as words to search by, the same rule wherever something is searched. Pure."""

import re
import unicodedata
from functools import lru_cache

# Canonical combining classes of marks that a reader may leave out: accents above and below (200 and more) and the
# vowel points of Hebrew and Arabic (10 to 35). Indic, Thai and Tibetan signs have other classes: they are letters.
_ACCENTS_FROM = 200
_POINTS = range(10, 36)
# Letters that people type without their stroke, and that Unicode does not take apart.
_STROKES = str.maketrans("đðøłħŧıþ", "ddolhtit") | {ord("æ"): "ae", ord("œ"): "oe"}
_TATWEEL = "\u0640"
_NUMBER, _DIGITS = re.compile(r"[0-9]+"), 12


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """Return `text` without capitals, accents, invisible characters and differences of coding."""
    # Twice: folding capitals may take a letter apart, and taking it apart may leave a capital.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).casefold()
    kept = "".join(character for character in plain if not _is_left_out(character))
    return unicodedata.normalize("NFC", kept.translate(_STROKES))


def _is_left_out(character: str) -> bool:
    mark = unicodedata.combining(character)
    return mark >= _ACCENTS_FROM or mark in _POINTS or character == _TATWEEL or unicodedata.category(character) == "Cf"


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """Return the folded words of `text`, in order; anything but letters, marks and digits parts them."""
    return tuple("".join(each if is_of_a_word(each) else " " for each in folded(text)).split())


def is_of_a_word(character: str) -> bool:
    """Return whether words are made of it: a letter, a mark on one, or a digit."""
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def beginnings(*texts: str) -> tuple[str, ...]:
    """Return what a search may begin with: every word of the texts, and words joined across a mark ("o'brien").

    A search fits where each of its words is the beginning of one of these.
    """
    found: dict[str, None] = {}
    for text in texts:
        for part in text.split():
            parts = words(part)
            found |= dict.fromkeys((*parts, "".join(parts)) if len(parts) > 1 else parts)
    return tuple(found)


def sort_key(text: str) -> str:
    """Return what orders `text` as people expect: capitals and accents alike, Student 2 before Student 10."""
    return _NUMBER.sub(lambda found: found[0].lstrip("0").rjust(_DIGITS, "0"), " ".join(words(text)))
