"""Which encoding a text file is in, and a refusal that names the place where it is in none."""

import codecs
import re

from backend.chapters.files.table import NoHeader
from backend.errors import Invalid
from backend.kit.i18n import _, number

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_OLD = "cp1252"
_BEGINNING = 1000
# Words of a European language have accents here and there; noise has them everywhere.
_OLD_SHARE = 0.2


def encoding_of(content: bytes) -> str:
    """The codec that reads all of the content: UTF-8, UTF-16 or 32 by their mark, or Windows-1252 where it can be text.

    Raises Invalid, naming line and byte, where none does, and NoHeader where it is no text.
    """
    marked = next((codec for mark, codec in _MARKS if content.startswith(mark)), None)
    if marked is None and b"\0" in content[:_BEGINNING]:
        raise NoHeader
    codec = marked or "utf-8"
    try:
        content.decode(codec)
    except UnicodeDecodeError as error:
        if marked is None and _is_old_text(content):
            return _OLD
        raise _refusal(content, error, codec) from error
    return codec


def is_guess(codec: str) -> bool:
    """Whether the codec was taken only because nothing better fits, which the reader should be told."""
    return codec == _OLD


def _is_old_text(content: bytes) -> bool:
    if _BINARY.search(content):
        return False
    try:
        content.decode(_OLD)
    except UnicodeDecodeError:
        return False
    accented = len(_NOT_ASCII.findall(content[: 1 << 20]))
    return accented <= _OLD_SHARE * min(len(content), 1 << 20) and not _has_utf8(content)


def _has_utf8(content: bytes) -> bool:
    """Whether it is UTF-8 that was damaged: some accents are right, so reading it as Windows-1252 would spoil those."""
    return not content.decode("utf-8", "ignore").isascii()


def _refusal(content: bytes, error: UnicodeDecodeError, codec: str) -> Exception:
    if _BINARY.search(content[:_BEGINNING]) and codec == "utf-8":
        return NoHeader()
    line = content.count(b"\n", 0, error.start) + 1
    return Invalid(
        _(
            "Line {line} (byte {position}) cannot be read as {encoding} text. "
            "Save the file again with the encoding UTF-8."
        ).format(line=number(line), position=number(error.start + 1), encoding=codec.upper().removesuffix("-SIG")),
        code="wrong_encoding",
    )
