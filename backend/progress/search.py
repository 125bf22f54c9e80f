"""Finding chapters by words: beginnings of words first, likely slips of typing where nothing begins so. Pure."""

from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from backend.chapters.models import Chapter
from backend.kit.search_words import beginnings, words

SEARCH_LENGTH = 100  # guessing slips costs the product of both lengths
CHAPTER_WEIGHT, UNIT_WEIGHT = 10, 5
CLOSE_ENOUGH = 0.75  # similarity from which a mistyped word still finds its chapter
LEAST_GUESSED = 4  # fewer letters are too few to guess a slip from
REMEMBERED = 16_384  # pairs of words: a catalogue has some hundred words, and people type the same ones

Match = Callable[[str, Sequence[str]], float]


def scores(chapters: Iterable[Chapter], search: str) -> dict[str, float]:
    """How well the chapters that fit do so, by id; a chapter fits where each searched word fits its name or unit.

    A word counts 10 in the name and 5 in the unit. Slips are guessed only where no chapter fits as it was typed; they
    count at most half.
    """
    chapters, wanted = tuple(chapters), words(search[:SEARCH_LENGTH])
    if not wanted:
        return {}
    return _fitting(chapters, wanted, _begins) or _fitting(chapters, wanted, _resembles)


def _fitting(chapters: Sequence[Chapter], wanted: Sequence[str], match: Match) -> dict[str, float]:
    found = ((chapter.id, _score(_among(chapter.chapter), _among(chapter.unit), wanted, match)) for chapter in chapters)
    return {chapter_id: score for chapter_id, score in found if score}


def _score(name: Sequence[str], unit: Sequence[str], wanted: Sequence[str], match: Match) -> float:
    score = 0.0
    for word in wanted:
        best = max(CHAPTER_WEIGHT * match(word, name), UNIT_WEIGHT * match(word, unit))
        if not best:
            return 0.0
        score += best
    return score


@lru_cache(maxsize=4096)
def _among(text: str) -> tuple[str, ...]:
    return beginnings(text)


def _begins(word: str, among: Sequence[str]) -> float:
    return float(any(other.startswith(word) for other in among))


def _resembles(word: str, among: Sequence[str]) -> float:
    if _begins(word, among):
        return 1.0
    if len(word) < LEAST_GUESSED:
        return 0.0
    return max((_likeness(word, other) for other in among), default=0.0) / 2


@lru_cache(maxsize=REMEMBERED)
def _likeness(word: str, other: str) -> float:
    """Similarity of a word to the beginning of another, from 0.75 to 1; 0 for less."""
    matcher = SequenceMatcher(None, word, other[: len(word) + 1])
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < CLOSE_ENOUGH:  # neither is ever below the ratio
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= CLOSE_ENOUGH else 0.0
