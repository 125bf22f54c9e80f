"""Finding the chapter that somebody means by the names they wrote: what is uncertain is offered, not guessed. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from backend.chapters.models import Candidate, Chapter, ChapterNames
from backend.kit.model import Shape
from backend.kit.search_words import words
from backend.kit.unicode_text import comparison_key

OFFERED = 5
CLOSE_ENOUGH = 0.5  # share of common trigrams from which a name is offered
_PART_OF_A_NAME = 0.9  # what a name counts at most that is a part of a longer one


class Finding(Shape, frozen=True, kw_only=True):
    """The chapter that is meant; where it is uncertain, none and those that may be meant, the likeliest first."""

    chapter: Chapter | None = None
    candidates: tuple[Candidate, ...] = ()


class ChapterFinder:
    """Finds chapters among those given. Built once for a file: it counts the trigrams of every name."""

    def __init__(self, chapters: Iterable[Chapter]) -> None:
        self._chapters = tuple(chapters)
        self._by_name: dict[str, list[Chapter]] = defaultdict(list)
        self._by_words: dict[str, list[Chapter]] = defaultdict(list)
        self._with_trigram: dict[str, list[int]] = defaultdict(list)
        for at, chapter in enumerate(self._chapters):
            self._by_name[comparison_key(chapter.chapter)].append(chapter)
            self._by_words[_words(chapter.chapter)].append(chapter)
            for trigram in _trigrams(_words(chapter.chapter)):
                self._with_trigram[trigram].append(at)

    def find(self, names: ChapterNames, *, offer: bool = True) -> Finding:
        """Return the one chapter of this name that fits subject and class; else those with similar names.

        Subject and class count if they are given. A unit that does not fit excludes nothing: it only tells
        chapters of one name apart. Without `offer`, similar names are not searched for, which saves time.
        """
        key = _words(names.chapter)
        alike = self._by_name.get(comparison_key(names.chapter)) or (self._by_words.get(key, []) if key else [])
        fitting = [
            each for each in alike if _agrees(names.subject, each.subject) and _agrees(names.class_, each.class_)
        ]
        if len(fitting) > 1 and names.unit:
            fitting = [each for each in fitting if _agrees(names.unit, each.unit)] or fitting
        if len(fitting) == 1:
            return Finding(chapter=fitting[0])
        if alike:
            return Finding(candidates=_offered(fitting or alike))
        return Finding(candidates=_offered(self._near(key, names)) if offer else ())

    def _near(self, name: str, names: ChapterNames) -> list[Chapter]:
        wanted = _trigrams(name)
        common = Counter(at for trigram in wanted for at in self._with_trigram.get(trigram, ()))
        rated = [
            (_likeness(shared, len(wanted), len(_trigrams(_words(self._chapters[at].chapter)))), self._chapters[at])
            for at, shared in common.items()
        ]
        near = [(likeness, chapter) for likeness, chapter in rated if likeness >= CLOSE_ENOUGH]
        near.sort(key=lambda pair: (pair[0], _fit(names, pair[1])), reverse=True)
        return [chapter for _rate, chapter in near]


def _offered(chapters: Sequence[Chapter]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(chapter_id=each.id, subject=each.subject, class_=each.class_, unit=each.unit, chapter=each.chapter)
        for each in chapters[:OFFERED]
    )


def _agrees(said: str, known: str) -> bool:
    return not said or comparison_key(said) == comparison_key(known) or _words(said) == _words(known) != ""


def _fit(names: ChapterNames, chapter: Chapter) -> int:
    pairs = ((names.subject, chapter.subject), (names.class_, chapter.class_), (names.unit, chapter.unit))
    return sum(bool(said) and _agrees(said, known) for said, known in pairs)


def _likeness(shared: int, one: int, other: int) -> float:
    """Return the similarity of two names, from 0 to 1: as wholes, or one as a part of the other."""
    return max(2 * shared / (one + other), _PART_OF_A_NAME * shared / min(one, other))


def _words(text: str) -> str:
    return " ".join(words(text))


@lru_cache(maxsize=16_384)
def _trigrams(text: str) -> frozenset[str]:
    padded = f" {text} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
