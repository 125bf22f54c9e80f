"""How the names of a chapter are written, wherever they come from. Lengths and missing names are judged elsewhere."""

import re
import unicodedata

# Marks that show nothing and would make two chapters look alike. The joiners U+200C/D stay: Hindi spells with them.
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)
_JOINERS = dict.fromkeys([0x200C, 0x200D])
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CLASS = re.compile(
    r"(?:(?:class|grade|standard|std)[\s.:_-]*)?(?:(\d{1,2})(?:\.0+|\s?(?:st|nd|rd|th))?|([ivx]{1,4}))",
    re.IGNORECASE,
)
_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_ROMAN = {numeral: number for number, numeral in enumerate(_NUMERALS, 1)}


def tidy(text: str) -> str:
    """The text in NFC, with single spaces, none at the ends, no invisible marks. Tidying twice changes nothing."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


def same(text: str) -> str:
    """What two spellings of one name have in common: neither case nor the forms and joiners of letters count.

    At least as broad as the collation of the index that keeps chapters apart, so that a twin is found before it is
    written.
    """
    return unicodedata.normalize("NFKC", text.translate(_JOINERS)).casefold()


def unwritable(text: str) -> str | None:
    """The first character that cannot be stored or shown (a control or half a character), as "U+0007"."""
    found = _UNWRITABLE.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def class_name(text: str) -> str:
    """A class as we write it: 11, "11th", "XI", "grade 11" are "Class 11"; what names no class stays as it is."""
    found = _CLASS.fullmatch(text)
    if not found:
        return text
    digits, roman = found.groups()
    number = _ROMAN.get(roman.lower(), 0) if roman else int(digits)
    return f"Class {number}" if 1 <= number <= len(_ROMAN) else text
