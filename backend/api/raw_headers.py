"""Headers as ASGI hands them over, in requests and answers alike: pairs of bytes, names in small letters."""

from collections.abc import Mapping
from typing import Any


def header(of: Mapping[str, Any], name: bytes) -> bytes:
    """Return the first value of this name in a scope or the start of an answer; b"" without one."""
    for each, value in of["headers"]:
        if each == name:
            return bytes(value)
    return b""
