"""The HTTP server of the pages and of the API alone: its port, and limits on slow connections.

A request's headers have a deadline, a bounded size, and a bounded number of connections waits for them; a client
that does not take its answer is let go. Bodies have their deadlines where they are read (request_size.py).
"""

import asyncio
import secrets
import socket
from collections import deque
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from backend.api.errors import error_body
from backend.errors import AppError
from backend.kit.i18n import _

BACKLOG = 2048
# Streams end at once; what else is being answered has this long, less than an orchestrator's usual patience of 30 s.
STOP_SECONDS = 20
HEADER_SECONDS = 15.0
HEADER_BYTES = 64 * 1024
MESSAGE_BYTES = 1024 * 1024  # of a websocket, all its pieces together: they wait in memory
IDLE_SECONDS = 5
LOOK_SECONDS = 0.5
STALLED_SECONDS = 60.0  # for the 48 KB between the high and the low mark of what waits to be sent
MOST_WAITING = 500
LAST_PRIVILEGED_PORT = 1023


class PortUnavailable(AppError):
    """Nothing can listen on the port."""


def listener(port: int) -> socket.socket:
    """Return a socket for both kinds of addresses; where the machine knows no IPv6, for the old kind.

    Raises PortUnavailable.
    """
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        return socket.create_server(("", port), backlog=BACKLOG)
    except PermissionError:
        words = _("This user may not listen on port {port}. Set PORT to a number above {last}.")
        raise PortUnavailable(words.format(port=port, last=LAST_PRIVILEGED_PORT)) from None
    except OSError:
        words = _("Port {port} is not available: another program listens there. Set PORT to another number.")
        raise PortUnavailable(words.format(port=port)) from None


class Server(uvicorn.Server):
    """Looks twice a second whether it is to end; uvicorn's own looks ten times, which is most of what idling costs."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # 0: the one of ten ticks that renews the Date header
            await asyncio.sleep(LOOK_SECONDS)


def server(app: Any, **options: Any) -> uvicorn.Server:
    """Return a server for `app`; `options` are uvicorn's own beside these."""
    return Server(
        uvicorn.Config(
            app,
            http=BoundedHttp,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            proxy_headers=False,  # TRUSTED_PROXIES names the trusted ones; the server would trust all of this machine
            access_log=False,
            log_level="warning",
            ws_max_size=MESSAGE_BYTES,
            **{"ws": "websockets-sansio", **options},
        )
    )


class BoundedHttp(HttpToolsProtocol):
    """One connection. Uvicorn's own waits for headers, and for a client to take its answer, for ever."""

    _waiting: ClassVar[dict["BoundedHttp", None]] = {}  # for headers, the longest-waiting first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._header_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._is_in_headers, self._has_moved, self._framing_bytes = False, False, 0
        self._own: RequestResponseCycle | None = None  # of the request that is being read
        self._refusal = b""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_stalling()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_moved = False
        super().data_received(data)
        # Bytes outside the start, the end and the body of a request: headers, or trailers behind a body.
        self._framing_bytes = 0 if self._has_moved else self._framing_bytes + len(data)
        if self._framing_bytes > HEADER_BYTES:
            self._refuse(431, "too_large", _("The headers are too large."))

    def on_message_begin(self) -> None:
        self._is_in_headers = self._has_moved = True
        self._own = None
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_headers:  # a trailer says nothing about the request that it ends (RFC 9110 §6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_headers, self._has_moved = False, True
        self._stop_waiting()
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings not in ([], [b"chunked"]):
            words = _("A body is read plain or in chunks, in no other transfer coding.")
            self._refuse(501, code="not_implemented", message=words)
            raise ValueError("unknown transfer coding")  # ends the parsing, before the app is asked anything
        before = self.cycle
        super().on_headers_complete()
        self._own = None if self.cycle is before else self.cycle

    def on_body(self, body: bytes) -> None:
        self._has_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_moved = True
        self._own = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        opening: Any = self.transport.get_protocol()
        if not opening.handshake_initiated:  # another method, or more headers than its parser takes: it says nothing
            self._refuse(400, "malformed", _("This is not a valid HTTP request."))

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._refusal and is_last and not self.transport.is_closing():
            self._say_refusal()
        elif self.timeout_keep_alive_task is not None:  # nothing else on this connection is being answered
            self._await_headers()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stalling()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "malformed", _("This is not a valid HTTP request."))

    def _await_headers(self) -> None:
        """Set the deadline for the headers of the next request; incoming bytes do not extend it."""
        self._stop_waiting()
        self._waiting[self] = None
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._headers_are_late)
        if len(self._waiting) > MOST_WAITING:
            next(iter(self._waiting))._let_go()

    def _headers_are_late(self) -> None:
        if self._is_in_headers:
            self._refuse(408, "too_slow", _("The headers of the request came too slowly."))
        else:
            self._let_go()

    def _let_go(self) -> None:
        self._stop_waiting()
        if self.transport.get_write_buffer_size():  # closing would wait for ever for a client that does not read
            self.transport.abort()
        else:
            self.transport.close()

    def _stop_waiting(self) -> None:
        self._waiting.pop(self, None)
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_stalling(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer what is no whole request in the shape of the API, after the requests before it, and close."""
        if self.transport.is_closing() or self._refusal:
            return
        request_id = secrets.token_hex(8)
        body = error_body(code, message, request_id)
        head = (
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
            "x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self._refusal = STATUS_LINE[status] + head.encode() + body
        own, before = self._own, [each for each in self.pipeline if each[0] is not self._own]
        if own is not None:  # its body does not come: the app is told that the client has left
            own.disconnected = True
            own.message_event.set()
        if own is not None and own.response_started:
            self.transport.close()  # the refusal would stand within its answer, or be a second one
        elif len(before) < len(self.pipeline):
            self.pipeline = deque(before)
        elif own is not None or self.cycle is None or self.cycle.response_complete:
            self._say_refusal()

    def _say_refusal(self) -> None:
        self.transport.write(self._refusal)
        self.transport.close()
