"""Open event streams of this process: how many there may be, what is written on them, and how they end."""

import asyncio
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from anyio import CapacityLimiter
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from backend.errors import RateLimited, Unavailable
from backend.kit.i18n import _

STREAMS_PER_VIEWER = 8  # tabs in sight, not open ones: a hidden tab lets its stream go
STREAMS_PER_PROCESS = 2000
ENTERING_PER_PROCESS = 200
CHECKS_AT_ONCE = 8
HEARTBEAT_SECONDS = 15.0
EVENTS, SOCKETS = "events", "sockets"  # what is open: server-sent events, /ws
_RETRY_AFTER_SECONDS = 15.0


def heartbeat_seconds() -> float:
    """Return how long to wait before the next heartbeat of a stream, spread so that streams do not beat together."""
    return HEARTBEAT_SECONDS * random.uniform(0.8, 1.0)  # noqa: S311  (spread, no secret)


class Place:
    """One stream: woken from any thread, and told when the process is about to stop."""

    def __init__(self, viewer_id: str, kind: str) -> None:
        self.viewer_id = viewer_id
        self.kind = kind
        self.is_ending = False
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let `wait` return. Never raises."""
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self, seconds: float) -> None:
        """Wait until woken, or for so many seconds."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    def end(self) -> None:
        """Let the stream close."""
        self.is_ending = True
        self.wake()


class Streams:
    """The streams of one process, counted by viewer."""

    def __init__(self, *, per_viewer: int = STREAMS_PER_VIEWER, most: int = STREAMS_PER_PROCESS) -> None:
        self._per_viewer = per_viewer
        self._most = most
        self._places: set[Place] = set()
        self._by_viewer: Counter[str] = Counter()
        self._entering = 0
        self._is_ending = False
        self._hears_signals = False
        # Not the threads of all routes: thousands of streams look after their sessions all the time.
        self.checks = CapacityLimiter(CHECKS_AT_ONCE)

    def hear_signals(self) -> None:
        """From now on end when the process is asked to stop; on the main thread alone, and once.

        Before anybody can listen: a stream that opened between the signal and the stop would hold the process up.
        """
        if not self._hears_signals:
            self._hears_signals = True
            call_before_stopping(self.end)

    def take(self, viewer_id: str, kind: str = EVENTS) -> Place:
        """A place for one more stream. Raises RateLimited for too many of a viewer, Unavailable for too many in all."""
        if self._is_ending or len(self._places) >= self._most:
            raise Unavailable(_("Too many pages listen just now. Please try again in a moment."))
        if self._by_viewer[viewer_id] >= self._per_viewer:
            words = _("At most {count} streams can be open for one person.").format(count=self._per_viewer)
            raise RateLimited(words, retry_after_seconds=_RETRY_AFTER_SECONDS)
        self.hear_signals()
        place = Place(viewer_id, kind)
        self._places.add(place)
        self._by_viewer[viewer_id] += 1
        return place

    @contextmanager
    def entering(self) -> Iterator[None]:
        """Count a connection that is not authenticated yet. Raises Unavailable if there are too many of them."""
        if self._is_ending or self._entering >= ENTERING_PER_PROCESS:
            raise Unavailable(_("Too many pages listen just now. Please try again in a moment."))
        self._entering += 1
        try:
            yield
        finally:
            self._entering -= 1

    def leave(self, place: Place) -> None:
        """Release the place; a second call does nothing."""
        if place in self._places:
            self._places.remove(place)
            self._by_viewer -= Counter({place.viewer_id: 1})

    def end(self) -> None:
        """Close all streams and take no more: the process is about to stop. May be called by a signal handler."""
        self._is_ending = True
        for place in tuple(self._places):
            place.end()

    def counts(self) -> dict[str, float]:
        """Return the number of open connections by kind."""
        found = Counter(place.kind for place in tuple(self._places))
        return {kind: float(found[kind]) for kind in (EVENTS, SOCKETS)}

    def __len__(self) -> int:
        return len(self._places)


class EventStreamResponse(StreamingResponse):
    """A response that releases its stream even if nobody has read a byte of it."""

    media_type = "text/event-stream"

    def __init__(self, content: Any, *, release: Callable[[], None]) -> None:
        super().__init__(content, headers={"X-Accel-Buffering": "no"})
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


def frame(name: str, data: Mapping[str, Any], event_id: str = "") -> bytes:
    """One event as it stands on the stream."""
    return format_sse_event(event=name, data_str=msgspec.json.encode(data).decode(), id=event_id or None)


def call_before_stopping(act: Callable[[], None]) -> None:
    """Do `act` when the process is asked to stop, before what the server does then.

    A server waits for its answers to end and tells none of them to; an endless one would hold it up for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, _both(act, before))


def _both(act: Callable[[], None], before: Callable[[int, Any], Any]) -> Callable[[int, Any], None]:
    def heard(number: int, where: Any) -> None:
        act()
        before(number, where)

    return heard
