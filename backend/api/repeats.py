"""The same request again: answered before anything else looks at it, for as long as nothing could have changed.

What the whole stack answered is kept with the moment it was learned at. It is given again, to a request with the
very same headers from the same address, while nothing at all was invalidated anywhere, its permit is taken from
those leased by this process, and for at most as long as the caller may be believed (2 s). Everything else, and each
first time, goes through the stack. Decision: docs/decisions/0032-repeated-requests.md.
"""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic, perf_counter

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.conditional import has_tag
from backend.api.middleware import named_request
from backend.api.ready import Held, of_body
from backend.bootstrap import Backend
from backend.kit.limiter_leases import Lease
from backend.kit.metrics import REQUESTS, Histogram

Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, str, tuple[tuple[bytes, bytes], ...]]

PATHS = ("/chapters",)
KEPT = 2000
HEADERS_MOST = 24
QUERY_LENGTH = 200
OK, NOT_MODIFIED = 200, 304
# What each answer says anew, and what only one with a body says.
LEFT_OUT = frozenset({b"x-request-id", b"ratelimit", b"content-length", b"content-type"})


@dataclass(slots=True)
class _Known:
    """An answer as it was learned, and what it may still be given for."""

    epoch: int
    until: float
    headers: Headers
    bare_headers: Headers
    body: bytes
    tag: bytes
    lease: Lease
    histogram: Histogram


class Repeats:
    """Must stand around everything else, so that what it learned is what was really sent.

    `state` is where the app keeps its `backend`.
    """

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._learning: dict[Key, asyncio.Event] = {}
        self._prefix, self._count = secrets.token_hex(5).encode(), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].endswith(PATHS):
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        named, wanted, headers = b"", b"", []
        for header in scope["headers"]:
            if header[0] == b"if-none-match":
                wanted = header[1]
            elif header[0] == b"x-request-id":
                named = header[1]
            else:
                headers.append(header)
        client = scope["client"]
        key = (scope["path"], scope["query_string"], client[0] if client else "", tuple(headers))
        known, limit = self._spend(key)
        if known is None and key in self._learning:
            await self._learning[key].wait()
            known, limit = self._spend(key)
        if known is None:
            await self._learn(key, scope, receive, send)
            return
        await self._again(known, limit, self._request_id(named), wanted, send)
        known.histogram.observe(perf_counter() - started)

    def _spend(self, key: Key) -> tuple[_Known | None, bytes]:
        """What may be given again, and the field RateLimit after taking a permit for it."""
        known, backend = self._known.get(key), self._state.backend
        if known is None or backend is None or monotonic() >= known.until or backend.cache.epoch() != known.epoch:
            return None, b""
        limit = backend.limits.spend(known.lease)
        return (known, limit) if limit else (None, b"")

    async def _again(self, known: _Known, limit: bytes, request_id: bytes, wanted: bytes, send: Send) -> None:
        own = [(b"x-request-id", request_id), (b"ratelimit", limit)]
        if wanted and (wanted == known.tag or has_tag(wanted.decode("latin-1"), known.tag.decode("latin-1"))):
            start = {"type": "http.response.start", "status": NOT_MODIFIED, "headers": known.bare_headers + own}
            await send(start)
            await send({"type": "http.response.body"})
            return
        await send({"type": "http.response.start", "status": OK, "headers": known.headers + own})
        await send({"type": "http.response.body", "body": known.body})

    async def _learn(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the stack answer and remember what it says. Who asks the same meanwhile waits for that, once."""
        if key in self._learning:
            await self._app(scope, receive, send)
            return
        self._learning[key] = learned = asyncio.Event()
        try:
            await self._learn_alone(key, scope, receive, send)
        finally:
            self._let_go(key, learned)

    async def _learn_alone(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}

        async def send_noted(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif not learned.is_set():
                if epoch is not None and backend is not None:
                    self._remember(key, scope, start, epoch, backend)
                self._let_go(key, learned)  # before it is sent: the others do not wait for a slow reader
            await send(message)

        learned = self._learning[key]
        backend: Backend | None = self._state.backend
        epoch = backend.cache.epoch() if backend else None  # before anything is read: what is read is as old as this
        await self._app(scope, receive, send_noted)

    def _let_go(self, key: Key, learned: asyncio.Event) -> None:
        learned.set()
        if self._learning.get(key) is learned:
            del self._learning[key]

    def _remember(self, key: Key, scope: Scope, start: Message, epoch: int, backend: Backend) -> None:
        """Keep an answer that this process held ready; any other may have been made of something older."""
        held: Held | None = scope.get("state", {}).get("ready")
        if held is None or start["status"] not in (OK, NOT_MODIFIED):
            return
        lease = backend.limits.lease(held.viewer, scope["client"][0] if scope["client"] else "", "api")
        if lease is None or len(key[3]) > HEADERS_MOST or len(key[1]) > QUERY_LENGTH:
            return
        bare_headers = [header for header in start["headers"] if header[0] not in LEFT_OUT]
        self._known[key] = _Known(
            epoch=epoch,
            until=held.until,
            headers=bare_headers + of_body(held.body),
            bare_headers=bare_headers,
            body=held.body,
            tag=held.tag,
            lease=lease,
            histogram=backend.metrics.histogram(REQUESTS, f"GET {PATHS[0]}"),
        )
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _request_id(self, given: bytes) -> bytes:
        """The caller's own id where it is a plain one, else the next of this process."""
        named = named_request(given.decode("latin-1")) if given else None
        if named:
            return named.encode()
        self._count += 1
        return b"%s%06x" % (self._prefix, self._count)
