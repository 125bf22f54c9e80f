"""Answers kept as bytes: a GET that was answered from values of this process alone is answered again without its route.

This is the innermost layer: the host, the headers, the caller and the limit of each request were decided before. An
answer belongs to the viewer whom those layers found, with all that is known of them, and stands while every value that
it was made of does, half a minute at most.
"""

from collections.abc import Hashable
from typing import NamedTuple

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.credentials import Caller
from backend.api.etags import has_tag
from backend.api.raw_headers import header
from backend.api.request_size import BODY_BYTES, check_size
from backend.bootstrap import Backend
from backend.errors import TooLarge
from backend.kit.read_log import ReadLog

# Routes whose answer follows from the address, the viewer, the day, and values that are read through the cache.
KEPT = frozenset({
    "GET /chapters", "GET /chapters/archived", "GET /chapters/{chapterId}", "GET /chapters/{chapterId}/average",
    "GET /chapters/{chapterId}/history", "GET /classrooms", "GET /classrooms/archived", "GET /classrooms/{classroomId}",
    "GET /progress", "GET /progress/home", "GET /progress/insights", "GET /statistics", "GET /statistics/comparison",
    "GET /statistics/distribution", "GET /statistics/weeks",
})  # fmt: skip
REGION = "answers"
WINDOW_SECONDS = 30  # days begin and end between two windows, never within one
MOST_BYTES = 32 * 1024
LONGEST_QUERY = 500
OK, NOT_MODIFIED = 200, 304
_OF_BODY = (b"content-length", b"content-type")

RawHeaders = list[tuple[bytes, bytes]]


class KeptAnswer(NamedTuple):
    """An answer as its route sent it."""

    route: BaseRoute
    headers: RawHeaders
    body: bytes
    etag: str


class KeptAnswers:
    """Answers from what is kept, or lets the route answer and keeps that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        backend: Backend | None = getattr(scope["app"].state, "backend", None) if scope["type"] == "http" else None
        if backend is None:
            await self._app(scope, receive, send)
            return
        log, key = backend.cache.begin_log(), _key(scope, backend)
        found: KeptAnswer | None = backend.cache.derived(REGION, key) if key else None
        if found is not None:
            scope["route"] = found.route  # by which requests are counted
            await _answer(found, scope, send)
        elif key is not None:
            await self._answer_and_keep(backend, log, key, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer_and_keep(
        self, backend: Backend, log: ReadLog, key: Hashable, scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers: RawHeaders | None = None

        async def send_and_keep(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start":
                headers = list(message["headers"]) if message["status"] == OK else None  # layers around add theirs
            elif headers is not None and not message.get("more_body") and _is_kept(scope):
                body = message.get("body", b"")
                if len(body) <= MOST_BYTES:
                    etag = header({"headers": headers}, b"etag").decode("latin-1")
                    backend.cache.keep_derived(REGION, key, KeptAnswer(scope["route"], headers, body, etag), log)
            await send(message)

        await self._app(scope, receive, send_and_keep)


def _key(scope: Scope, backend: Backend) -> Hashable | None:
    """Return what an answer follows from beside values of the cache; None for a request whose answer is not kept."""
    caller: Caller | None = scope.get("state", {}).get("caller")
    if scope["method"] != "GET" or caller is None or caller.error or len(scope["query_string"]) > LONGEST_QUERY:
        return None
    try:
        check_size(scope, BODY_BYTES)
    except TooLarge:  # as the route will say
        return None
    window = int(backend.clock.now().timestamp()) // WINDOW_SECONDS
    return window, scope["path"], scope["query_string"], caller.viewer


def _is_kept(scope: Scope) -> bool:
    return f"GET {getattr(scope.get('route'), 'path', '')}" in KEPT


async def _answer(kept: KeptAnswer, scope: Scope, send: Send) -> None:
    """Send the answer; 304 without its body where the caller has it already."""
    status, headers, body = OK, list(kept.headers), kept.body
    if kept.etag and has_tag(header(scope, b"if-none-match").decode("latin-1"), kept.etag):
        status, headers, body = NOT_MODIFIED, [each for each in headers if each[0] not in _OF_BODY], b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
