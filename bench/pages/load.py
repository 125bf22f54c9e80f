"""Open pages as browsers hold them: websockets that ask for runs and read until each is over. Nothing is compared."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

SMALL = 200  # bytes: the message that ends a run has far fewer
APOLOGY = b"Something went wrong on our side"  # what a page says where it fails (pages/shell/errors.py)


@dataclass(frozen=True)
class Address:
    """A page: its path, and what follows the question mark."""

    path: str = ""
    query: str = ""

    @property
    def asked(self) -> bytes:
        """What a browser sends to have it run."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        if self.path:
            message.rerun_script.page_name = self.path
        return bytes(message.SerializeToString())


@dataclass
class Seen:
    """Seconds of each run, how much one of them sent, and how many ended in an error on the page."""

    seconds: list[float] = field(default_factory=list)
    messages: int = 0
    size: int = 0
    failures: int = 0

    def refuse_failures(self) -> None:
        """A page that only says what went wrong is quick, and no measure. Raises AssertionError."""
        assert not self.failures, f"{self.failures} of {len(self.seconds)} runs ended in an error on the page"  # noqa: S101 - as in a test


@asynccontextmanager
async def opened(host: str, cookie: str, count: int) -> AsyncIterator[list[ClientConnection]]:
    """So many tabs of one person; closed without waiting for a server that may be busy for minutes."""
    tabs = [await _tab(host, cookie) for _each in range(count)]
    try:
        yield tabs
    finally:
        for tab in tabs:
            tab.transport.abort()


def _tab(host: str, cookie: str) -> connect:
    return connect(
        f"ws://{host}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]  # a NewType of str, which the package does not export here
        max_size=None,
        compression=None,
        ping_interval=None,
        additional_headers={"Cookie": f"session={cookie}"},
        open_timeout=60,
        close_timeout=1,
    )


async def run(tab: ClientConnection, address: Address, seen: Seen) -> None:
    """One run, from asking to its end."""
    began, messages, size = perf_counter(), 0, 0
    await tab.send(address.asked)
    while True:
        data = bytes(await tab.recv(decode=False))
        messages, size = messages + 1, size + len(data)
        seen.failures += APOLOGY in data
        if len(data) < SMALL and _ends(data):
            break
    seen.seconds.append(perf_counter() - began)
    seen.messages, seen.size = messages, size


def _ends(data: bytes) -> bool:
    message = ForwardMsg()
    message.ParseFromString(data)
    return message.WhichOneof("type") == "script_finished"


async def together(tabs: Sequence[ClientConnection], address: Address, times: int, seen: Seen) -> None:
    """Every tab runs the page so many times, as fast as it can."""

    async def one(tab: ClientConnection) -> None:
        for _turn in range(times):
            await run(tab, address, seen)

    await asyncio.gather(*map(one, tabs))


async def rate(tabs: Sequence[ClientConnection], address: Address, seconds: float, seen: Seen) -> float:
    """Runs per second while every tab runs the page over and over for so long; runs that are under way do not count."""

    async def one(tab: ClientConnection) -> None:
        while True:
            await run(tab, address, seen)

    before, began = len(seen.seconds), perf_counter()
    tasks = [asyncio.create_task(one(tab)) for tab in tabs]
    await asyncio.sleep(seconds)
    done = (len(seen.seconds) - before) / (perf_counter() - began)
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)
    return done
