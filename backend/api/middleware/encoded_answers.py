"""Answers that are kept encoded: GET /chapters, as bytes with their ETag, by who asks and what for.

They live in the cache under the tags of all they are made of, so a changed chapter or a saved answer of a student
makes a new one at once. Where this process holds one, it goes out before any route is looked for.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.accounts.models import Viewer
from backend.api.etags import has_tag, kept_for
from backend.api.schemas.envelope import cache_headers
from backend.bootstrap import Backend
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.kit.cache import Region
from backend.kit.model import Shape
from backend.progress.service import student_tag

PATH = "/chapters"
QUERY_LENGTH = 200
NOT_KEPT = (b"search", b"after")  # what people type is hardly ever asked for again


class Ready(Shape, frozen=True, kw_only=True):
    """The bytes of an answer and their ETag."""

    body: bytes
    tag: str


READY = Region("answers", Ready, ttl_seconds=60)


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that was ready here: to whom, and until when (monotonic) it may be given to her again."""

    viewer: Viewer | None
    body: bytes
    tag: bytes
    until: float


class _Route:
    """What the route would be, for whoever counts requests by route."""

    path = PATH


def ready_chapters(backend: Backend, viewer: Viewer | None, query: bytes, make: Callable[[], bytes]) -> Ready:
    """The answer to a list of chapters, from the cache or made by `make`."""

    def load() -> Ready:
        body = make()
        return Ready(body=body, tag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')

    if len(query) > QUERY_LENGTH or any(name in query for name in NOT_KEPT):
        return load()
    tags = [CATALOGUE_TAG, *([student_tag(viewer.id)] if viewer and viewer.role == "student" else [])]
    return backend.cache.get_or_create(READY, _key(viewer, query), load, tags=tags).value


def respond(request: Request, ready: Ready, viewer: Viewer | None) -> Response:
    """The answer with its ETag; 304 where the caller has it."""
    headers = {"ETag": ready.tag, **kept_for(viewer), **cache_headers()}
    if has_tag(request.headers.get("if-none-match", ""), ready.tag):
        return Response(status_code=304, headers=headers)
    return Response(ready.body, headers=headers, media_type="application/json")


class ReadyAnswers:
    """Answers GET /chapters from what this process holds; lets everything else pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].endswith(PATH):
            found = _held(scope)
            if found is not None:
                await _send(found, scope, send)
                return
        await self._app(scope, receive, send)


def _held(scope: Scope) -> Ready | None:
    caller = scope["state"].get("caller")
    if caller is None or caller.error or (caller.viewer and caller.viewer.lacks_second_factor):
        return None
    if scope["path"] != scope.get("root_path", "") + PATH:
        return None
    backend: Backend = scope["app"].state.backend
    found = backend.cache.held(READY, _key(caller.viewer, scope["query_string"]))
    return found.value if found else None


async def _send(ready: Ready, scope: Scope, send: Send) -> None:
    state, tag = scope["state"], ready.tag.encode()
    viewer = state["caller"].viewer
    scope["route"] = _Route
    state["ready"] = Held(viewer, ready.body, tag, state["caller"].until)
    headers = [(b"etag", tag), *_KEPT[viewer is not None]]
    given = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
    if given and (given == tag or has_tag(given.decode("latin-1"), ready.tag)):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers + of_body(ready.body)})
    await send({"type": "http.response.body", "body": ready.body})


def of_body(body: bytes) -> list[tuple[bytes, bytes]]:
    """The headers that only an answer with a body has."""
    return [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]


def _raw(viewer_given: bool) -> list[tuple[bytes, bytes]]:
    headers = kept_for(viewer_given) | {"X-Cache": "app"}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_KEPT = {False: _raw(False), True: _raw(True)}


def _key(viewer: Viewer | None, query: bytes) -> str:
    own = viewer.id if viewer and viewer.role == "student" else ""
    return f"{PATH}?{query.decode('latin-1')}#{own}"
