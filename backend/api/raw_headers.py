"""Headers as ASGI hands them over, in requests and answers alike: pairs of bytes, names in small letters.

Cookies are read here as they stand. The framework's reader undoes quotes and backslashes, which none of ours has, in a
time that grows with the square of their number.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def header(of: Mapping[str, Any], name: bytes) -> bytes:
    """Return the first value of this name in a scope or the start of an answer; b"" without one."""
    for each, value in of["headers"]:
        if each == name:
            return bytes(value)
    return b""


def cookies(of: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each cookie of a request, without what is a space to Unicode around them."""
    for each in header(of, b"cookie").decode("latin-1").split(";"):
        name, _equals, value = each.partition("=")
        yield name.strip(), value.strip()


def cookie(of: Mapping[str, Any], name: str) -> str:
    """Return the value of one cookie of a request; "" without it. Two different ones are refused before."""
    return next((value for each, value in cookies(of) if each == name), "")
