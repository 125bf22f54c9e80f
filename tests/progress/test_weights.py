"""Exam years and the weights that follow from them; which weights are remembered, and which are let go."""

import gc

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.chapters.exam_years import exam_years
from backend.chapters.models import Chapter
from backend.progress import weights
from tests.progress.builders import chapter


def is_held(name: str) -> bool:
    """Whether the chapter of this name is still in memory."""
    return any(type(each) is Chapter and each.chapter == name for each in gc.get_objects())


def test_a_replaced_catalogue_is_let_go() -> None:
    """A minute after it was asked for last, a catalogue leaves the memory with the next that is read anew."""
    weights.weigh([chapter("Replaced", y2025=3)], 2026, now=lambda: 0.0)
    weights.weigh([chapter("Young", y2025=3)], 2026, now=lambda: weights.KEPT_SECONDS - 1)
    assert is_held("Replaced")
    weights.weigh([chapter("Newest", y2025=3)], 2026, now=lambda: weights.KEPT_SECONDS + 1)
    gc.collect()
    assert not is_held("Replaced")
    assert is_held("Young")


def test_the_same_chapters_are_weighed_once() -> None:
    """Whoever asks for the same chapters again is given the same weights."""
    chapters = [chapter("Twice", y2025=3)]
    assert weights.weigh(chapters, 2026) is weights.weigh(tuple(chapters), 2026)


SYLLABUS = tuple(chapter(f"C{number}", y2023=number, y2024=2, y2025=3 + number) for number in range(9))


def with_year(of: Chapter, year: int, count: int = 9) -> Chapter:
    """The chapter with one more year."""
    return replace(of, year_wise_question_count={**of.year_wise_question_count, str(year): count})


@given(st.integers(1990, 2100), st.integers(0, 10_000), st.integers(0, 9))
def test_one_row_with_any_year_moves_nobody_elses_recent_figures(year: int, count: int, place: int) -> None:
    """A slip of one row, in the future or not, changes what was asked lately of that chapter alone, if of any."""
    odd = with_year(chapter("Odd"), year, count)
    before, after = weights.weigh(SYLLABUS, 2026), weights.weigh((*SYLLABUS[:place], odd, *SYLLABUS[place:]), 2026)
    assert after.years == before.years
    assert {**after.recent, odd.id: 0} == {**before.recent, odd.id: 0}
    assert {**after.trends, odd.id: "steady"} == {**before.trends, odd.id: "steady"}


@given(st.integers(2027, 2100))
def test_a_future_year_never_counts(year: int) -> None:
    """However many chapters have it: the clock says what is past."""
    future = [with_year(each, year) for each in SYLLABUS]
    assert weights.weigh(future, 2026).shares == weights.weigh(SYLLABUS, 2026).shares
    assert exam_years(future, year)[-1] == year


def test_a_new_paper_counts_once_half_of_the_chapters_have_it() -> None:
    """While a new year is entered chapter by chapter, figures stay; then all of them move together."""

    def latest(many: int) -> int:
        new = [with_year(each, 2026) if at < many else each for at, each in enumerate(SYLLABUS)]
        return exam_years(new, 2026)[-1]

    assert (latest(4), latest(5)) == (2025, 2026)
