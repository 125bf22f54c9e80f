"""Time that goes on from the moment at which a school was made."""

from datetime import datetime, timedelta
from time import monotonic


class MovingClock:
    """Data that was made once stays as fresh as it was then: it is always the day on which it was made."""

    def __init__(self, start: datetime) -> None:
        self._start, self._began = start, monotonic()

    def now(self) -> datetime:
        """To the millisecond, as MongoDB keeps it."""
        now = self._start + timedelta(seconds=monotonic() - self._began)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
