"""One rule for whole numbers that people write, whatever their script and separators. Pure.

pages/assets/whole_number.js is its twin in the browser; tests/kit/whole_numbers.json holds the cases of both.
"""

import re
import unicodedata
from enum import StrEnum

LONGEST = 30
_DOTS, _SPACES, _APOSTROPHES = ".．", " \u00a0\u2009\u202f", "'’٬"
_SIGNS = {"−": "-", "－": "-", "＋": "+", "，": ",", **dict.fromkeys(_DOTS, "."), **dict.fromkeys(_SPACES, " ")}
_SIGNS |= dict.fromkeys(_APOSTROPHES, "'")
# A space or an apostrophe is never a decimal sign; a comma or a dot that stands twice is none either.
_UNSEEN = "Cf"  # marks of the direction of writing and the like, which come with what is pasted
_PLAIN = re.compile(r"\d+(?:[.,٫]0{1,2})?")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([ '])\d{3}(?:\1\d{3})*|([.,])\d{3}(?:\2\d{3})+)|[1-9]\d?(?:,\d{2})+,\d{3}")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


class NotWhole(StrEnum):
    """Why a text is not taken as a whole number."""

    AMBIGUOUS = "ambiguous"  # 1.000 is a thousand in one country and one in another
    OTHER = "other"


def read_whole(text: str) -> int | NotWhole:
    """The whole number that the text can only mean.

    Digits of any script are the same. Groups are accepted where their separator cannot be a decimal sign anywhere:
    1 234, 1'234, 1,234,567, 12,34,567. One or two zeros after a decimal sign change nothing: 5.0 is 5.
    """
    written = "".join(sign for sign in text if unicodedata.category(sign) != _UNSEEN).strip()
    if len(written) > LONGEST:
        return NotWhole.OTHER
    plain = "".join(_SIGNS.get(sign) or str(unicodedata.decimal(sign, sign)) for sign in written)
    sign, digits = (plain[0], plain[1:]) if plain[:1] in ("+", "-") else ("", plain)
    if _AMBIGUOUS.fullmatch(digits):
        return NotWhole.AMBIGUOUS
    if _PLAIN.fullmatch(digits):
        number = int(re.split("[.,٫]", digits)[0])
    elif _GROUPED.fullmatch(digits):
        number = int(re.sub(r"\D", "", digits))
    else:
        return NotWhole.OTHER
    return -number if sign == "-" else number
