"""Events as they happen: /events and the stream of one chapter. Who may hear what is decided here, by the services."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import anyio
from fastapi import Header, Query, Request, Response
from fastapi.sse import format_sse_event

from backend.accounts import rooms
from backend.accounts.models import Viewer, require
from backend.api.credentials import current_viewer, is_still
from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns_stream
from backend.api.router import Router
from backend.api.schemas.requests import ChapterId
from backend.api.streaming.connections import EventStreamResponse, Place, Streams, frame, heartbeat_seconds
from backend.bootstrap import Backend
from backend.errors import AppError, Invalid, NotAllowed, NotFound
from backend.kit.events.hub import Subscription
from backend.kit.events.subscription import place
from backend.kit.i18n import _
from backend.policy import Relation, authorise

ROOMS_LIMIT = 50
CHECK_SECONDS = 1.0  # with the 1 s that a look takes at most, a session that is over is cut within two
LOOK_SECONDS = 2.5  # how long a viewer who is still the same may go on hearing the rooms
LEAST_PACE_MS, MOST_PACE_MS = 700, 20_000
PACE_MS_PER_LISTENER = 50  # twenty parts of pages redrawn a second, whatever the number of viewers
RETRY_MS = (2000, 5000)  # spread, so that a restart is not met by everybody at once
ME = "student:me"

router = Router(tags=["Events"])

_SAYS = (
    "Events of the rooms: `connected` first, then `changed` with `{rooms: {name: what may be known}}`, `missed` where "
    "everything should be read again, `state` when the pace changes or other processes are not heard, `ended` when "
    "the session is over. A comment every 15 seconds shows that the stream lives"
)
After = Annotated[
    str | None, Query(max_length=40, description="Id of the last event known, where Last-Event-ID cannot be sent")
]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)]


@dataclass(frozen=True)
class _Listening:
    """One stream: who asked for which rooms, under which names."""

    request: Request
    backend: Backend
    viewer: Viewer
    asked: Mapping[str, str]
    streams: Streams
    place: Place
    subscription: Subscription

    def find_viewer(self) -> Viewer | None:
        """Return who the request speaks for at this moment. Raises NotSignedIn."""
        return current_viewer(self.request, self.backend)

    def leave(self) -> None:
        self.backend.events.unsubscribe(self.subscription)
        self.streams.leave(self.place)


@router.get("/events", **returns_stream(_SAYS, 403, 404, 429))
async def events(
    request: Request,
    viewer: SignedIn,
    backend: BackendDep,
    names: Annotated[
        str,
        Query(
            alias="rooms",
            min_length=1,
            max_length=2000,
            description="By commas: student:me, classroom:ID (its teachers), chapter:ID, boards",
            examples=["student:me,boards"],
        ),
    ],
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Listen to changes

    Server-sent events: ids and counts, never names or contents. Reconnect with Last-Event-ID and nothing is lost.
    """
    return await _stream(request, viewer, backend, names.split(","), last_event_id or after)


