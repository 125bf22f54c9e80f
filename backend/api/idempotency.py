"""Idempotency-Key on every write: the same key and request again give back the first answer, and do nothing.

Only a success is kept: a failure did nothing, so its key is free. Decisions: docs/decisions/0039-keys-of-writes.md,
docs/decisions/0072-decided-before-the-body.md.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import msgspec
from anyio.to_thread import run_sync
from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from backend.accounts.models import Viewer
from backend.api.json_reading import strict_json
from backend.bootstrap import Backend
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.idempotency import Claim, KeyInUse, ReplayedAnswer, Replays, fingerprint

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
NOBODY = "nobody"
WAIT_SECONDS = 5.0
PAUSE_SECONDS = 0.1

Handler = Callable[[Request], Awaitable[Response]]

_PLAIN = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
_CLASSROOM = re.compile(r"/classrooms/([^/]+)$")
_KEPT_HEADERS = ("content-type", "location", "etag", "cache-control")


def takes_key(method: str, path: str) -> bool:
    """Whether a request of this kind may carry a key."""
    return method in WRITES and f"{method} {path}" not in WITHOUT_KEY


def check_key(request: Request) -> None:
    """Raise Invalid for a key of the request that is none."""
    if not _PLAIN.fullmatch(request.headers[HEADER]):
        problem = _("1 to {most} printable characters without spaces").format(most=LONGEST)
        fields = {"fields": [{"field": HEADER, "problem": problem}]}
        raise Invalid(_("Some fields are not valid."), details=fields)


async def answer_once(request: Request, backend: Backend, viewer: Viewer | None, act: str, answer: Handler) -> Response:
    """The answer of the route, done once for the request's key; call it once the viewer is known to be allowed `act`.

    Not for files: their routes call `once` themselves. Raises KeyReused, KeyInUse; NotFound where a kept answer is
    about what the viewer may no longer know of.
    """
    key = request.headers[HEADER]
    mark = _fingerprint(request, await _body(request))
    found = await _begin(backend.replays, viewer.id if viewer else NOBODY, key, mark)
    if isinstance(found, ReplayedAnswer):
        await run_sync(_require_still, backend, viewer, act, request, found)
        return _again(found)
    request.state.act = f"{key}:{mark[:16]}"
    try:
        response = await answer(request)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await run_sync(backend.replays.release, found)
        raise
    await run_sync(_settle, backend.replays, found, _kept(response))
    return response


def once(request: Request, replays: Replays, viewer: Viewer, content: bytes, work: Callable[[], Response]) -> Response:
    """The answer of `work`, done once for the request's key. For routes that read a file, `content`, themselves."""
    if HEADER not in request.headers:
        return work()
    key = request.headers[HEADER]
    mark = _fingerprint(request, content)
    found = replays.begin(viewer.id, key, mark)
    if isinstance(found, ReplayedAnswer):
        return _again(found)
    request.state.act = f"{key}:{mark[:16]}"
    try:
        response = work()
    except BaseException:
        replays.release(found)
        raise
    _settle(replays, found, _kept(response))
    return response


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise HTTPException(400, "The connection was closed") from error  # read by nobody


async def _begin(replays: Replays, owner: str, key: str, mark: str) -> Claim | ReplayedAnswer:
    """As Replays.begin, but a request that comes while the first is at work waits a moment for its answer."""
    until = anyio.current_time() + WAIT_SECONDS
    while True:
        try:
            return await run_sync(replays.begin, owner, key, mark)
        except KeyInUse:
            if anyio.current_time() >= until:
                raise
        await anyio.sleep(PAUSE_SECONDS)


def _require_still(backend: Backend, viewer: Viewer | None, act: str, request: Request, kept: ReplayedAnswer) -> None:
    """Check that a kept answer is not about a classroom that was taken from the viewer since. Raises NotFound."""
    made = _CLASSROOM.search(kept.headers.get("location", ""))
    if viewer and made:
        backend.classrooms.check_again(viewer, made[1], "classrooms.get")
    elif viewer and "classroomId" in request.path_params:
        backend.classrooms.check_again(viewer, request.path_params["classroomId"], act)


def _kept(response: Response) -> ReplayedAnswer:
    shown = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    return ReplayedAnswer(response.status_code, shown, bytes(response.body))


def _settle(replays: Replays, claim: Claim, kept: ReplayedAnswer) -> None:
    """Keep the answer of a success; release the key after a failure."""
    if 200 <= kept.status < 300:  # noqa: PLR2004  (the successes of HTTP)
        replays.keep(claim, kept)
    else:
        replays.release(claim)


def _again(kept: ReplayedAnswer) -> Response:
    return Response(kept.body, kept.status, {**kept.headers, REPLAYED: "true"})


def _fingerprint(request: Request, body: bytes) -> str:
    """Return the fingerprint of a request; two spellings of the same JSON have the same fingerprint."""
    with suppress(msgspec.MsgspecError, ValueError, RecursionError, Invalid):
        body = msgspec.json.encode(strict_json(body), order="sorted")
    scope = request.scope
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    parts = (scope["method"], path, request.headers.get("if-match", ""))
    return fingerprint(*(part.encode("utf-8", "replace") for part in parts), scope["query_string"], body)
