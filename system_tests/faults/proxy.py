"""A TCP proxy that can be slow, silent, rude or absent: a network's faults on a machine without a network."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psutil

_CHUNK = 65_536
_PATIENCE_SECONDS = 10.0
_AT_ONCE = struct.pack("ii", 1, 0)  # linger for 0 s: the other end hears of a broken connection, not of an ended one


@dataclass(frozen=True, eq=False)
class _Gates:
    """The gates of one link: open while bytes may pass to the target, and back to the process connected from `port`."""

    port: int
    questions: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self.questions.set()
        self.answers.set()


class _Delays(NamedTuple):
    """Delays in seconds."""

    questions: float = 0.0
    answers: float = 0.0


class _Silence(NamedTuple):
    """The processes whose connections are silenced, all if `pids` is empty; `of_answers`: only what they receive."""

    pids: tuple[int, ...]
    of_answers: bool


class Proxy:
    """Listens on `port` of loopback and forwards everything to and from `target`, until told otherwise.

    Runs on a thread of its own; every method returns once it is so.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._delays = _Delays()
        self._silence: _Silence | None = None
        self._gates: set[_Gates] = set()
        self._links: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)
        self._thread.start()
        self.heal()

    def heal(self) -> None:
        """Hand on again; what was held back while it was silent arrives now, late."""
        self._do(self._heal())

    def slow(self, questions: float, answers: float) -> None:
        """Everything arrives so many seconds later, at the target and back; as much of it as before."""
        self._delays = _Delays(questions, answers)

    def silence(self, *pids: int) -> None:
        """A black hole: connections stay open and new ones are taken, but nothing arrives any more, either way.

        With `pids`, for what those processes connected or connect, and for nobody else.
        """
        self._do(self._fall_silent(_Silence(pids, of_answers=False)))

    def lose_answers(self, pid: int) -> None:
        """Deliver what that process sends, and withhold every answer to it."""
        self._do(self._fall_silent(_Silence((pid,), of_answers=True)))

    def reset(self) -> None:
        """Break every connection there is; new ones are served."""
        self._do(self._reset())

    def refuse(self) -> None:
        """Break every connection, and take no new one."""
        self._do(self._refuse())

    def close(self) -> None:
        """Refuse, and end the thread. Last call."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def _heal(self) -> None:
        self._delays = _Delays()
        self._open_gates()
        if self._server is None:
            self._server = await asyncio.start_server(self._link, "127.0.0.1", self.port)

    async def _fall_silent(self, silence: _Silence) -> None:
        self._silence = silence
        self._shut(self._gates)

    def _shut(self, gates: Iterable[_Gates]) -> None:
        """Those of these whose callers are met with silence now."""
        if self._silence is None:
            return
        meant = set().union(*map(ports_of, self._silence.pids))
        for each in gates:
            if not self._silence.pids or each.port in meant:
                each.answers.clear()
                if not self._silence.of_answers:
                    each.questions.clear()

    def _open_gates(self) -> None:
        self._silence = None
        for each in self._gates:
            each.open()

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
            for listener in self._server.sockets:
                self._loop.remove_reader(listener.fileno())
            await asyncio.sleep(0.001)  # what was taken becomes a link: a closed server would leave it open
            self._server.close()
            self._server = None
        await self._reset()

    async def _end(self) -> None:
        """Break every connection, those too that were just taken: a socket left open would be a warning elsewhere."""
        await self._refuse()
        while asyncio.all_tasks() - {asyncio.current_task()}:
            await self._reset()
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)  # the last transports close their sockets

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        _host, port = writer.get_extra_info("peername") or ("", 0)  # none where the caller is gone again
        gates = _Gates(port)
        gates.open()
        self._gates.add(gates)
        self._shut([gates])
        try:
            await gates.questions.wait()
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._links.add(to_writer)
            try:
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(_pump(reader, to_writer, gates.questions, lambda: self._delays.questions))
                    ways.create_task(_pump(to_reader, writer, gates.answers, lambda: self._delays.answers))
            finally:
                to_writer.transport.abort()
                self._links.discard(to_writer)
        except* OSError:  # one side is gone: so is the other
            pass
        finally:
            writer.transport.abort()
            self._links.discard(writer)
            self._gates.discard(gates)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event, delay: Callable[[], float]
) -> None:
    """Hand on what is read, each piece as late as the delay was when it came, and in the end that it has ended."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def read() -> None:
        data = b"."
        while data:
            data = await reader.read(_CHUNK)
            pieces.put_nowait((loop.time() + delay(), data))

    async def write() -> None:
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(due - loop.time())
            await gate.wait()
            if not data:
                break
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    async with asyncio.TaskGroup() as both:
        both.create_task(read())
        both.create_task(write())


def ports_of(pid: int) -> set[int]:
    """The local ports of all TCP connections of a process; none where it has ended."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return set()
    return {each.laddr.port for each in found if each.laddr}
