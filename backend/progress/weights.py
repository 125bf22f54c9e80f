"""The weight of a chapter in the exam: recency-weighted shares of past-paper questions. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from backend.chapters.exam_years import exam_years
from backend.chapters.models import Chapter

RECENT_YEARS = 3
DECAY = 0.8  # each year back counts four fifths of the year after it
TREND_STEP = 1.25  # a quarter more (or less) than before is called a trend
KEPT = 64  # catalogues and parts of them whose weights are remembered
KEPT_SECONDS = 60.0  # since they were last asked for: each keeps its chapters alive, 0.25 MB

Trend = Literal["rising", "falling", "steady"]


@dataclass(frozen=True)
class Weights:
    """The weights of chapters from the catalogue and its past papers, by id; the same for every student."""

    years: tuple[int, ...]  # that count as exam years
    sizes: Mapping[str, int]  # chapters of each subject, in syllabus order
    shares: Mapping[str, float]
    recent: Mapping[str, int]
    trends: Mapping[str, Trend]


@dataclass(slots=True)
class _Kept:
    chapters: Sequence[Chapter]  # so that no other value can take their addresses, which are the key
    weights: Weights
    asked_at: float


_kept: dict[tuple[int, ...], _Kept] = {}


def weigh(chapters: Sequence[Chapter], this_year: int, now: Callable[[], float] = monotonic) -> Weights:
    """Return the weights of `chapters`, computed once for the same values: every student's page needs them."""
    chapters = tuple(chapters)
    key, moment = (this_year, *map(id, chapters)), now()
    found = _kept.get(key)
    if found is None:
        _forget(moment)
        found = _kept[key] = _Kept(chapters, _weighed(chapters, this_year), moment)
    found.asked_at = moment
    return found.weights


def _forget(moment: float) -> None:
    """Remove the weights that were not asked for lately, and all of them if too many remain."""
    for key, kept in tuple(_kept.items()):
        if kept.asked_at < moment - KEPT_SECONDS:
            _kept.pop(key, None)  # another thread may have been faster
    if len(_kept) >= KEPT:
        _kept.clear()


def _weighed(chapters: Sequence[Chapter], this_year: int) -> Weights:
    years = exam_years(chapters, this_year)
    counts = {chapter.id: _counts(chapter, years) for chapter in chapters}
    return Weights(
        years=years,
        sizes=dict(Counter(chapter.subject for chapter in chapters)),
        shares=_shares(counts, years),
        recent={chapter_id: _recent_total(each, years) for chapter_id, each in counts.items()},
        trends={chapter_id: _trend(each, years) for chapter_id, each in counts.items()},
    )


def _counts(chapter: Chapter, years: Sequence[int]) -> dict[int, int]:
    """Questions by exam year; years that do not count are left out."""
    counts = {int(year): count for year, count in chapter.year_wise_question_count.items()}
    return {year: counts[year] for year in years if year in counts}


def _shares(counts: Mapping[str, Mapping[int, int]], years: Sequence[int]) -> dict[str, float]:
    """Each chapter's share (0 to 1) of all questions, weighted by recency: Σ count(year) · 0.8^(latest − year).

    The shares add up to 1 where any question was asked.
    """
    weights = {
        chapter_id: sum(count * DECAY ** (years[-1] - year) for year, count in each.items())
        for chapter_id, each in counts.items()
    }
    total = sum(weights.values())
    return {chapter_id: weight / total if total else 0.0 for chapter_id, weight in weights.items()}


def _is_recent(year: int, years: Sequence[int]) -> bool:
    return year > years[-1] - RECENT_YEARS


def _recent_total(counts: Mapping[int, int], years: Sequence[int]) -> int:
    """Questions asked in the three years up to the latest exam year."""
    return sum(count for year, count in counts.items() if _is_recent(year, years))


def _trend(counts: Mapping[int, int], years: Sequence[int]) -> Trend:
    """The last three years' average against that of the years before, where both exist."""
    new = [count for year, count in counts.items() if _is_recent(year, years)]
    old = [count for year, count in counts.items() if not _is_recent(year, years)]
    if not new or not old:
        return "steady"
    now, before = sum(new) / len(new), sum(old) / len(old)
    if now > before * TREND_STEP:
        return "rising"
    return "falling" if now * TREND_STEP < before else "steady"
