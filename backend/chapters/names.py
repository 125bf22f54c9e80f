"""The spelling of a chapter's class, from any source. The rules for every name are in kit/unicode_text.py."""

import re
import unicodedata

_CLASS = re.compile(
    r"(?:(?:class|grade|standard|std|कक्षा)[\s.:_-]*)?(?:(\d{1,2})(?:\.0+|\s?(?:st|nd|rd|th|वीं|वी|वां))?|([ivx]{1,4})(?:st|nd|rd|th)?)",
    re.IGNORECASE,
)
_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_ROMAN = {numeral: number for number, numeral in enumerate(_NUMERALS, 1)}


def class_name(text: str) -> str:
    """A class as we write it: 11, "11th", "XIth", "grade 11", "कक्षा ११" are "Class 11"; what names no class stays."""
    found = _CLASS.fullmatch(unicodedata.normalize("NFKC", text))
    if not found:
        return text
    digits, roman = found.groups()
    number = _ROMAN.get(roman.lower(), 0) if roman else int(digits)
    return f"Class {number}" if 1 <= number <= len(_ROMAN) else text
