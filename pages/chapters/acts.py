"""The address to which browsers send acts on chapters: outside any script run, so that no change of page loses one.

Only the product's own pages may use it: by the session cookie, for which SecurityHeaders refuses foreign origins.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from backend.accounts.models import Viewer, require
from backend.api.raw_headers import cookie
from backend.errors import AppError, Conflict, Invalid, TooLarge
from backend.kit.i18n import _, use_locale
from backend.kit.model import Shape
from backend.kit.observability import log, tracing
from backend.kit.observability.metrics import FRAGMENT_RUNS
from pages.chapters import saving
from pages.shell import rate_limits, services, session

ADDRESS = "/acts/progress"
LONGEST_BYTES = 64 * 1024  # what a browser sends while it leaves a page
_log = log.get(__name__)


class SentActs(Shape, frozen=True, kw_only=True):
    """A request: the person whose acts they are, who may not be the one who is signed in by now."""

    person: str
    acts: tuple[Mapping[str, Any], ...]


class Answers(Shape, frozen=True, kw_only=True):
    """The answers, each with its act's key, and the rows as they stand after them."""

    answers: tuple[saving.ActResult, ...]
    rows: Mapping[str, saving.OwnRow]


def route() -> Route:
    """Return the route for app.py."""
    return Route(ADDRESS, _take, methods=["POST"])


async def _take(request: Request) -> Response:
    """Answer a browser: 200 with Answers, or an error with a sentence, after which it keeps its acts."""
    with log.about(request_id=secrets.token_hex(8), viewer_id=None), tracing.root("acts"):
        try:
            viewer = await anyio.to_thread.run_sync(_viewer, cookie(request.scope, session.SESSION_COOKIE))
            body = await _body(request)
            answers = await anyio.to_thread.run_sync(_carry_out, viewer, body)
        except AppError as error:
            return _json(error.status, {"code": error.code, "message": saving.put_off(error)})
        except ClientDisconnect:
            return Response(status_code=400)  # read by nobody
        return _json(200, answers)


def _viewer(token: str) -> Viewer:
    return require(services.backend().sign_in.viewer(token) if token else None, "student")


async def _body(request: Request) -> bytes:
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LONGEST_BYTES:
            raise TooLarge(_("That is too much at once."))
        parts.append(part)
    return b"".join(parts)


def _carry_out(viewer: Viewer, body: bytes) -> Answers:
    use_locale(viewer.locale)
    log.note(viewer_id=viewer.id)
    try:
        sent = msgspec.json.decode(body, type=SentActs)
    except msgspec.MsgspecError as error:
        raise Invalid(_("Some fields are not valid.")) from error
    if sent.person != viewer.id:
        raise Conflict(_("Somebody else is signed in now."), code="other_person")
    backend = services.backend()
    with backend.metrics.timed(FRAGMENT_RUNS, "chapters/acts"):
        saver = saving.Saver(backend.progress, backend.clock, viewer, admit=rate_limits.count_change)
        acts, refused = _understood(sent.acts)
        return Answers(answers=(*refused, *saver.answers(acts)), rows=saver.rows(acts))


def _understood(sent: Sequence[Mapping[str, Any]]) -> tuple[list[saving.Act], list[saving.ActResult]]:
    """Return the acts, and refusals of those that make no sense: an older page's, kept by its browser for long."""
    acts, refused = [], []
    for each in sent:
        try:
            acts.append(msgspec.convert(each, saving.Act))
        except msgspec.ValidationError as error:
            _log.warning("act_not_understood", reason=str(error))
            note = saving.Note(kind="refused", text=_("Not saved: this page is older than the server. Reload it."))
            refused.append(saving.ActResult(key=str(each.get("key", "")), note=note))
    return acts, refused


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, {"cache-control": "no-store"}, "application/json")
