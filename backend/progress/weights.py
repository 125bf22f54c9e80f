"""How much a chapter counts in the exam: recency-weighted shares of past-paper questions. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from backend.chapters.models import Chapter

RECENT_YEARS = 3
DECAY = 0.8  # each year back counts four fifths of the year after it
TREND_STEP = 1.25  # a quarter more (or less) than before is called a trend
KEPT = 64  # catalogues and parts of them whose weights are remembered
KEPT_SECONDS = 60.0  # since they were last asked for: each keeps its chapters alive, 0.25 MB

Trend = Literal["rising", "falling", "steady"]


@dataclass(frozen=True)
class Weights:
    """What the catalogue and its past papers say of chapters, by id; the same for every student."""

    latest: int
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


def of(chapters: Sequence[Chapter], now: Callable[[], float] = monotonic) -> Weights:
    """The weights of `chapters`, worked out once for the same values: every page of every student asks for them."""
    chapters = tuple(chapters)
    key, moment = tuple(map(id, chapters)), now()
    found = _kept.get(key)
    if found is None:
        _forget(moment)
        found = _kept[key] = _Kept(chapters, _weighed(chapters), moment)
    found.asked_at = moment
    return found.weights


def _forget(moment: float) -> None:
    """What nobody asked for lately, and all of it where it is too much."""
    for key, kept in tuple(_kept.items()):
        if kept.asked_at < moment - KEPT_SECONDS:
            _kept.pop(key, None)  # another thread may have been faster
    if len(_kept) >= KEPT:
        _kept.clear()


def _weighed(chapters: Sequence[Chapter]) -> Weights:
    latest = latest_year(chapters)
    return Weights(
        latest=latest,
        sizes=dict(Counter(chapter.subject for chapter in chapters)),
        shares=shares(chapters),
        recent={chapter.id: recent_total(chapter, latest) for chapter in chapters},
        trends={chapter.id: trend(chapter, latest) for chapter in chapters},
    )


def latest_year(chapters: Iterable[Chapter]) -> int:
    """The newest exam year that any chapter has; 0 where there is none."""
    return max((int(year) for chapter in chapters for year in chapter.year_wise_question_count), default=0)


def weight(chapter: Chapter, latest: int) -> float:
    """Questions weighted by recency: Σ count(year) · 0.8^(latest − year)."""
    return sum(count * DECAY ** (latest - int(year)) for year, count in chapter.year_wise_question_count.items())


def shares(chapters: Iterable[Chapter]) -> Mapping[str, float]:
    """Each chapter's share (0 to 1) of the weighted questions of all; adds up to 1 where any were asked."""
    chapters = tuple(chapters)
    latest = latest_year(chapters)
    weights = {chapter.id: weight(chapter, latest) for chapter in chapters}
    total = sum(weights.values())
    return {key: value / total if total else 0.0 for key, value in weights.items()}


def recent_total(chapter: Chapter, latest: int) -> int:
    """Questions asked in the last three exam years."""
    return sum(
        count for year, count in chapter.year_wise_question_count.items() if latest - RECENT_YEARS < int(year) <= latest
    )


def trend(chapter: Chapter, latest: int) -> Trend:
    """The last three years' average against that of the years before, where both exist."""
    counts = {int(year): count for year, count in chapter.year_wise_question_count.items()}
    new = [count for year, count in counts.items() if year > latest - RECENT_YEARS]
    old = [count for year, count in counts.items() if year <= latest - RECENT_YEARS]
    if not new or not old:
        return "steady"
    now, before = sum(new) / len(new), sum(old) / len(old)
    if now > before * TREND_STEP:
        return "rising"
    return "falling" if now * TREND_STEP < before else "steady"
