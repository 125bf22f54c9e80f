"""WS /ws: join chapters, save progress, hear of saves. Each socket is bounded in every way it can grow."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import anyio
import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from backend.accounts import rooms
from backend.accounts.models import Viewer
from backend.api.credentials import Credential, by_token, is_still, protocols
from backend.api.routes.events import CHECK_SECONDS, LOOK_SECONDS, ROOMS_LIMIT, rights_changed
from backend.api.routes.progress import save_one
from backend.api.streaming.connections import HEARTBEAT_SECONDS, SOCKETS, Streams, heartbeat_seconds
from backend.api.streaming.socket_messages import (
    MOST_BYTES,
    Authenticate,
    JoinChapter,
    Leave,
    Message,
    Ping,
    ProgressUpdate,
    said,
)
from backend.api.streaming.socket_messages import heard as decoded
from backend.api.streaming.socket_sign_in import PROTOCOL, opening_credential
from backend.bootstrap import Backend
from backend.errors import AppError, Invalid, NotAllowed, NotSignedIn, RateLimited, TooLarge, Unavailable
from backend.kit.events.hub import MISSED, Subscription
from backend.kit.i18n import _
from backend.kit.idempotency import ReplayedAnswer, fingerprint
from backend.kit.mongo.client import new_id
from backend.policy import Relation, authorise
from backend.progress.models import change_of

ENTRY_SECONDS = 5.0  # for authentication
SEND_SECONDS = 10.0  # a reader that takes longer is gone, or holds us up
BOARD_SECONDS = 1.0  # of many saves a board is told once
MISTAKES = 20  # in a row; then the client is broken
BROKEN, RESTARTING, LATER = 1008, 1012, 1013
CODES = {401: 4401, 403: 4403, 413: 1009, 422: BROKEN, 429: 4429, 503: LATER}
T = TypeVar("T")

router = APIRouter()


@router.websocket("/ws")
async def socket(websocket: WebSocket) -> None:
    """Open a socket: find out who calls, then listen and speak until one side ends it."""
    backend: Backend | None = getattr(websocket.app.state, "backend", None)
    if backend is None:
        await websocket.close(LATER)
        return
    try:
        credential = opening_credential(websocket, backend)
    except AppError as error:
        await websocket.close(CODES[error.status], error.message[:100])
        return
    await websocket.accept(PROTOCOL if PROTOCOL in protocols(websocket) else None)
    await Socket(websocket, backend).serve(credential)


class Socket:
    """One open socket."""

    def __init__(self, websocket: WebSocket, backend: Backend) -> None:
        self._websocket = websocket
        self._backend = backend
        self._streams: Streams = websocket.app.state.streams
        self._sending = anyio.Lock()
        self._joined: dict[str, Subscription] = {}
        self._mistakes = 0
        self._why: AppError | None = None

    async def serve(self, credential: Credential | None) -> None:
        """Everything, until the socket is closed."""
        with ExitStack() as held:
            try:
                await self._open(credential, held)
                async with anyio.create_task_group() as tasks:
                    for work in (self._tell, self._hear):
                        tasks.start_soon(self._until_ended, work, tasks.cancel_scope)
            except AppError as error:
                self._why = error
            except WebSocketDisconnect:
                return
            if self._why:
                await self._end(self._why)

    async def _open(self, credential: Credential | None, held: ExitStack) -> None:
        with self._streams.entering():
            self._credential = credential or await self._entry()
        self._viewer = await anyio.to_thread.run_sync(self._credential.viewer)
        authorise(self._viewer, "rooms.boards")
        self._place = self._streams.take(self._viewer.id, SOCKETS)
        held.callback(self._streams.leave, self._place)
        held.callback(self._leave_all)
        self._boards = await self._listen(rooms.boards_room(self._viewer))
        held.callback(self._backend.events.unsubscribe, self._boards)
        self._looked_at = anyio.current_time()
        await self._say("connected", heartbeatSeconds=HEARTBEAT_SECONDS, mayWrite=self._credential.may_write)

    async def _entry(self) -> Credential:
        """The credential of the first message. Raises NotSignedIn where it does not come."""
        message: Message | None = None
        try:
            with anyio.fail_after(ENTRY_SECONDS):
                message = decoded(_checked(await self._websocket.receive()))
        except (TimeoutError, ValueError, msgspec.MsgspecError, Invalid):
            pass
        if not isinstance(message, Authenticate):
            raise NotSignedIn(_("The first message must be {kind}, with an access token.").format(kind="authenticate"))
        return by_token(self._backend, message.token)

    async def _until_ended(self, work: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        try:
            await work()
        except AppError as error:
            self._why = error
        except (WebSocketDisconnect, TimeoutError, RuntimeError):
            pass  # the listener is gone
        finally:
            scope.cancel()

    async def _end(self, error: AppError) -> None:
        """Say why, and close with the code that stands for it."""
        code = RESTARTING if isinstance(error, _Restarting) else CODES.get(error.status, BROKEN)
        try:
            await self._say("ended", error=_reason(error))
            await self._websocket.close(code, error.message[:100])
        except (WebSocketDisconnect, TimeoutError, RuntimeError):
            return

    async def _say(self, kind: str, **fields: Any) -> None:
        with anyio.fail_after(SEND_SECONDS):
            async with self._sending:
                await self._websocket.send_text(said(kind, **fields))

    # what is heard of others

    async def _tell(self) -> None:
        now = anyio.current_time()
        checked_at, board_at, is_board_due, heartbeat_at = now, 0.0, False, now + heartbeat_seconds()
        while not self._place.is_ending:
            due = [checked_at + CHECK_SECONDS, heartbeat_at]
            if is_board_due:
                due.append(board_at + BOARD_SECONDS)
            await self._place.wait(min(due) - anyio.current_time())
            is_board_due = await self._tell_events() or is_board_due
            now = anyio.current_time()
            if is_board_due and now >= board_at + BOARD_SECONDS:
                await self._say("leaderboard-changed")
                board_at, is_board_due = now, False
            if now >= checked_at + CHECK_SECONDS:
                await self._check(now)
                checked_at = anyio.current_time()
            if now >= heartbeat_at:
                await self._say("heartbeat")
                heartbeat_at = now + heartbeat_seconds()
        raise _Restarting(_("The service is restarting."))

    async def _tell_events(self) -> bool:
        """Tell what waits; whether the boards have changed."""
        for chapter_id, subscription in tuple(self._joined.items()):
            for event in subscription.take():
                if event.name == MISSED:
                    await self._say("missed", chapterId=chapter_id)
                else:
                    (payload,) = event.rooms.values()
                    await self._say("progress-updated", chapterId=chapter_id, **payload)
        return bool(self._boards.take())

    async def _check(self, now: float) -> None:
        """Raises what stands against this socket by now: the session over, the token too old."""
        if now < self._looked_at + LOOK_SECONDS and is_still(self._viewer, self._credential.viewer):
            return
        gone = await anyio.to_thread.run_sync(self._look, limiter=self._streams.checks)
        self._looked_at = now
        for chapter_id in gone:
            self._leave(chapter_id)
            await self._say("left", chapterId=chapter_id, code="not_found")

    def _look(self) -> list[str]:
        """The joined chapters that are no longer there."""
        self._viewer = self._same_rights(self._credential.viewer())
        known = {chapter.id for chapter in self._backend.chapters.active()}
        return [chapter_id for chapter_id in self._joined if chapter_id not in known]

    def _same_rights(self, viewer: Viewer) -> Viewer:
        """Return the viewer, if they may hear what this socket was opened for. Raises NotAllowed."""
        if viewer.id != self._viewer.id:
            raise NotAllowed(_("This socket is another person's. Open one of your own."))
        if (viewer.role, rooms.boards_room(viewer)) != (self._viewer.role, rooms.boards_room(self._viewer)):
            raise rights_changed()
        return viewer

    # what the client says

    async def _hear(self) -> None:
        while self._mistakes < MISTAKES:
            text = _checked(await self._websocket.receive())
            message: Message | None = None
            try:
                message = decoded(text)
                await self._admit()
                await self._act(message)
                self._mistakes = 0
            except AppError as error:
                await self._refuse(message.id if message else None, error)
            except (ValueError, msgspec.MsgspecError) as error:
                words = _("This message is not known here: {reason}").format(reason=error)
                await self._refuse(None, Invalid(words))
        raise Invalid(_("Too many messages could not be read."))

    async def _act(self, message: Message) -> None:
        if isinstance(message, Ping):
            await self._say("pong", id=message.id)
        elif isinstance(message, JoinChapter):
            await self._join(message)
        elif isinstance(message, Leave):
            self._leave(message.chapter_id)
            await self._say("left", id=message.id, chapterId=message.chapter_id)
        elif isinstance(message, ProgressUpdate):
            if not self._credential.may_write:
                raise NotAllowed(_("A browser's cookie may read, but not write. Send an access token."))
            await self._say("saved", id=message.id, data=await anyio.to_thread.run_sync(self._save, message))
        else:
            await self._renew(by_token(self._backend, message.token), message.id)

    async def _join(self, message: JoinChapter) -> None:
        chapter_id = await anyio.to_thread.run_sync(self._joinable, message.chapter_id)
        if chapter_id not in self._joined:
            if len(self._joined) >= ROOMS_LIMIT:
                raise Invalid(_("One stream can follow at most {count} rooms.").format(count=ROOMS_LIMIT))
            self._joined[chapter_id] = await self._listen(rooms.chapter_room(chapter_id, self._viewer))
        await self._say("joined", id=message.id, chapterId=chapter_id)

    def _joinable(self, chapter_id: str) -> str:
        chapter = self._backend.chapters.get(chapter_id)
        authorise(self._credential.viewer(), "rooms.chapter", Relation.SHARED)
        return chapter.id

    def _save(self, message: ProgressUpdate) -> msgspec.Raw:
        """The answer as JSON. Whoever may save at this moment saves, not who could when the socket was opened."""
        viewer, backend = authorise(self._credential.viewer(), "progress.change"), self._backend
        if message.key is None:
            return _encoded(
                save_one(backend, viewer, message.chapter_id, change_of(message), new_id(), message.confirm)
            )
        mark = fingerprint(b"progress-update", msgspec.json.encode(msgspec.structs.replace(message, id=None)))
        found = backend.replays.begin(viewer.id, message.key, mark)
        if isinstance(found, ReplayedAnswer):
            return msgspec.Raw(found.body)
        try:
            act = f"{message.key}:{mark[:16]}"
            saved = _encoded(save_one(backend, viewer, message.chapter_id, change_of(message), act, message.confirm))
        except BaseException:
            backend.replays.release(found)
            raise
        backend.replays.keep(found, ReplayedAnswer(200, {}, bytes(saved)))
        return saved

    async def _renew(self, credential: Credential, message_id: str | None) -> None:
        viewer = await anyio.to_thread.run_sync(credential.viewer)
        self._credential, self._viewer = credential, self._same_rights(viewer)
        await self._say("authenticated", id=message_id)

    async def _refuse(self, message_id: str | None, error: AppError) -> None:
        self._mistakes += 1
        await self._say("error", id=message_id, error=_reason(error))

    async def _admit(self) -> None:
        """Raises RateLimited for a client that talks too much."""
        limits, address = self._backend.limits, self._websocket.client.host if self._websocket.client else ""
        decision = limits.held(self._viewer, address, "api")
        if decision is None or not decision.allowed:
            await anyio.to_thread.run_sync(limits.admit, self._viewer, address, "api")

    async def _listen(self, room: str) -> Subscription:
        wake = self._place.wake
        return await anyio.to_thread.run_sync(lambda: self._backend.events.subscribe((room,), wake))

    def _leave(self, chapter_id: str) -> None:
        subscription = self._joined.pop(chapter_id, None)
        if subscription:
            self._backend.events.unsubscribe(subscription)

    def _leave_all(self) -> None:
        for chapter_id in tuple(self._joined):
            self._leave(chapter_id)


class _Restarting(Unavailable):
    """The process is about to stop."""


def _checked(message: Any) -> str | bytes:
    """The text of a received message. Raises WebSocketDisconnect, TooLarge."""
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text: str | bytes = message.get("text") or message.get("bytes") or ""
    if len(text) > MOST_BYTES:
        raise TooLarge(_("A message may have at most {limit} KB.").format(limit=MOST_BYTES // 1024))
    return text


def _reason(error: AppError) -> dict[str, Any]:
    reason: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        reason["details"] = error.details
    if isinstance(error, RateLimited):
        reason["retryAfterSeconds"] = round(error.retry_after_seconds, 1)
    return reason


def _encoded(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
