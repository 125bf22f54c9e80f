"""Study next, coverage and pace: exam share × own gap, each with its reason in words."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.progress import plan, weights
from tests.progress.builders import chapter, progress

BIG = chapter("Big", y2023=4, y2024=9, y2025=13)
SMALL = chapter("Small", y2023=1, y2024=1, y2025=1)
OLD = chapter("Old", y2019=13, y2020=9, y2021=4, y2025=0)
TODAY = date(2026, 11, 22)
YEAR = TODAY.year


def test_a_new_student_is_led_by_exam_weight_alone() -> None:
    """Without progress there is no gap to speak of: the reason names the exam only, and the gap is no data."""
    first, *_rest = plan.study_next([SMALL, BIG], {}, YEAR)
    assert (first.chapter, first.gap, first.reason) == (BIG, None, "26 questions in 3 years")


def test_the_reason_says_what_is_known() -> None:
    """Each suggestion says how often it was asked, how much is solved and whether it is marked weak."""
    suggestions = plan.study_next([BIG, SMALL], {SMALL.id: progress(SMALL, solved=1, weak=True)}, YEAR)
    assert suggestions[1].reason == "3 questions in 3 years, 1 solved, marked weak"


def test_what_is_completed_steps_back() -> None:
    """A completed chapter leaves the top to one that is still open, unless the open one is never asked."""
    suggestions = plan.study_next([BIG, SMALL], {BIG.id: progress(BIG, "Completed", 26)}, YEAR)
    assert suggestions[0].chapter == SMALL


def test_recent_years_weigh_more() -> None:
    """The same number of questions counts more the later they were asked."""
    shares = weights.weigh([BIG, OLD], YEAR).shares
    assert shares[BIG.id] > shares[OLD.id]


def test_a_chapter_that_was_never_asked_is_never_suggested() -> None:
    """Nothing is recommended without a reason."""
    assert plan.study_next([chapter("Unasked", y2025=0)], {}, YEAR) == ()


@given(st.lists(st.lists(st.integers(0, 50), min_size=7, max_size=7), min_size=1, max_size=8))
def test_shares_add_up_to_one(table: list[list[int]]) -> None:
    """Exam shares are shares of one whole, whatever the counts."""
    chapters = [
        chapter(
            f"c{index}",
            subject="Physics",
            unit="Mechanics",
            **{f"y{2019 + offset}": count for offset, count in enumerate(counts)},
        )
        for index, counts in enumerate(table)
    ]
    total = sum(weights.weigh(chapters, YEAR).shares.values())
    assert total == pytest.approx(1.0 if any(map(sum, table)) else 0.0)


def test_coverage_weighs_by_the_exam() -> None:
    """Completing the chapter that is asked most covers most; nothing completed is 0, no past paper is no data."""
    shares = weights.weigh([BIG, SMALL], YEAR).shares
    covered = plan.coverage([BIG, SMALL], {BIG.id: progress(BIG, "Completed")}, shares)
    assert covered == pytest.approx(shares[BIG.id])
    assert plan.coverage([BIG, SMALL], {}, shares) == 0
    unasked = chapter("Unasked")
    assert plan.coverage([unasked], {}, weights.weigh([unasked], YEAR).shares) is None


def test_rising_and_falling() -> None:
    """The last three years against those before."""
    up = chapter("Up", y2021=1, y2022=1, y2023=5, y2024=5, y2025=5)
    fewer = chapter("Fewer", y2021=9, y2022=9, y2023=5, y2024=5, y2025=5)
    trends = weights.weigh([up, fewer, BIG], YEAR).trends
    assert trends == {up.id: "rising", fewer.id: "falling", BIG.id: "steady"}


@pytest.mark.parametrize(
    ("completed", "left", "exam", "sentence"),
    [
        (0, 5, None, "No chapter was completed in the last 4 weeks, so there is no pace to carry on yet."),
        (
            0,
            5,
            date(2026, 12, 27),
            "No chapter was completed in the last 4 weeks, so there is no pace to carry on yet. "
            "1 chapter a week finishes it in time.",
        ),
        (4, 0, None, "Every chapter is completed."),
        (28, 10, None, "At your pace of the last 4 weeks, you finish on 2 Dec 2026."),
        (
            28,
            10,
            date(2026, 12, 1),
            "At your pace of the last 4 weeks, you finish on 2 Dec 2026, 1 day after the exam. "
            "8 chapters a week finish it in time.",
        ),
        (
            28,
            10,
            date(2026, 12, 4),
            "At your pace of the last 4 weeks, you finish on 2 Dec 2026, 2 days before the exam.",
        ),
    ],
)
def test_pace_in_one_sentence(completed: int, left: int, exam: date | None, sentence: str) -> None:
    """The last four weeks carried on, said plainly, late or early."""
    assert plan.pace(completed, left, TODAY, exam).sentence == sentence
