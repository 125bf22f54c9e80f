"""The streak: study days in a row, one automatic freeze a week, never broken by clocks."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.progress.models import StreakRecord
from backend.progress.rules import study_day
from backend.progress.streak import as_of, extended, recomputed

MONDAY = date(2026, 11, 16)
DAYS = st.lists(st.integers(0, 400).map(lambda n: MONDAY + timedelta(days=n)), unique=True, max_size=80)


def days(*offsets: int) -> list[date]:
    return [MONDAY + timedelta(days=offset) for offset in offsets]


@given(DAYS)
def test_extending_day_by_day_equals_recomputing(studied: list[date]) -> None:
    """However a calendar came about, the kept streak is what a recomputation gives."""
    kept = StreakRecord()
    for day in sorted(studied):
        kept = extended(kept, day)
    assert kept == recomputed(studied)


@given(DAYS, st.integers(0, 3))
def test_the_longest_streak_is_kept_for_good(studied: list[date], removed: int) -> None:
    """Taking days back may shorten the present streak, never the longest one reached."""
    whole = recomputed(studied)
    less = recomputed(sorted(studied)[: len(studied) - removed], longest=whole.longest)
    assert less.longest == whole.longest >= less.current


def test_one_missed_day_a_week_is_bridged() -> None:
    """A day missed between two study days does not end the streak, and is not counted either."""
    assert recomputed(days(0, 1, 3)).current == 3


def test_a_second_missed_day_in_the_same_week_ends_it() -> None:
    """There is one freeze a week."""
    assert recomputed(days(0, 2, 4)).current == 1


def test_the_freeze_returns_with_the_next_week() -> None:
    """A missed day in each of two weeks is bridged twice."""
    assert recomputed(days(0, 1, 3, 4, 5, 6, 7, 9)).current == 8


def test_two_missed_days_end_it() -> None:
    """Only a single day is bridged."""
    assert recomputed(days(0, 1, 4)).current == 1


def test_yesterday_keeps_the_streak_alive_today() -> None:
    """Before today's work the streak stands, and says that today does not count yet."""
    streak = recomputed(days(0, 1))
    shown = as_of(streak, MONDAY + timedelta(days=2))
    assert (shown.current, shown.is_today_done, shown.froze) == (2, False, False)


def test_after_the_freeze_is_spent_the_streak_is_over() -> None:
    """It is shown as 0 once nothing can continue it; the longest stays."""
    streak = recomputed(days(0, 2, 3))
    shown = as_of(streak, MONDAY + timedelta(days=5))
    assert (shown.current, shown.longest) == (0, 3)


def test_a_study_day_ends_when_the_student_says() -> None:
    """Work at half past one at night counts for the day before, where the day ends at two."""
    night = datetime(2026, 11, 17, 20, 0, tzinfo=UTC)  # 01:30 on the 18th in Kolkata
    assert study_day(night, "Asia/Kolkata", 0) == date(2026, 11, 18)
    assert study_day(night, "Asia/Kolkata", 2) == date(2026, 11, 17)


@given(st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)), st.integers(0, 6))  # noqa: DTZ001  (made aware below)
def test_every_moment_has_one_study_day(at: datetime, hour: int) -> None:
    """Summer time or not, a study day is today or yesterday on the wall calendar."""
    moment = at.replace(tzinfo=UTC)
    local = moment.astimezone().date()
    assert abs((study_day(moment, "America/New_York", hour) - local).days) <= 1
