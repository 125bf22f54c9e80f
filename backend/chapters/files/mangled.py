"""Values such as "11-12" or "2/3" that a spreadsheet turned into dates, their serial numbers, and both as text."""

import re
from datetime import date, datetime, timedelta
from functools import cache

from babel.dates import get_month_names

from backend.kit.i18n import day

_LANGUAGES = ("en", "hi", "de", "fr", "es", "it", "pt")
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 # the days of a sheet have no zone
_LAST_SERIAL = 2_958_465  # 31 Dec 9999
_SERIALS = range(30_000, 60_000)  # 1982 to 2064: the years whose dates people have by mistake
_SERIAL_DIGITS = 5
_DAYS = re.compile(
    r"(\d{1,2}[/-]\d{1,2}[/-]\d{2}(\d{2})?|\d{4}[/-]\d{1,2}[/-]\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4})"
    r"([ t]\d{1,2}(:\d{2}){1,2})?"
)
# Number formats that every workbook has and none lists: dates and times, Western and East Asian.
_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_PERCENTAGES = frozenset((9, 10))
_QUOTED = re.compile(r"\"[^\"]*\"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]", re.IGNORECASE)
_DATE_SIGNS = re.compile(r"[dmyhs]", re.IGNORECASE)


def looks_like_date(text: str) -> bool:
    """Whether the text is how a spreadsheet writes a date, such as 11-Dec, Mar-02 or 03/04/2026."""
    return bool(_DAYS.fullmatch(text.casefold()) or _months().fullmatch(text.casefold()))


def is_serial(value: object) -> bool:
    """Whether a number is one by which spreadsheets keep the days, or the moments, of our time."""
    return isinstance(value, int | float) and _SERIALS.start <= value < _SERIALS.stop


def is_serial_text(text: str) -> bool:
    """Whether the text is such a number."""
    return text.isdecimal() and len(text) == _SERIAL_DIGITS and int(text) in _SERIALS


def date_of_serial(value: float) -> str:
    """The day behind such a number, in words."""
    return day((_EPOCH + timedelta(days=int(value))).date())


def date_words(value: float, *, is_1904: bool) -> str:
    """Return the text that a cell with a date format shows for its number: a day, or a time of day."""
    if not 0 <= value <= _LAST_SERIAL - 1462 * is_1904:
        return str(value)
    moment = (_EPOCH_1904 if is_1904 else _EPOCH) + timedelta(days=value)
    return f"{moment:%H:%M}" if value < 1 else day(date(moment.year, moment.month, moment.day))


def is_date_format(number: int, code: str | None) -> bool:
    """Whether cells of a number format are shown as dates or times. `code`: where the workbook defines it itself."""
    if code is None:
        return number in _DATE_FORMATS
    return bool(_DATE_SIGNS.search(_QUOTED.sub("", code.partition(";")[0])))


def is_percentage(number: int, code: str | None) -> bool:
    """Return whether cells of a number format show a hundred times their number and a percent sign."""
    if code is None:
        return number in _PERCENTAGES
    return "%" in _QUOTED.sub("", code.partition(";")[0])


@cache
def _months() -> re.Pattern[str]:
    names = {
        name.strip(".").casefold()
        for language in _LANGUAGES
        for name in get_month_names("abbreviated", locale=language).values()
    }
    month = "(?:" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + r")\.?"
    return re.compile(rf"\d{{1,2}}-{month}(?:-\d{{2,4}})?|{month}-\d{{2}}(?:\d{{2}})?")