@router.get("/chapters/{chapterId}/progress-stream", **returns_stream(_SAYS, 404, 429))
async def progress_stream(
    chapter_id: ChapterId,
    request: Request,
    viewer: SignedIn,
    backend: BackendDep,
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Listen to a chapter

    The room chapter:ID alone. Teachers and admins hear that somebody saved progress on it, but not who; students hear
    of their own saves.
    """
    return await _stream(request, viewer, backend, [f"chapter:{chapter_id}"], last_event_id or after)


def authorised(backend: Backend, viewer: Viewer, names: Sequence[str]) -> dict[str, str]:
    """The rooms behind the names that the viewer asked for. Raises NotAllowed, NotFound, Invalid."""
    if len(names) > ROOMS_LIMIT:
        raise Invalid(_("One stream can follow at most {count} rooms.").format(count=ROOMS_LIMIT))
    return {_authorised(backend, viewer, name): name for name in names}


def _authorised(backend: Backend, viewer: Viewer, name: str) -> str:
    kind, _colon, key = name.partition(":")
    own = rooms.student_room(viewer.id)
    missing = _("There is no such room.")
    if kind == "student" and key:
        authorise(viewer, "rooms.student", Relation.OWN if name in (ME, own) else Relation.OTHERS, missing=missing)
        return own
    if kind == "classroom" and key:
        return rooms.classroom_room(backend.classrooms.taught(viewer, key, "rooms.classroom").id)
    if kind == "chapter" and key:
        authorise(viewer, "rooms.chapter", Relation.SHARED)
        return rooms.chapter_room(backend.chapters.get(key).id, viewer)
    if name == rooms.BOARDS:
        authorise(viewer, "rooms.boards")
        return rooms.boards_room(viewer)
    raise NotFound(missing)


async def _stream(
    request: Request, viewer: Viewer, backend: Backend, names: Sequence[str], after: str | None
) -> Response:
    after = _checked_id(after)
    asked = await anyio.to_thread.run_sync(authorised, backend, viewer, names)
    streams: Streams = request.app.state.streams
    taken = streams.take(viewer.id)
    try:
        subscription = await anyio.to_thread.run_sync(
            lambda: backend.events.subscribe(tuple(asked), taken.wake, after=after)
        )
    except BaseException:
        streams.leave(taken)
        raise
    listening = _Listening(request, backend, viewer, asked, streams, taken, subscription)
    return EventStreamResponse(_lines(listening), release=listening.leave)


def _checked_id(after: str | None) -> str:
    try:
        if after:
            place(after)
    except ValueError as error:
        raise Invalid(_("This is not the id of an event.")) from error
    return after or ""


async def _lines(listening: _Listening) -> AsyncIterator[bytes]:
    """All that is written on one stream, until it ends or its reader goes."""
    state = _state(listening)
    yield format_sse_event(retry=random.randint(*RETRY_MS))  # noqa: S311  (spread, no secret)
    yield frame("connected", {"rooms": list(listening.asked.values()), **state})
    checked_at = looked_at = written_at = anyio.current_time()
    heartbeat = heartbeat_seconds()
    while not listening.place.is_ending:
        now = anyio.current_time()
        await listening.place.wait(min(checked_at + CHECK_SECONDS, written_at + heartbeat) - now)
        for event in listening.subscription.take():
            told = {listening.asked[room]: payload for room, payload in event.rooms.items()}
            yield frame(event.name, {"rooms": told}, event.id)
            written_at = anyio.current_time()
        if anyio.current_time() >= checked_at + CHECK_SECONDS:
            checked_at = anyio.current_time()
            if checked_at >= looked_at + LOOK_SECONDS or not is_still(listening.viewer, listening.find_viewer):
                ended = await anyio.to_thread.run_sync(_why_ended, listening, limiter=listening.streams.checks)
                if ended:
                    yield frame("ended", {"code": ended.code, "message": ended.message})
                    return
                looked_at = anyio.current_time()
            if _has_changed(state, _state(listening)):
                state = _state(listening)
                yield frame("state", state)
        if anyio.current_time() >= written_at + heartbeat:
            yield format_sse_event(comment="here")
            written_at, heartbeat = anyio.current_time(), heartbeat_seconds()


def _why_ended(listening: _Listening) -> AppError | None:
    """Return the error that ends this stream (session over, class left, role changed), else None."""
    try:
        viewer = require(listening.find_viewer())
        if viewer.id != listening.place.viewer_id:
            return NotFound(_("There is no such room."))
        asked = authorised(listening.backend, viewer, tuple(listening.asked.values()))
        if viewer.role != listening.viewer.role or asked != listening.asked:
            return rights_changed()
    except AppError as error:
        return error
    return None


def rights_changed() -> AppError:
    """Return the error of a stream or socket whose person may hear more or less than when it was opened."""
    return NotAllowed(_("Your rights have changed. Please reload the page."), code="role_changed")


def _state(listening: _Listening) -> dict[str, Any]:
    """The shortest time between two redraws of a page, and whether events of other processes arrive."""
    audience = listening.backend.events.audience(tuple(listening.asked))
    pace = min(MOST_PACE_MS, max(LEAST_PACE_MS, PACE_MS_PER_LISTENER * audience))
    return {"paceMs": pace, "isLive": listening.backend.events.healthy}


def _has_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    ratio = now["paceMs"] / before["paceMs"]
    return before["isLive"] != now["isLive"] or not 2 / 3 < ratio < 3 / 2
