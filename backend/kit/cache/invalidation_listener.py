"""The thread that hears what other processes invalidate, and knows whether it still hears.

It follows one stream. Messages are numbered, so that a lost one (flushed, trimmed) is noticed; after any doubt
the in-process layer starts empty."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import msgspec
import structlog
from redis import Redis

from backend.kit.cache.entry import EVERYTHING
from backend.kit.cache.local_layer import LocalLayer
from backend.kit.cache.redis_layer import RedisAway, SharedLayer
from backend.kit.redis.numbered_stream import START, Fields, NumberedStream, StreamPosition

_BLOCK_MILLISECONDS = 300
_CALL_TIMEOUT_SECONDS = 0.6
_SILENCE_SECONDS = 0.75  # an invalidation reaches everybody, or nobody believes the app layer, within a second
_RETRY_SECONDS = 0.25

_log = structlog.get_logger(__name__)


class InvalidationListener:
    """Feeds invalidations of other processes to the in-process layer, and reopens the shared one after a failure."""

    def __init__(self, shared: SharedLayer, local: LocalLayer) -> None:
        self._shared = shared
        self._local = local
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard_at: float | None = None
        self._stream = NumberedStream(shared.stream_key, shared.number_key, _BLOCK_MILLISECONDS, _CALL_TIMEOUT_SECONDS)
        self._mark = StreamPosition(START, 0)
        self._version: Any = None

    def start(self) -> None:
        """Begin to listen; a second call does nothing."""
        if self._thread is None:
            self._stopping.clear()
            self._shared.supervise(True)
            self._thread = threading.Thread(target=self._run, name="cache-listener", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening and wait for the thread, two seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
            self._thread = None
        self._shared.supervise(False)

    def hears(self, now: float) -> bool:
        """Whether every invalidation of others up to a moment ago is known. `now` is time.monotonic()."""
        heard_at = self._heard_at
        return heard_at is not None and now - heard_at < _SILENCE_SECONDS

    def _run(self) -> None:
        was_away, pause = False, 0.0
        while not self._stopping.wait(pause):
            pause = _RETRY_SECONDS
            try:
                self._shared.verify()
                with self._link() as link:
                    was_away = self._say("cache listens", was_away, now_away=False)
                    self._begin(link)
                    pause = 0.0
                    self._follow(link)
            except Exception as error:  # noqa: BLE001 - whatever it was, a thread that ended would never hear again
                self._shared.doubt()
                reason = str(error.__cause__ or error)
                was_away = self._say("cache does not hear Redis", was_away, now_away=True, reason=reason)
            finally:
                self._heard_at = None

    def _follow(self, link: Redis) -> None:
        while not self._stopping.is_set():
            number, version = link.mget(self._shared.number_key, self._shared.everything_key)
            messages = self._stream.next(link, self._mark)
            self._apply(messages)
            in_doubt = version != self._version or (not messages and int(number or 0) != self._mark.number)
            if in_doubt or not self._shared.is_open:
                self._shared.verify()
            if in_doubt:
                self._begin(link)
            self._heard_at = monotonic()

    def _begin(self, link: Redis) -> None:
        """Start from the last message there is, with nothing believed that was read before."""
        self._mark, self._version = self._stream.last(link), link.get(self._shared.everything_key)
        self._local.invalidate([EVERYTHING])
        self._heard_at = monotonic()

    def _apply(self, messages: list[tuple[StreamPosition, Fields]]) -> None:
        for mark, message in messages:
            tags = msgspec.msgpack.decode(message[b"tags"], type=list[str])
            is_next = self._mark.is_followed_by(mark)
            if not is_next or message[b"origin"] != self._shared.origin.encode():
                self._local.invalidate(tags if is_next else [EVERYTHING])
            self._mark = mark

    @contextmanager
    def _link(self) -> Iterator[Redis]:
        if self._shared.client is None:
            raise RedisAway
        with self._stream.link(self._shared.client) as link:
            yield link

    @staticmethod
    def _say(event: str, was_away: bool, *, now_away: bool, **details: str) -> bool:
        if now_away and not was_away:
            _log.warning(event, **details)
        elif was_away and not now_away:
            _log.info(event, **details)
        return now_away
