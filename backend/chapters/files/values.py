"""Reading one value of a chapter file: a name, a whole number, a status, yes or no. Each refusal says why in words."""

import math
import re

from backend.chapters.files.table import LONGEST_TEXT, Repeated, field_of, is_empty, printable
from backend.chapters.models import FIRST_YEAR, LAST_YEAR, STATUSES, Status
from backend.errors import Invalid
from backend.kit.i18n import _, listing, number
from backend.kit.unicode_text import shows_something, tidied, unwritable
from backend.kit.whole_numbers import NotWhole, read_whole

_SHOWN = 40
_SHEET_ERROR = re.compile(r"#(?:N/A|[A-Z][A-Z/0]*[!?])")
_STATUSES: dict[str, Status] = {
    "notstarted": "Not Started",
    "inprogress": "In Progress",
    "started": "In Progress",
    "completed": "Completed",
    "complete": "Completed",
    "done": "Completed",
}
_YES = frozenset({"true", "yes", "y", "1", "x", "weak"})
_NO = frozenset({"false", "no", "n", "0", "-"})


def shown(value: object) -> str:
    """A value as a message can quote it: short, printable, never a whole list."""
    if isinstance(value, Repeated):
        return _("two values")
    if isinstance(value, list):
        return _("a list")
    if isinstance(value, dict):
        return _("an object")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return printable(str(value), _SHOWN)


def text_of(value: object, column: str, limit: int) -> str:
    """A name, tidied. Whole numbers are taken as their digits. Raises Invalid."""
    if is_empty(value):
        raise Invalid(_("“{column}” is missing.").format(column=column))
    if isinstance(value, bool | list | dict | Repeated) or _is_unreal(value):
        raise Invalid(_("“{column}” must be text, not {value}.").format(column=column, value=shown(value)))
    text = _typed(value)
    text = tidied(text) if len(text) <= LONGEST_TEXT else text
    if not text:
        raise Invalid(_("“{column}” is missing.").format(column=column))
    if len(text) > limit:
        raise Invalid(
            _("“{column}” is longer than {limit} characters: “{value}”.").format(
                column=column, limit=limit, value=shown(text)
            )
        )
    _refuse_unreadable(text, column)
    return text


def whole_of(value: object, column: str, limit: int) -> int | None:
    """A count from 0 to `limit`; None for an empty cell. Raises Invalid."""
    if is_empty(value):
        return None
    found = _whole(value)
    if found is NotWhole.AMBIGUOUS:
        raise Invalid(
            _("“{column}”: {value} can be read in two ways. Write the number without a comma or dot.").format(
                column=column, value=shown(value)
            )
        )
    if isinstance(found, NotWhole):
        raise Invalid(_("“{column}”: {value} is not a whole number.").format(column=column, value=shown(value)))
    if found < 0:
        raise Invalid(_("“{column}”: {value} is less than 0.").format(column=column, value=shown(value)))
    if found > limit:
        raise Invalid(
            _("“{column}”: {value} is more than {limit}.").format(
                column=column, value=shown(value), limit=number(limit)
            )
        )
    return found


def year_of(name: object) -> str:
    """The exam year that a key or column names, as four digits. Raises Invalid."""
    year = field_of(name)
    if year is None or not year.isdecimal() or not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise Invalid(
            _("“{value}” is not an exam year from {first} to {last}.").format(
                value=shown(name), first=FIRST_YEAR, last=LAST_YEAR
            )
        )
    return year


def status_of(value: object) -> Status | None:
    """A status, however its case and spaces are written; None for an empty cell. Raises Invalid."""
    if is_empty(value):
        return None
    text = value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""
    word = "".join(char for char in text.casefold() if char.isalnum())
    if word not in _STATUSES:
        raise Invalid(
            _("“{column}”: {value} is none of {choices}.").format(
                column="status", value=shown(value), choices=listing(list(STATUSES))
            )
        )
    return _STATUSES[word]


def yes_or_no(value: object, column: str) -> bool | None:
    """A mark; None for an empty cell. Raises Invalid."""
    if is_empty(value):
        return None
    text = _typed(value) if isinstance(value, str | int | float) else ""
    word = text.strip().casefold() if len(text) <= LONGEST_TEXT else ""
    if word not in _YES | _NO:
        raise Invalid(_("“{column}”: {value} is neither yes nor no.").format(column=column, value=shown(value)))
    return word in _YES


def _is_unreal(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _typed(value: object) -> str:
    """The value as a person would type it: 12 for the 12.0 of a spreadsheet."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value)


def _whole(value: object) -> int | NotWhole:
    if isinstance(value, bool):
        return NotWhole.OTHER
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else NotWhole.OTHER
    return read_whole(value.strip().removeprefix("'")) if isinstance(value, str) else NotWhole.OTHER


def _refuse_unreadable(text: str, column: str) -> None:
    code = unwritable(text)
    if code:
        raise Invalid(_("“{column}” has a character that cannot be shown ({code}).").format(column=column, code=code))
    if not shows_something(text):
        raise Invalid(_("“{column}” has nothing that can be seen.").format(column=column))
    if _SHEET_ERROR.fullmatch(text):
        raise Invalid(_("“{column}” holds the error of a formula: {value}.").format(column=column, value=shown(text)))
