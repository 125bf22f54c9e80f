"""The streak: study days in a row, with one automatic freeze a week. Pure, and never recomputed from clocks.

A missed day between two study days is bridged once per ISO week (of the missed day); the bridged day itself is not
counted. Study days were fixed when their acts were saved, so travel and summer time cannot break a streak.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from backend.progress.models import Streak, StreakRecord

ONE_DAY = timedelta(days=1)


def extended(streak: StreakRecord, day: date) -> StreakRecord:
    """The streak after a study day later than its last one."""
    missed = streak.last_day + ONE_DAY if streak.last_day else None
    freeze_week = streak.freeze_week
    if missed is None or day == missed:
        current = streak.current + 1
    elif _can_freeze(streak, day):
        current, freeze_week = streak.current + 1, week_of(missed)
    else:
        current = 1
    return StreakRecord(current=current, longest=max(streak.longest, current), last_day=day, freeze_week=freeze_week)


def recomputed(days: Iterable[date], longest: int = 0) -> StreakRecord:
    """The streak over all study days. `longest` is what was once reached: it is kept for good."""
    streak = StreakRecord(longest=longest)
    for day in sorted(set(days)):
        streak = extended(streak, day)
    return streak


def as_of(streak: StreakRecord, today: date) -> Streak:
    """The streak as shown today: alive while today, or one frozen day and today, can still continue it."""
    if streak.last_day is None or not _is_alive(streak, today):
        return Streak(longest=streak.longest)
    return Streak(
        current=streak.current,
        longest=streak.longest,
        is_today_done=streak.last_day >= today,
        froze=streak.last_day < today - ONE_DAY,
    )


def week_of(day: date) -> str:
    """ISO week of a day, such as "2026-W47"."""
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02}"


def _is_alive(streak: StreakRecord, today: date) -> bool:
    assert streak.last_day is not None  # noqa: S101  (the caller looked; this tells the type checker)
    return today - streak.last_day <= ONE_DAY or _can_freeze(streak, today)


def _can_freeze(streak: StreakRecord, day: date) -> bool:
    """Whether exactly one day lies between, and the freeze of that day's week is unspent."""
    if streak.last_day is None or day - streak.last_day != 2 * ONE_DAY:
        return False
    return week_of(streak.last_day + ONE_DAY) != streak.freeze_week
