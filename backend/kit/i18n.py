"""Words, dates and numbers in the reader's language: gettext catalogues and CLDR formats (Babel)."""

import gettext as _gettext
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel import dates as _dates
from babel import numbers as _numbers
from babel.lists import format_list as _format_list

CATALOGUES = Path(__file__).resolve().parent.parent / "locale"
DEFAULT_LOCALE = "en_IN"

_MINUTE, _HOUR, _IN_MINUTES = 60, 3600, 100  # from so many seconds on a wait is said in minutes

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


def use_locale(name: str) -> None:
    """Speak `name` (such as "en_IN") for the rest of this request or script run."""
    _locale.set(name)


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speak `name` within a block, as for a letter to somebody else."""
    before = _locale.set(name)
    try:
        yield
    finally:
        _locale.reset(before)


def current_locale() -> str:
    """Name of the locale in use."""
    return _locale.get()


@cache
def _catalogue(name: str) -> _gettext.NullTranslations:
    return _gettext.translation("messages", CATALOGUES, languages=[name], fallback=True)


@cache
def _babel(name: str) -> Locale:
    return Locale.parse(name)


def _(message: str) -> str:
    """`message` in the reader's language; the message itself where no translation exists."""
    return _catalogue(_locale.get()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form that fits `count`, by the plural rules of the reader's language."""
    return _catalogue(_locale.get()).ngettext(singular, plural, count)


def number(value: float) -> str:
    """A number with the separators of the locale: 12345 → "12,345"."""
    return _number(value, type(value).__name__, _locale.get())


@lru_cache(maxsize=4096)
def _number(value: float, _kind: str, locale: str) -> str:
    return str(_numbers.format_decimal(value, locale=_babel(locale)))


def percent(share: float, digits: int = 0) -> str:
    """A share (0.421) as a percentage with so many digits after the point ("42%", "42.1%")."""
    return _percent(share, digits, _locale.get())


@lru_cache(maxsize=4096)
def _percent(share: float, digits: int, locale: str) -> str:
    pattern = "#,##0." + "0" * digits + "%" if digits else None
    return str(_numbers.format_percent(share, pattern, locale=_babel(locale)))


def day(value: date, style: str = "medium") -> str:
    """A calendar day, such as "22 Nov 2026"; `style` is short, medium, long, full or a CLDR pattern."""
    return _day(value, type(value).__name__, style, _locale.get())


@lru_cache(maxsize=4096)
def _day(value: date, _kind: str, style: str, locale: str) -> str:
    return str(_dates.format_date(value, style, locale=_babel(locale)))


def moment(value: datetime, zone: str, style: str = "medium") -> str:
    """Day and time in `zone`."""
    return str(_dates.format_datetime(value, style, tzinfo=_dates.get_timezone(zone), locale=_babel(_locale.get())))


def day_of(value: datetime, zone: str, style: str = "medium") -> str:
    """The day of a moment as it is in `zone`: in Kolkata a new one has begun five and a half hours before UTC's."""
    return day(value.astimezone(ZoneInfo(zone)).date(), style)


def clock_time(value: datetime, zone: str, style: str = "short") -> str:
    """The time of day in `zone`."""
    return str(_dates.format_time(value, style, tzinfo=_dates.get_timezone(zone), locale=_babel(_locale.get())))


def ago(delta: timedelta) -> str:
    """How long ago, in words: "3 days ago"."""
    return str(_dates.format_timedelta(-delta, add_direction=True, locale=_babel(_locale.get())))


def waiting_time(seconds: float) -> str:
    """A time to wait, rounded up: "8 seconds", "3 minutes", "2 hours"."""
    whole = max(1, math.ceil(seconds))
    if whole < _IN_MINUTES:
        return ngettext("{count} second", "{count} seconds", whole).format(count=number(whole))
    if whole <= _HOUR:
        minutes = math.ceil(whole / _MINUTE)
        return ngettext("{count} minute", "{count} minutes", minutes).format(count=number(minutes))
    hours = math.ceil(whole / _HOUR)
    return ngettext("{count} hour", "{count} hours", hours).format(count=number(hours))


def listing(items: list[str]) -> str:
    """ "a, b and c" in the reader's language."""
    return str(_format_list(items, locale=_babel(_locale.get())))
