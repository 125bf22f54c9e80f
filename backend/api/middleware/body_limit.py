"""Limits of a request's address, headers and body, in bytes and in seconds, decided before a byte of the body is read.

A route that takes a file declares `max_body_size`; its limit holds for its own path and method, and only for callers
who may use it. Every other request has the small limit.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import anyio
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.accounts.models import Viewer
from backend.api.credentials import known_caller
from backend.api.errors import answer_to
from backend.api.openapi.permissions import ROUTES
from backend.chapters.models import MAX_FILE_BYTES
from backend.errors import AppError, TooLarge
from backend.kit.i18n import _
from backend.kit.upload_quota import UploadQuota, Usage
from backend.policy import authorise

BODY_BYTES = 1024 * 1024
UPLOAD_BYTES = MAX_FILE_BYTES + 64 * 1024  # the parts of a form around its file
ADDRESS_BYTES = 16 * 1024
HEADER_BYTES = 32 * 1024
BODY_SECONDS, UPLOAD_SECONDS = 30.0, 300.0  # 1 MB at 35 KB a second, 50 MB at 170
PERSON = Usage(files=2, bytes=2 * UPLOAD_BYTES)
EVERYBODY_BYTES = 10 * UPLOAD_BYTES  # on disk while they arrive


class _Upload(NamedTuple):
    """A route that takes a file: its path and method, the act of the policy table, the size it declares."""

    path: re.Pattern[str]
    method: str
    act: str
    most: int


class BodyLimit:
    """Refuses a body above 1 MB (50 MB where a route takes a file), by what it says and what arrives, or a slow one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._uploads: tuple[_Upload, ...] | None = None
        self._quota = UploadQuota(person=PERSON, everybody_bytes=EVERYBODY_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = self._upload(scope)
        most = upload.most if upload else BODY_BYTES
        try:
            viewer = _uploader(scope, upload) if upload else None
            _check_head(scope, most)
            with self._room(viewer, scope, most):
                seconds = UPLOAD_SECONDS if upload else BODY_SECONDS
                await self._app(scope, limited(receive, most, seconds), send)
        except _Refused as refused:
            await answer_to(Request(scope), refused.error)(scope, receive, send)

    @contextmanager
    def _room(self, viewer: Viewer | None, scope: Scope, most: int) -> Iterator[None]:
        """Reserve room for the file of `viewer`, if any, during the block. Raises _Refused before it begins."""
        with ExitStack() as stack:
            if viewer:
                said = said_length(scope)
                with _refusing():
                    stack.enter_context(self._quota.reserve(viewer.id, most if said is None else said))
            yield

    def _upload(self, scope: Scope) -> _Upload | None:
        if self._uploads is None:
            self._uploads = tuple(_declared(scope["app"]))
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return next((each for each in self._uploads if each.method == scope["method"] and each.path.match(path)), None)


class _Refused(Exception):
    """The request is answered without its body being read."""

    def __init__(self, error: AppError) -> None:
        super().__init__(error.message)
        self.error = error


class _HeadTooLarge(TooLarge):
    """The headers are too large."""

    status = 431


class _AddressTooLong(TooLarge):
    """The address is too long."""

    status = 414


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn an AppError of the block into _Refused, to tell it from one of the route."""
    try:
        yield
    except AppError as error:
        raise _Refused(error) from error


def _uploader(scope: Scope, upload: _Upload) -> Viewer | None:
    """Return who uploads; None while the backend starts, which the route says. Raises _Refused for all who may not."""
    caller = known_caller(Request(scope))
    if caller is None:
        return None
    with _refusing():
        return authorise(caller.checked(), upload.act)


def _check_head(scope: Scope, most: int) -> None:
    """Raise _Refused where the address, the headers or the body that they announce are too large."""
    said = said_length(scope)
    with _refusing():
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > ADDRESS_BYTES:
            raise _AddressTooLong(_("The address is too long."))
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES:
            raise _HeadTooLarge(_("The headers are too large."))
        if said is not None and said > most:
            raise TooLarge(too_large(most))


def _declared(api: FastAPI) -> Iterator[_Upload]:
    """Yield the routes that declare a size. Raises KeyError for one that the policy table does not know."""
    for route in iter_route_contexts(api.routes):
        most = getattr(route, "max_body_size", None)
        if most is not None and route.path:
            for method in route.methods or ():
                yield _Upload(compile_path(route.path)[0], method, ROUTES[f"{method} {route.path}"], most)


def limited(receive: Receive, most: int, seconds: float) -> Receive:
    """Return `receive` that raises HTTPException 413 beyond `most` bytes, and 408 when the whole takes longer."""
    received, is_whole = 0, False
    due = anyio.current_time() + seconds

    async def receive_limited() -> Message:
        nonlocal received, is_whole
        if is_whole:  # what comes now is the end of the connection, whenever that is
            return await receive()
        try:
            with anyio.fail_after(max(0.0, due - anyio.current_time())):
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
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else None


def too_large(most: int) -> str:
    """Return the sentence about a body above `most` bytes."""
    return _("The body is larger than {limit} MB.").format(limit=most // 1024**2)
