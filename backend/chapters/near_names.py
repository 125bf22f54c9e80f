"""Finding the names that another may be a slip of, among many, in time that does not grow with their number. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain, islice

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel

from backend.kit.search_words import words

NEAR = 80  # percent of common letters: one too many, too few or two swapped in a word of five and more
_SLIP = 2  # letters added or missing in a word, of which one that is another counts twice
_NEAR_WORD = (
    75  # or this many percent of a word: “Solids” is no slip of “Liquids”, however long the rest of the name is
)
_NEAR_JOINED = 90
_PREFIX = 2  # letters before a word that make it another one, such as “in”
_COMPARED = 400  # names that one is compared with; of more, those that share its rarest groups of three letters
_CHECKED = 12  # of those, the most similar ones that are looked at word by word
_DIGITS, _ROMAN = re.compile(r"\d+"), re.compile(r"[ivxl]+")

Marks = tuple[str, ...]


def marks(name: str) -> Marks:
    """The numbers and single letters in a name (“Part A”, “Mechanics II”): names that differ in one are different.

    The article “a” between two words is none.
    """
    found: list[str] = []
    parts = words(name)
    for at, word in enumerate(parts):
        is_article = word == "a" and 0 < at < len(parts) - 1
        if _ROMAN.fullmatch(word) or (len(word) == 1 and not is_article):
            found.append(word)
        else:
            found += _DIGITS.findall(word)
    return tuple(found)


class NearNames:
    """Names to be found by similar ones: accents, punctuation and the order of words do not count."""

    def __init__(self) -> None:
        self._forms: list[str] = []
        self._names: list[str] = []  # of each form
        self._with_trigram: dict[str, list[int]] = defaultdict(list)
        self._indexed = 0

    def add(self, name: str) -> None:
        """Keep a name."""
        for form in _forms(name):
            self._forms.append(form)
            self._names.append(name)

    def find(self, name: str, limit: int) -> tuple[str, ...]:
        """Return the names most similar to `name`, the nearest first."""
        scores: dict[str, float] = {}
        for form in _forms(name):
            places = self._compared(form)
            others = [self._forms[at] for at in places]
            near = process.extract(form, others, scorer=fuzz.ratio, score_cutoff=NEAR, limit=_CHECKED)
            for other, score, at in near:
                found = self._names[places[at]]
                if _differs_by_slips(form, other):
                    scores[found] = max(score, scores.get(found, 0))
        return tuple(sorted(scores, key=lambda found: -scores[found])[:limit])

    def _compared(self, form: str) -> Sequence[int]:
        if len(self._forms) <= _COMPARED:
            return range(len(self._forms))
        for at in range(self._indexed, len(self._forms)):
            for trigram in _trigrams(self._forms[at]):
                self._with_trigram[trigram].append(at)
        self._indexed = len(self._forms)
        alike = sorted((self._with_trigram.get(each, ()) for each in _trigrams(form)), key=len)
        return list(dict.fromkeys(islice(chain.from_iterable(alike), _COMPARED)))


def _differs_by_slips(one: str, other: str) -> bool:
    """Return whether the words that only one of two similar names has resemble those that only the other has."""
    left, right = Counter(one.split()), Counter(other.split())
    ours, theirs = list((left - right).elements()), list((right - left).elements())
    if not ours or not theirs:
        return True
    if len(ours) != len(theirs):  # a word that was split or joined
        return fuzz.ratio("".join(ours), "".join(theirs)) >= _NEAR_JOINED
    return all(map(_is_slip, ours, theirs))


def _is_slip(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if long.endswith(short) and len(long) - len(short) >= _PREFIX:
        return False
    return Indel.distance(one, other) <= _SLIP or fuzz.ratio(one, other) >= _NEAR_WORD


def _forms(name: str) -> tuple[str, ...]:
    """The words as they stand, and in alphabetical order; a name of signs alone stays as it is."""
    parts = words(name)
    return tuple(dict.fromkeys((" ".join(parts), " ".join(sorted(parts))))) if parts else (name,)


def _trigrams(form: str) -> frozenset[str]:
    padded = f" {form} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
