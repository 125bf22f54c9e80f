"""One rule for short texts that people type and others read: names of people, boards, classes, chapters. Pure.

`tidied` is how such a text is kept, `unwritable` and `shows_something` say what must be refused, and two keys compare:
`comparison_key` for texts that are the same however they are typed, `lookalike_key` for texts that look the same.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from confusable_homoglyphs.confusables import confusables_data

# Default_Ignorable_Code_Point of Unicode: a stable set. Interlinear annotations and U+FFFC are added: they stand for
# something that a short text cannot hold.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_IGNORABLE}]")
# Symbols, letters and marks that are drawn as empty room: braille, hieroglyph, Khitan, and the head of no note.
_BLANKS = re.compile("[\u2800\U00013441\U00013442\U00016fe4\U0001d159]")
_NONCHARACTERS = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(0x10000 * p + 0xFFFE) + chr(0x10000 * p + 0xFFFF) for p in range(17)) + "]"
)
# Scripts whose letters change beside a joiner: Arabic to Mandaic, those of India and its neighbours, Khmer, Mongolian.
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uaaff\uabc0-\uabff\ufb50-\ufdcf\ufdf0-\ufdff"
    "\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff]"
)
_MONGOLIAN = re.compile("[\u1820-\u18aa]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")  # England's, Scotland's
_TAGS_AS_LETTERS = {0xE0000 + code: code for code in range(0x20, 0x7F)}
_ZWNJ, _ZWJ, _TEXT_STYLE, _EMOJI_STYLE, _TAG_END = "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\U000e007f"
_KEYCAP, _KEYCAP_BASES = "\u20e3", "0123456789#*"
_EMOJI_BESIDE_SYMBOLS = "\u203c\u2049\u2122\u2139\u2194\u3030"  # emoji that are no "other symbol" by their category
_MOST_ROUNDS = 8  # three are enough for every character of Unicode 15
_TATWEEL = "\u0640"  # stretches an Arabic word, as letter spacing does


def tidied(text: str) -> str:
    """The text in NFC with single spaces, without signs that show nothing; tidying twice changes nothing.

    Joiners stay where a script spells with them, and emoji, flags and variants of a character stay whole. Turns of
    direction, soft hyphens and other invisible signs leave; blank symbols count as spaces.
    """
    kept = "".join(_meaningful(unicodedata.normalize("NFC", text)))
    return " ".join(unicodedata.normalize("NFC", _BLANKS.sub(" ", kept)).split())


def shows_something(text: str) -> bool:
    """Whether a letter, digit, symbol or punctuation mark can be seen; marks alone have nothing to stand on."""
    return any(unicodedata.category(sign)[0] in "LNPS" for sign in _BLANKS.sub("", _INVISIBLE.sub("", text)))


def unwritable(text: str) -> str | None:
    """The first character that nobody can read, as "U+0007": controls, private use, half and never-used characters."""
    for sign in text:
        if (unicodedata.category(sign) in ("Cc", "Cs", "Co") and not sign.isspace()) or _NONCHARACTERS.match(sign):
            return f"U+{ord(sign):04X}"
    return None


def comparison_key(text: str) -> str:
    """Return a key that is equal for all ways of typing one text; never shown.

    It ignores case, width, composed or decomposed form, invisible signs, joiners, variants, spaces at the ends or
    doubled, and the script of digits: NFKC_Casefold of UAX 31, digits in ASCII, without tatweel.
    """
    visible = _FLAG.sub(lambda flag: flag[0].translate(_TAGS_AS_LETTERS), _BLANKS.sub(" ", text))
    plain = _folded(_folded(visible))  # folding once may make something that folds again
    return " ".join(_ascii_digits(plain).split())


def lookalike_key(text: str) -> str:
    """Return a key that is equal for texts that look alike in any script (a skeleton of UTS 39); never shown.

    It ignores case too, so capital I, small l and the digit 1 are the same.
    """
    key = comparison_key(text)
    for _round in range(_MOST_ROUNDS):  # a prototype may be a capital or a sign of compatibility, with one of its own
        before, key = key, comparison_key("".join(map(_prototype, unicodedata.normalize("NFD", key))))
        if key == before:
            break
    return unicodedata.normalize("NFD", key).replace("i", "l")


def _meaningful(text: str) -> Iterator[str]:
    flags = {place for flag in _FLAG.finditer(text) for place in range(flag.start(), flag.end())}
    before = ""
    for place, sign in enumerate(text):
        after = text[place + 1 : place + 2]
        if place in flags or not _INVISIBLE.match(sign) or _has_meaning(before, sign, after):
            before = sign
            yield sign


def _has_meaning(before: str, sign: str, after: str) -> bool:
    if not before:
        return False
    if sign == _ZWJ and _ends_emoji(before):
        return bool(after) and _is_emoji(after)
    if sign in (_ZWNJ, _ZWJ):
        return bool(_JOINING.match(before))
    if sign in (_TEXT_STYLE, _EMOJI_STYLE):
        return _is_emoji(before) or (before in _KEYCAP_BASES and after == _KEYCAP)
    if "\u180b" <= sign <= "\u180f":
        return bool(_MONGOLIAN.match(before))
    if "\ufe00" <= sign <= "\ufe02" or "\U000e0100" <= sign <= "\U000e01ef":
        return bool(_HAN.match(before)) or (sign == "\ufe00" and bool(_JOINING.match(before)))
    return False


def _is_emoji(sign: str) -> bool:
    """Whether it may begin or go on in an emoji: symbols, and the five shades of skin."""
    if sign in _EMOJI_BESIDE_SYMBOLS or "\U0001f3fb" <= sign <= "\U0001f3ff":
        return True
    return unicodedata.category(sign) == "So" and not _BLANKS.match(sign)


def _ends_emoji(sign: str) -> bool:
    return sign in (_EMOJI_STYLE, _TAG_END) or _is_emoji(sign)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).replace(_TATWEEL, "")).casefold()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", plain))


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)


@lru_cache(maxsize=4096)
def _prototype(sign: str) -> str:
    """The character that stands for all that look like this one, by the confusables of Unicode.

    The library lists a prototype beside all its likenesses, and a likeness beside its prototype alone.
    """
    alike = [_INVISIBLE.sub("", each["c"]) for each in confusables_data.get(sign, ())]
    if len(alike) != 1 or not alike[0]:
        return sign
    other = alike[0]
    is_prototype = len(confusables_data.get(other, ())) > 1 or len(other) > 1
    return other if is_prototype else min(sign, other)
