"""Time: always aware, always asked of a clock, so that tests and the demo school can set it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment in UTC, to the millisecond (what MongoDB can keep)."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return _to_milliseconds(datetime.now(UTC))


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime) -> None:
        self._at = _to_milliseconds(at)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        self._at = _to_milliseconds(at)

    def advance(self, delta: timedelta) -> None:
        self.set(self._at + delta)


def _to_milliseconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
