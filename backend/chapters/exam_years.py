"""Which years of past papers count as exam years. Pure."""

from collections import Counter
from collections.abc import Iterable

from backend.chapters.models import ChapterDraft

ENOUGH = 0.5  # of the chapters that the best covered year has: a slip, or the first rows of a new paper, is no exam


def exam_years(chapters: Iterable[ChapterDraft], this_year: int) -> tuple[int, ...]:
    """The years that count as exam years, in order: not in the future, and known of enough chapters.

    Enough is half as many as the year has that most chapters know, so that neither a mistyped year nor the first rows
    of a new paper moves everybody's recent figures.
    """
    known = Counter(int(year) for chapter in chapters for year in chapter.year_wise_question_count)
    past = {year: count for year, count in known.items() if year <= this_year}
    most = max(past.values(), default=0)
    return tuple(sorted(year for year, count in past.items() if count >= ENOUGH * most))
