"""Deadline of a request: all its calls of servers share this time. Streams have none.

A request that only reads may be answered by any server of the database while there is no primary.
"""

from contextlib import nullcontext

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.kit import deadline
from backend.kit.mongo.guarded_client import reading_from_any

REQUEST_SECONDS = 10.0
FILE_SECONDS = 300.0
STREAMS = ("/events", "-stream")
FILES = ("/import", "/export")


class Deadlines:
    """Sets the deadline of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith(STREAMS):
            await self._app(scope, receive, send)
            return
        is_reading = scope["method"] == "GET"
        with (
            deadline.within(FILE_SECONDS if scope["path"].endswith(FILES) else REQUEST_SECONDS),
            reading_from_any() if is_reading else nullcontext(),
        ):
            await self._app(scope, receive, send)
