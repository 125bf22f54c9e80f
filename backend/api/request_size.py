"""Limits of a request in bytes and seconds; routes check them once they know who calls (router.py).

Starlette's own limit (FastAPI's `max_body_size`) is not used: docs/decisions/0089-own-body-limit.md.
"""

from time import monotonic

import anyio
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from backend.api.raw_headers import header
from backend.chapters.models import MAX_FILE_BYTES
from backend.errors import TooLarge
from backend.kit.i18n import _
from backend.kit.upload_quota import UploadQuota, Usage

BODY_BYTES = 1024 * 1024
UPLOAD_BYTES = MAX_FILE_BYTES + 64 * 1024  # the parts of a form around its file
ADDRESS_BYTES = 16 * 1024
HEADER_BYTES = 32 * 1024
BODY_SECONDS, UPLOAD_SECONDS = 30.0, 300.0  # 1 MB at 35 KB a second, 50 MB at 170
PERSON = Usage(files=2, bytes=2 * UPLOAD_BYTES)
EVERYBODY_BYTES = 10 * UPLOAD_BYTES  # on disk while they arrive


class _HeadTooLarge(TooLarge):
    """The headers are too large."""

    status = 431


class _AddressTooLong(TooLarge):
    """The address is too long."""

    status = 414


def upload_quota() -> UploadQuota:
    """Return the quota of the files that arrive at a process at the same time."""
    return UploadQuota(person=PERSON, everybody_bytes=EVERYBODY_BYTES)


def check_size(scope: Scope, most: int) -> None:
    """Raise TooLarge where the address, the headers, or the body that they announce are too large."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > ADDRESS_BYTES:
        raise _AddressTooLong(_("The address is too long."))
    if sum([len(name) + len(value) for name, value in scope["headers"]]) > HEADER_BYTES:
        raise _HeadTooLarge(_("The headers are too large."))
    said = said_length(scope)
    if said is not None and said > most:
        raise TooLarge(too_large(most))


def limited(receive: Receive, most: int, seconds: float) -> Receive:
    """Return `receive` that raises HTTPException 413 beyond `most` bytes, and 408 when the whole takes longer."""
    received, is_whole = 0, False
    due = monotonic() + seconds

    async def receive_limited() -> Message:
        nonlocal received, is_whole
        if is_whole:  # what comes now is the end of the connection, whenever that is
            return await receive()
        try:
            with anyio.fail_after(max(0.0, due - monotonic())):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, _("The body of the request came too slowly.")) from None
        is_whole = not message.get("more_body", False)
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, too_large(most))
        return message

    return receive_limited


def said_length(scope: Scope) -> int | None:
    """Return the Content-Length of a request; None where it says none, as one that comes in chunks."""
    length = header(scope, b"content-length").decode("latin-1")
    return int(length) if length.isdecimal() else None


def too_large(most: int) -> str:
    """Return the sentence about a body above `most` bytes."""
    return _("The body is larger than {limit} MB.").format(limit=most // 1024**2)
