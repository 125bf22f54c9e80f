"""Rate limits of requests: the caller, whether they may call now, and the headers that say how much is left."""

import asyncio
from functools import lru_cache

import anyio
from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.credentials import Caller, find_caller
from backend.api.errors import answer_to, refuse_socket
from backend.bootstrap import Backend
from backend.kit.limiter.limiter import Decision
from backend.kit.observability import log
from backend.limits.models import Kind
from backend.limits.service import refusal

FREE = ("/health", "/metrics", "/docs.css")  # for load balancers, monitors and the look of the documentation
LONGEST_KEPT = 200  # of a path: what strangers ask for is remembered, and must not fill the memory
BY_PATH: dict[str, Kind] = {
    "/auth/register": "sign-up",
    "/auth/browser-session": "browser",
    "/auth/me": "api",
    "/mails/confirm": "sign-in",
    "/events": "stream",
    "/ws": "stream",
}
BY_END: tuple[tuple[str, Kind], ...] = (
    ("/import", "import"),
    ("/export", "export"),
    ("/template", "export"),
    ("/progress-stream", "stream"),
)


class Limits:
    """Finds the caller, asks the limiter, and adds the remaining permits to every limited response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._watched: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        backend: Backend | None = getattr(scope["app"].state, "backend", None) if "app" in scope else None
        kind = kind_of(scope["path"].removeprefix(scope.get("root_path", ""))) if backend else None
        if backend is None or kind is None:
            await self._app(scope, receive, send)
            return
        self._watch(backend)
        caller = await find_caller(HTTPConnection(scope), backend)
        if caller.viewer is not None:
            log.note(viewer_id=caller.viewer.id)
        decision = await _decision(scope, backend, caller, kind)
        if scope["type"] == "websocket":
            await self._let_in(decision, scope, receive, send)
            return

        async def send_limited(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [
                    (b"ratelimit-policy", decision.rule_set.policy.encode()),
                    (b"ratelimit", decision.header),
                ]
            await send(message)

        if decision.allowed:
            await self._app(scope, receive, send_limited)
        else:
            await answer_to(Request(scope), refusal(decision))(scope, receive, send_limited)

    async def _let_in(self, decision: Decision, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the websocket; or refuse its opening, as 429 with Retry-After where the server can say so."""
        if decision.allowed:
            await self._app(scope, receive, send)
            return
        refused = refusal(decision)
        response = answer_to(Request({**scope, "type": "http", "method": "GET"}), refused)
        await refuse_socket(scope, receive, send, response, refused.message)

    def _watch(self, backend: Backend) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._watched:
            self._watched = loop
            backend.limits.watch(loop)


async def _decision(scope: Scope, backend: Backend, caller: Caller, kind: Kind) -> Decision:
    client = scope.get("client")
    address = client[0] if client else ""
    held = backend.limits.held(caller.viewer, address, kind)
    if held is not None:
        return held
    return await anyio.to_thread.run_sync(backend.limits.decide, caller.viewer, address, kind)


def kind_of(path: str) -> Kind | None:
    """Return the set of rules for a path of the API; None for those that are not limited."""
    return _known_kind(path) if len(path) <= LONGEST_KEPT else _kind(path)


def _kind(path: str) -> Kind | None:
    if path.startswith(FREE):
        return None
    if path in BY_PATH:
        return BY_PATH[path]
    if path.startswith("/auth/"):
        return "sign-in"
    return next((kind for end, kind in BY_END if path.endswith(end)), "api")


_known_kind = lru_cache(4096)(_kind)
