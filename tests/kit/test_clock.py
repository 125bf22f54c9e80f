"""Clocks: always aware, always UTC, to the millisecond that MongoDB can keep."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backend.kit.clock import Clock, SetClock, SystemClock

KOLKATA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize("clock", [SystemClock(), SetClock(datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=KOLKATA))])
def test_times_are_utc_to_the_millisecond(clock: Clock) -> None:
    """A time that is stored and read back is the same time."""
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_the_system_clock_is_right() -> None:
    """It lies between two looks at the machine's own clock, within the millisecond it cuts off."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert before <= SystemClock().now() <= datetime.now(UTC)


def test_a_set_clock_stands_until_it_is_moved() -> None:
    """It shows what it was set to, and moves by what it is told."""
    clock = SetClock(datetime(2026, 1, 1, 5, 30, tzinfo=KOLKATA))
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.advance(timedelta(hours=2))
    assert clock.now() == datetime(2026, 1, 1, 2, tzinfo=UTC)
