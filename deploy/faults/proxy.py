"""A TCP proxy that can be slow, silent, rude or absent: a network's faults on a machine without a network."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

import psutil

_CHUNK = 65_536
_PATIENCE_SECONDS = 10.0
_AT_ONCE = struct.pack("ii", 1, 0)  # linger for 0 s: the other end hears of a broken connection, not of an ended one


class Proxy:
    """Listens on `port` of loopback and hands everything on to `target`, both ways, until told otherwise.

    Runs on a thread of its own; every method returns once it is so.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._delay_seconds = 0.0
        self._is_silent = False
        self._silent_for: int | None = None
        self._gates: dict[asyncio.Event, int] = {}  # of each link, open while bytes may pass: its caller's port
        self._links: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)
        self._thread.start()
        self.heal()

    def heal(self) -> None:
        """Hand on again; what was held back while it was silent arrives now, late."""
        self._do(self._heal())

    def slow(self, seconds: float) -> None:
        """Everything takes so much longer, in each direction."""
        self._delay_seconds = seconds

    def silence(self, pid: int | None = None) -> None:
        """A black hole: connections stay open and new ones are taken, but nothing arrives any more, either way.

        With `pid`, for what that process connected or connects, and for nobody else.
        """
        self._do(self._silence(pid))

    def reset(self) -> None:
        """Break every connection there is; new ones are served."""
        self._do(self._reset())

    def refuse(self) -> None:
        """Break every connection, and take no new one."""
        self._do(self._refuse())

    def close(self) -> None:
        """Refuse, and end the thread. Last call."""
        self._do(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def _heal(self) -> None:
        self._delay_seconds = 0.0
        self._open_gates()
        if self._server is None:
            self._server = await asyncio.start_server(self._link, "127.0.0.1", self.port)

    async def _silence(self, pid: int | None) -> None:
        self._is_silent, self._silent_for = True, pid
        self._shut_gates(self._gates)

    def _shut_gates(self, gates: Iterable[asyncio.Event]) -> None:
        """Those of these whose callers are met with silence now."""
        if not self._is_silent:
            return
        meant = None if self._silent_for is None else ports_of(self._silent_for)
        for gate in gates:
            if meant is None or self._gates[gate] in meant:
                gate.clear()

    def _open_gates(self) -> None:
        self._is_silent = False
        for gate in self._gates:
            gate.set()

    async def _reset(self) -> None:
        self._open_gates()
        broken = set(self._links)
        for link in broken:
            with suppress(OSError):  # it has just ended by itself
                link.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            link.transport.abort()
        while broken & self._links:
            await asyncio.sleep(0.001)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        gate = asyncio.Event()
        gate.set()
        _host, self._gates[gate] = writer.get_extra_info("peername") or ("", 0)  # none where the caller is gone again
        self._shut_gates([gate])
        try:
            await gate.wait()
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._links.add(to_writer)
            try:
                await asyncio.gather(self._pump(reader, to_writer, gate), self._pump(to_reader, writer, gate))
            finally:
                to_writer.transport.abort()
                self._links.discard(to_writer)
        except OSError:  # one side is gone: so is the other
            pass
        finally:
            writer.transport.abort()
            self._links.discard(writer)
            del self._gates[gate]

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        while data := await reader.read(_CHUNK):
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            await gate.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            await gate.wait()
            writer.write_eof()


def ports_of(pid: int) -> set[int]:
    """The local ports of all TCP connections of a process; none where it has ended."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return set()
    return {each.laddr.port for each in found if each.laddr}
