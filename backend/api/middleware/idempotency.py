"""Idempotency-Key on every write: the same key and request again give back the first answer, and do nothing.

Only a success is kept: a failure did nothing, so its key is free. Decision: docs/decisions/0039-keys-of-writes.md.
"""

import re
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

import anyio
import msgspec
from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.accounts.models import Viewer
from backend.api.deps import optional_viewer
from backend.api.errors import answer_to, failure
from backend.bootstrap import Backend
from backend.errors import AppError, NotSignedIn
from backend.kit.i18n import _
from backend.kit.idempotency import Claim, Kept, KeyInUse, Replays, fingerprint
from backend.kit.observability import log

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 150
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Signing in twice does no harm, a refresh token is spent by its own rule, and answers with tokens, secrets and
# recovery codes are not kept.
WITHOUT_KEY = frozenset(
    {f"POST /auth/{name}" for name in ("login", "refresh", "logout", "reauthenticate", "second-factor")}
    | {f"POST /auth/second-factor/{name}" for name in ("setup", "confirm", "recovery-codes")}
    | {f"{method} /auth/browser-session" for method in ("POST", "DELETE")}
)
BY_ANYBODY = frozenset({"/auth/register"})
WAIT_SECONDS = 5.0
PAUSE_SECONDS = 0.1

_PLAIN = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
CODES = {408: "too_slow", 413: "too_large"}
_KEPT_HEADERS = ("content-type", "location", "etag", "cache-control")
_log = log.get(__name__)


class Once:
    """Does each act with a key once. Bodies of files pass through: their routes call `once` themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] in WRITES else None
        backend: Backend | None = getattr(scope["app"].state, "backend", None) if key is not None else None
        if key is None or backend is None or not takes_key(scope["method"], _path(scope)):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if not _PLAIN.fullmatch(key):
            await _bad_key(request)(scope, receive, send)
            return
        viewer = await anyio.to_thread.run_sync(_viewer, request, backend)
        if viewer is None and _path(scope) not in BY_ANYBODY:
            await self._app(scope, receive, send)  # whose route says that nobody is signed in
            return
        if Headers(scope=scope).get("content-type", "").lower().startswith("multipart/"):
            request.state.key = key
            await self._app(scope, receive, send)
            return
        response = await self._answered(request, backend.replays, viewer.id if viewer else "nobody", key)
        await response(scope, receive, send)

    async def _answered(self, request: Request, replays: Replays, owner: str, key: str) -> Response:
        try:
            body = await request.body()
            mark = _fingerprint(request, body)
            found = await _begin(replays, owner, key, mark)
        except HTTPException as error:  # of the limit of bodies
            return failure(error.status_code, CODES[error.status_code], str(error.detail), request)
        except AppError as error:
            return answer_to(request, error)
        except ClientDisconnect:
            return Response(status_code=400)  # read by nobody
        if isinstance(found, Kept):
            return _again(found)
        request.state.act = f"{key}:{mark[:16]}"
        try:
            kept = await self._done(request.scope, body)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(replays.release, found)
            raise
        await anyio.to_thread.run_sync(_settle, replays, found, kept)
        return Response(kept.body, kept.status, dict(kept.headers))

    async def _done(self, scope: Scope, body: bytes) -> Kept:
        """The answer of the app, as a whole: it is kept before the caller may lose it."""
        status, headers, parts = 500, Headers(), []
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], Headers(raw=message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return Kept(status, dict(headers), b"".join(parts))


def takes_key(method: str, path: str) -> bool:
    """Whether a request of this kind may carry a key."""
    return method in WRITES and f"{method} {path}" not in WITHOUT_KEY


def once(request: Request, replays: Replays, viewer: Viewer, content: bytes, work: Callable[[], Response]) -> Response:
    """The answer of `work`, done once for the request's key. For routes that read the body `content` themselves."""
    key: str | None = getattr(request.state, "key", None)
    if key is None:
        return work()
    mark = _fingerprint(request, content)
    found = replays.begin(viewer.id, key, mark)
    if isinstance(found, Kept):
        return _again(found)
    request.state.act = f"{key}:{mark[:16]}"
    try:
        response = work()
    except BaseException:
        replays.release(found)
        raise
    _settle(replays, found, Kept(response.status_code, dict(response.headers), bytes(response.body)))
    return response


async def _begin(replays: Replays, owner: str, key: str, mark: str) -> Claim | Kept:
    """As Replays.begin, but a request that comes while the first is at work waits a moment for its answer."""
    until = anyio.current_time() + WAIT_SECONDS
    while True:
        try:
            return await anyio.to_thread.run_sync(replays.begin, owner, key, mark)
        except KeyInUse:
            if anyio.current_time() >= until:
                raise
        await anyio.sleep(PAUSE_SECONDS)


def _settle(replays: Replays, claim: Claim, kept: Kept) -> None:
    """Keep a success, let go of a failure. The act is done either way, so trouble here must not be the answer."""
    shown = {name: value for name, value in kept.headers.items() if name in _KEPT_HEADERS}
    try:
        if 200 <= kept.status < 300:  # noqa: PLR2004  (the successes of HTTP)
            replays.keep(claim, Kept(kept.status, shown, kept.body))
        else:
            replays.release(claim)
    except AppError as error:
        _log.warning("replay_not_kept", reason=error.message)


def _again(kept: Kept) -> Response:
    return Response(kept.body, kept.status, {**kept.headers, REPLAYED: "true"})


def _fingerprint(request: Request, body: bytes) -> str:
    """What the caller asks for; two ways to write the same JSON are the same."""
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        body = msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    scope: MutableMapping[str, Any] = request.scope
    parts = (scope["method"], _path(scope), request.headers.get("if-match", ""))
    return fingerprint(*(part.encode("utf-8", "replace") for part in parts), scope["query_string"], body)


def _viewer(request: Request, backend: Backend) -> Viewer | None:
    try:
        return optional_viewer(request, backend)
    except NotSignedIn:
        return None


def _path(scope: MutableMapping[str, Any]) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _bad_key(request: Request) -> Response:
    problem = _("1 to {most} printable characters without spaces").format(most=LONGEST)
    details = {"fields": [{"field": HEADER, "problem": problem}]}
    return failure(422, "invalid", _("Some fields do not fit."), request, details)
