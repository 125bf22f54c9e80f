"""Which archives are kept: all of the last day, the newest of each of the last 7 days, 4 weeks and 12 months."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAILY, WEEKLY, MONTHLY = 7, 4, 12
LAST_DAY = timedelta(hours=24)


def kept(taken: Mapping[str, datetime], zone: ZoneInfo) -> set[str]:
    """The ids to keep of all archives by the time they were taken. Days, ISO weeks and months are of `zone`.

    Periods without an archive do not count: after a long pause the last seven days that had one are kept. Whoever takes
    one before a restore, or because something looks wrong, still has that of the night.
    """
    newest_first = sorted(taken, key=lambda each: taken[each], reverse=True)
    wanted = {each for each in newest_first if taken[newest_first[0]] - taken[each] < LAST_DAY}
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
