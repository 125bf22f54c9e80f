"""Graceful shutdown: between the signal and the stop, a process still serves but reports that it is not ready.

A balancer that asks /health/ready sends nothing new by then; one that keeps connections open has each of them closed
after an answer, so that no request meets a connection that is just being closed.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.refusals import API

READY = f"{API}/health/ready"
_BODY = b'{"success":false,"error":{"code":"unavailable","message":"This process is about to stop."}}'


class Drain:
    """Whether this process is about to stop."""

    def __init__(self) -> None:
        self.is_on = False
        self._timer: threading.Timer | None = None

    def hear_signals(self, seconds: float) -> None:
        """From now on put SIGTERM off by so long; one that comes meanwhile stops at once. On the main thread alone."""
        if seconds <= 0 or threading.current_thread() is not threading.main_thread():
            return
        before = signal.getsignal(signal.SIGTERM)
        if callable(before):
            signal.signal(signal.SIGTERM, self._later(seconds, before))

    def call_off(self) -> None:
        """Cancel the delayed stop."""
        if self._timer is not None:
            self._timer.cancel()

    def _later(self, seconds: float, before: Callable[[int, Any], Any]) -> Callable[[int, Any], None]:
        def heard(number: int, where: Any) -> None:
            if self.is_on:
                self.call_off()
                before(number, where)
                return
            self.is_on = True
            self._timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
            self._timer.daemon = True
            self._timer.start()

        return heard


class Draining:
    """The outermost middleware, so that every response is marked, also those of other middleware."""

    def __init__(self, app: ASGIApp, *, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._drain.is_on:
            await self._app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        if scope["path"] == READY:
            await _refuse(send_last)
        else:
            await self._app(scope, receive, send_last)


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})
