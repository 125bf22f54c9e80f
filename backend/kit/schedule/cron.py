"""When a job is due: a cron expression in the school's own time zone. Pure; a clock change runs a job once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_TICK = timedelta(seconds=1)


def next_time(cron: str, zone: str, after: datetime) -> datetime:
    """The first moment after `after` that the expression names, in UTC. Raises CronSimError for a bad one.

    A time that the spring change leaves out comes right after it; one that the autumn change repeats comes once.
    """
    return next(CronSim(cron, after.astimezone(ZoneInfo(zone)))).astimezone(UTC)


def latest_time(cron: str, zone: str, at: datetime) -> datetime:
    """The last moment up to `at`, itself included, that the expression names, in UTC."""
    start = at.replace(microsecond=0) + _TICK
    found = next(CronSim(cron, start.astimezone(ZoneInfo(zone)), reverse=True)).astimezone(UTC)
    while (later := next_time(cron, zone, found)) <= at:  # going back, cronsim leaves out one before a repeated hour
        found = later
    return found
