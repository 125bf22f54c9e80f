"""The same request again: answered before anything else looks at it, for as long as nothing could have changed.

What the whole stack sent is kept with the moment it was learned at. It is sent again to a request with the very same
headers from the same address, while nothing at all was invalidated anywhere, for a permit out of those leased by this
process, and for at most as long as the caller may be believed (2 s). Everything else, and each first time, goes
through the stack. Decision: docs/decisions/0032-repeated-requests.md.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic, perf_counter

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.etags import has_tag
from backend.api.middleware.encoded_answers import PATH, Held
from backend.api.middleware.request_context import named_request
from backend.api.middleware.security import API
from backend.bootstrap import Backend
from backend.kit.limiter.leases import Lease
from backend.kit.observability.metrics import REQUESTS, Histogram

Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, str, tuple[tuple[bytes, bytes], ...]]

PATHS: Mapping[str, str] = {f"{API}{PATH}": f"GET {PATH}"}
KEPT = 2000
HEADERS_MOST = 24
QUERY_LENGTH = 200
OK, NOT_MODIFIED = 200, 304
ANEW = frozenset({b"x-request-id", b"ratelimit"})  # what each answer says for itself


@dataclass(slots=True)
class _Known:
    """What was sent, and what it may be sent again for. An answer with and one without a body are learned apart."""

    epoch: int
    until: float
    tag: bytes
    lease: Lease
    histogram: Histogram
    headers: dict[int, Headers] = field(default_factory=dict)
    body: bytes = b""


class Repeats:
    """Must stand around everything that writes headers or bodies, so that what it learns is what is really sent.

    `state` is where the API keeps its `backend`.
    """

    def __init__(self, app: ASGIApp, *, state: State) -> None:
        self._app = app
        self._state = state
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._learning: dict[Key, asyncio.Event] = {}
        self._prefix, self._count = secrets.token_hex(5).encode(), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        key, named, wanted = _key(scope)
        again = self._again(key, wanted)
        if again is None and key in self._learning:
            await self._learning[key].wait()
            again = self._again(key, wanted)
        if again is None:
            await self._learn(key, scope, receive, send)
            return
        known, status, limit = again
        own = [(b"x-request-id", self._request_id(named)), (b"ratelimit", limit)]
        await send({"type": "http.response.start", "status": status, "headers": known.headers[status] + own})
        await send({"type": "http.response.body", "body": known.body if status == OK else b""})
        known.histogram.observe(perf_counter() - started)

    def _again(self, key: Key, wanted: bytes) -> tuple[_Known, int, bytes] | None:
        """What may be sent again, with which status and which field RateLimit: a permit is spent on it."""
        known = self._repeatable(key)
        if known is None:
            return None
        status = NOT_MODIFIED if wanted and _has(wanted, known.tag) else OK
        limit = self._state.backend.limits.spend(known.lease) if status in known.headers else None
        return (known, status, limit) if limit else None

    def _repeatable(self, key: Key) -> _Known | None:
        known, backend = self._known.get(key), self._state.backend
        if known is None or backend is None or monotonic() >= known.until or known.epoch != backend.cache.epoch():
            return None
        return known

    async def _learn(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the stack answer and remember what it sends. Who asks the same meanwhile waits for that, once."""
        backend: Backend | None = self._state.backend
        epoch = backend.cache.epoch() if backend else None  # before anything is read: what is read is as old as this
        if backend is None or epoch is None or key in self._learning:
            await self._app(scope, receive, send)
            return
        self._learning[key] = learned = asyncio.Event()
        start: Message = {}

        async def send_noted(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif not learned.is_set():
                self._remember(key, scope, start, message, epoch, backend)
                self._let_go(key, learned)  # before it is sent: the others do not wait for a slow reader
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            self._let_go(key, learned)

    def _let_go(self, key: Key, learned: asyncio.Event) -> None:
        learned.set()
        if self._learning.get(key) is learned:
            del self._learning[key]

    def _remember(self, key: Key, scope: Scope, start: Message, body: Message, epoch: int, backend: Backend) -> None:
        """Keep an answer that this process held ready; any other may have been made of something older."""
        held: Held | None = scope.get("state", {}).get("ready")
        if held is None or start["status"] not in (OK, NOT_MODIFIED) or body.get("more_body"):
            return
        lease = backend.limits.lease(held.viewer, key[2], "api")
        if lease is None or len(key[3]) > HEADERS_MOST or len(key[1]) > QUERY_LENGTH:
            return
        before = self._known.pop(key, None)
        known = _Known(epoch, held.until, held.tag, lease, backend.metrics.histogram(REQUESTS, PATHS[key[0]]))
        if before and (before.epoch, before.tag) == (epoch, held.tag):  # the other kind of answer is as good still
            known.headers, known.body = before.headers, before.body
        known.headers[start["status"]] = [header for header in start["headers"] if header[0] not in ANEW]
        if start["status"] == OK:
            known.body = body.get("body", b"")
        self._known[key] = known
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _request_id(self, given: bytes) -> bytes:
        """The caller's own id where it is a plain one, else the next of this process."""
        named = named_request(given.decode("latin-1")) if given else None
        if named:
            return named.encode()
        self._count += 1
        return b"%s%06x" % (self._prefix, self._count)


def _key(scope: Scope) -> tuple[Key, bytes, bytes]:
    """What makes two requests the same; the id and the tag that this one gave."""
    named, wanted, headers = b"", b"", []
    for header in scope["headers"]:
        if header[0] == b"if-none-match":
            wanted = header[1]
        elif header[0] == b"x-request-id":
            named = header[1]
        else:
            headers.append(header)
    client = scope["client"]
    return (scope["path"], scope["query_string"], client[0] if client else "", tuple(headers)), named, wanted


def _has(wanted: bytes, tag: bytes) -> bool:
    return wanted == tag or has_tag(wanted.decode("latin-1"), tag.decode("latin-1"))
