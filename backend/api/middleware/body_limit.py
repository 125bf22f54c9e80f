"""Limits of a request's headers and body, in bytes and in seconds."""

import anyio
from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import failure
from backend.chapters.models import MAX_FILE_BYTES
from backend.kit.i18n import _

BODY_BYTES = 1024 * 1024
UPLOAD_BYTES = MAX_FILE_BYTES + 64 * 1024  # the parts of a form around its file
HEADER_BYTES = 32 * 1024
BODY_SECONDS, UPLOAD_SECONDS = 30.0, 300.0  # 1 MB at 35 KB a second, 50 MB at 170
UPLOADS = "/import"


class BodyLimit:
    """Refuses a body above 1 MB (50 MB for an uploaded file), by what it says and what arrives; or that is slow."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = UPLOAD_BYTES if scope["path"].endswith(UPLOADS) else BODY_BYTES
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES:
            await failure(431, "too_large", _("The headers are too large."), Request(scope))(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > most:
            await failure(413, "too_large", _too_large(most), Request(scope))(scope, receive, send)
            return
        received, is_whole = 0, False
        due = anyio.current_time() + (UPLOAD_SECONDS if most == UPLOAD_BYTES else BODY_SECONDS)

        async def receive_counted() -> Message:
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
                raise HTTPException(413, _too_large(most))
            return message

        await self._app(scope, receive_counted, send)


def _too_large(most: int) -> str:
    return _("The body is larger than {limit} MB.").format(limit=most // 1024**2)
