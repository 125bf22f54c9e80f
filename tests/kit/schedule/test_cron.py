"""When jobs are due, clock changes included."""

from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSimError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.kit.schedule.cron import latest_time, next_time

BERLIN, CRONS = "Europe/Berlin", ("30 2 * * *", "0 2 * * *", "0 */6 * * *", "*/15 * * * *", "0 3 * * SUN")
AUTUMN = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_time_is_the_schools() -> None:
    """Two in the morning in Kolkata is half past eight in the evening of the day before in Greenwich."""
    assert next_time("0 2 * * *", "Asia/Kolkata", datetime(2026, 11, 18, 12, tzinfo=UTC)) == datetime(
        2026, 11, 18, 20, 30, tzinfo=UTC
    )


def test_the_autumn_change_runs_a_job_once() -> None:
    """The night in which half past two comes twice has one run, and the next is a day later."""
    first = next_time("30 2 * * *", BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert first == AUTUMN
    assert next_time("30 2 * * *", BERLIN, first) == AUTUMN + timedelta(days=1, hours=1)


def test_the_spring_change_leaves_no_run_out() -> None:
    """In the night that has no half past two the job comes right after the change."""
    assert next_time("30 2 * * *", BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )


@settings(max_examples=200, deadline=None)
@example(cron="30 2 * * *", zone=BERLIN, start=AUTUMN, minutes=31)  # within the hour that comes twice
@example(cron="30 1 * * *", zone="America/New_York", start=datetime(2026, 11, 1, 6, 3, tzinfo=UTC), minutes=0)
@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from([BERLIN, "Asia/Kolkata", "America/New_York"]),
    start=st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), AUTUMN, AUTUMN + timedelta(days=7, hours=3)]),
    minutes=st.one_of(st.integers(-300, 300), st.integers(0, 525_600)),
)
def test_the_latest_time_is_the_last_of_those_that_come_one_after_the_other(
    cron: str, zone: str, start: datetime, minutes: int
) -> None:
    """Between the latest time up to a moment and the next one after it there is none."""
    moment = start + timedelta(minutes=minutes)
    latest = latest_time(cron, zone, moment)
    assert latest <= moment
    assert next_time(cron, zone, latest) > moment


def test_a_bad_expression_is_told() -> None:
    """A sixtieth minute does not pass in silence."""
    with pytest.raises(CronSimError):
        next_time("60 * * * *", BERLIN, AUTUMN)
