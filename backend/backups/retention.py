"""Which archives are kept: the newest of each of the last 7 days, 4 weeks and 12 months, and the newest of all."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

DAILY, WEEKLY, MONTHLY = 7, 4, 12


def kept(taken: Mapping[str, datetime], zone: ZoneInfo) -> set[str]:
    """The ids to keep of all archives by the time they were taken. Days, ISO weeks and months are of `zone`.

    Periods without an archive do not count: after a long pause the last seven days that had one are kept.
    """
    newest_first = sorted(taken, key=lambda each: taken[each], reverse=True)
    wanted: set[str] = set()
    for count, period in ((DAILY, _day), (WEEKLY, _week), (MONTHLY, _month)):
        seen: set[object] = set()
        for each in newest_first:
            key = period(taken[each].astimezone(zone).date())
            if key not in seen and len(seen) < count:
                seen.add(key)
                wanted.add(each)
    return wanted


def _day(at: date) -> object:
    return at


def _week(at: date) -> object:
    return at.isocalendar()[:2]


def _month(at: date) -> object:
    return at.year, at.month
