"""Study days folded into weeks from Monday on. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta

from backend.classrooms.models import Week
from backend.progress.models import StudyDay

WEEK = timedelta(days=7)


def first_day(today: date, count: int) -> date:
    """The Monday on which the first of `count` weeks begins; today's week is the last."""
    return today - timedelta(days=today.weekday()) - (count - 1) * WEEK


def weekly(days: Iterable[StudyDay], today: date, count: int, *, has_earlier: bool = False) -> tuple[Week, ...]:
    """The last `count` weeks, oldest first.

    Weeks before the first of `days` hold no data rather than 0, unless there are earlier days (`has_earlier`).
    """
    days, first = tuple(days), first_day(today, count)
    began = first if has_earlier else min((day.day for day in days), default=today + WEEK)
    by_week: dict[int, list[StudyDay]] = {}
    for day in days:
        by_week.setdefault((day.day - first) // WEEK, []).append(day)
    return tuple(_week(first + number * WEEK, by_week.get(number, []), began) for number in range(count))


def _week(start: date, days: list[StudyDay], began: date) -> Week:
    if start + WEEK <= began:
        return Week(first_day=start)
    return Week(
        first_day=start,
        completed=max(0, sum(day.completed for day in days)),
        solved=max(0, sum(day.solved for day in days)),
    )
