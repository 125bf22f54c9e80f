"""Reading one value of a chapter file: a name, a whole number, a status, yes or no. Each refusal says why in words."""

import math
import re
from collections.abc import Mapping

from backend.chapters.files.columns import SYLLABUS, span_of_years
from backend.chapters.files.mangled import date_of_serial, is_serial
from backend.chapters.files.table import (
    LONGEST_TEXT,
    DateCell,
    Repeated,
    UnknownResult,
    is_empty,
    printable,
    span_words,
)
from backend.chapters.models import FIRST_YEAR, LAST_YEAR, STATUSES, Status
from backend.errors import Invalid
from backend.kit.i18n import _, listing, number
from backend.kit.search_words import folded, is_of_a_word, words
from backend.kit.unicode_text import comparison_key, shows_something, tidied, unwritable
from backend.kit.whole_numbers import NotWhole, read_whole

_SHOWN = 40
# The text of a formula without a result, in any language: #REF!, #ССЫЛКА!, #NOM ?, #N/A, #NV, #Н/Д, Err:502.
_SHEET_ERROR = re.compile(r"#\S+\s?[!?]|#(?:N/A|N/D|NV|Н/Д|GETTING_DATA)|Err:\d{3}")
_WORDS_OF_STATUS: Mapping[Status, str] = {
    "Not Started": "not started|notstarted|not yet started|not yet|not begun|unstarted|to do|todo|शुरू नहीं|शुरू नहीं किया",
    "In Progress": "in progress|inprogress|started|begun|ongoing|on going|doing|working|wip|जारी|चल रहा है|शुरू",
    "Completed": "completed|complete|done|finished|finish|पूर्ण|पूरा|पूरा हुआ|समाप्त",
}
_STATUSES = {"".join(words(word)): status for status, said in _WORDS_OF_STATUS.items() for word in said.split("|")}
_TICKS = frozenset("✓✔☑✅")
_YES = frozenset({"true", "yes", "y", "1", "x", "हाँ", "हां"}) | _TICKS
_NO = frozenset({"false", "no", "n", "0", "-", "–", "☐", "नहीं"})
_WEAK, _NOT_WEAK = frozenset({"weak", "कमज़ोर"}), frozenset({"not weak", "strong"})
_EMOJI_STYLE = "\ufe0f"
_BESIDE_A_STATUS = frozenset("-–—_") | _TICKS


def shown(value: object) -> str:
    """A value as a message can quote it: short, printable, never a whole list."""
    if value is None:
        return "null"
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
    _refuse_unknown(value, column)
    if isinstance(value, DateCell) or is_serial(value):
        raise _date(value, column)
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
    _refuse_unknown(value, column)
    if isinstance(value, DateCell):
        raise Invalid(
            _("“{column}”: {value} is a date. Format the column as a number, and type it again.").format(
                column=column, value=shown(value)
            )
        )
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
    if span_of_years(name):
        raise Invalid(span_words(name))
    year = SYLLABUS.field_of(name)
    if year is None or not year.isdecimal() or not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise Invalid(
            _("“{value}” is not an exam year from {first} to {last}.").format(
                value=shown(name), first=FIRST_YEAR, last=LAST_YEAR
            )
        )
    return year


def status_of(value: object, column: str) -> Status | None:
    """A status, in the words that people use; None for an empty cell. Raises Invalid."""
    if is_empty(value):
        return None
    _refuse_unknown(value, column)
    if _word(value) in _YES - {"1"}:  # a tick, also of a column that is called Done
        return "Completed"
    text = value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""
    word = "".join(words(text))
    if word not in _STATUSES or not _says_no_more(text):
        raise Invalid(
            _("“{column}”: {value} is not one of {choices}.").format(
                column=column, value=shown(value), choices=listing(list(STATUSES))
            )
        )
    return _STATUSES[word]


def _says_no_more(text: str) -> bool:
    """Whether nothing stands beside the words of a status: “done?” or “☐ done” says something else than “done”."""
    beside = (sign for sign in folded(text).strip().rstrip("!.") if not sign.isspace() and not is_of_a_word(sign))
    return all(sign in _BESIDE_A_STATUS for sign in beside)


def weak_mark(value: object, column: str) -> bool | None:
    """A mark; None for an empty cell. Raises Invalid."""
    if is_empty(value):
        return None
    _refuse_unknown(value, column)
    word = str(int(count)) if (count := _whole(value)) in (0, 1) else _word(value)
    if word not in _YES | _NO | _WEAK | _NOT_WEAK:
        raise Invalid(_("“{column}”: {value} is neither yes nor no.").format(column=column, value=shown(value)))
    return word in _YES | _WEAK


def _word(value: object) -> str:
    text = _typed(value) if isinstance(value, str | int | float) else ""
    return comparison_key(text.replace(_EMOJI_STYLE, "")) if len(text) <= LONGEST_TEXT else ""


def _refuse_unknown(value: object, column: str) -> None:
    if isinstance(value, UnknownResult):
        raise Invalid(
            _(
                "“{column}” is the formula {value}, and its result is not in the file. Open the file in your "
                "spreadsheet program and save it there."
            ).format(column=column, value=shown(value))
        )


def _date(value: object, column: str) -> Invalid:
    said = value.text if isinstance(value, DateCell) else date_of_serial(float(str(value)))
    return Invalid(
        _("“{column}” is the date {date}. Format the column as text in your spreadsheet, and type it again.").format(
            column=column, date=said
        )
    )


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
        raise Invalid(_("“{column}” has only invisible characters.").format(column=column))
    if _SHEET_ERROR.fullmatch(text):
        raise Invalid(_("“{column}” holds the error of a formula: {value}.").format(column=column, value=shown(text)))
