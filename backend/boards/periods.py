"""The study days that a board counts, and the name of its period. Pure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from backend.boards.models import PERIODS, Period

ONE_DAY = timedelta(days=1)


class BoardSpan(NamedTuple):
    """A period as boards are named by it ("week 2026-11-16"); without days it is all time."""

    id: str
    first_day: date | None = None
    last_day: date | None = None


def period_days(period: Period, today: date) -> tuple[date | None, date | None]:
    """First and last study day of the running week (Monday to Sunday) or month; neither for all time."""
    if period == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    if period == "month":
        next_month = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
        return today.replace(day=1), next_month - ONE_DAY
    return None, None


def span(period: Period, today: date) -> BoardSpan:
    """The period of this kind in which `today` lies."""
    first_day, last_day = period_days(period, today)
    return BoardSpan(f"{period} {first_day}" if first_day else period, first_day, last_day)


def live_spans(now: datetime) -> tuple[BoardSpan, ...]:
    """Every period that is running for somebody: study days differ by a day, with the zone and the hour they end."""
    return spans(now.date() + shift * ONE_DAY for shift in (-1, 0, 1))


def spans(days: Iterable[date]) -> tuple[BoardSpan, ...]:
    """The periods in which these days lie, each once."""
    return tuple(dict.fromkeys(span(period, day) for day in days for period in PERIODS))
