"""People who read while others save: reports, boards, the catalogue, event streams, and pages that stay open."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from time import monotonic

from httpx2 import AsyncClient, HTTPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bench.pages.load import Address, Seen, run
from system_tests.cluster.people import unchecked
from system_tests.soak.ledger import OK, Ledger
from system_tests.soak.people import CALL_SECONDS, Person, Program, outcome

RUNS = 4  # of one page before it is closed
LISTENS_SECONDS = 120.0
AGAIN_SECONDS = 1.0


async def read(program: Program, actor: str, paths: Sequence[str], pause: float, stop: asyncio.Event) -> None:
    """Read one path after the other, until told to stop."""
    while not stop.is_set():
        for path in paths:
            await program.call(actor, "GET", path)
            await _pause(pause)


async def look_unsigned(
    client: AsyncClient, ledger: Ledger, paths: Sequence[str], pause: float, stop: asyncio.Event
) -> None:
    """Read public addresses without signing in, until told to stop."""
    while not stop.is_set():
        for path in paths:
            began = monotonic()
            try:
                answer = await client.get(path, timeout=CALL_SECONDS)
            except HTTPError as error:
                ledger.note("catalogue, not signed in", type(error).__name__)
            else:
                ledger.note(
                    "catalogue, not signed in", OK if answer.is_success else outcome(answer), monotonic() - began
                )
            await _pause(pause)


async def listen(program: Program, rooms: str, stop: asyncio.Event) -> None:
    """Listen to an event stream; when it ends, open it again where it left off."""
    last = ""
    while not stop.is_set():
        token = await program.token()
        if not token:
            continue
        headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last} if last else {})
        try:
            last = await _heard(program, rooms, headers, last, stop)
        except HTTPError as error:
            program.ledger.note("event stream opened", type(error).__name__)
            await _pause(AGAIN_SECONDS)


async def _heard(program: Program, rooms: str, headers: dict[str, str], last: str, stop: asyncio.Event) -> str:
    """The id of the last event of one stream."""
    began = monotonic()
    async with program.client.stream(
        "GET", "/api/v1/events", params={"rooms": rooms}, headers=headers, timeout=CALL_SECONDS
    ) as answer:
        if not answer.is_success:
            await answer.aread()
            program.ledger.note("event stream opened", outcome(answer))
            program.forget()
            await _pause(AGAIN_SECONDS)
            return last
        program.ledger.note("event stream opened", OK, monotonic() - began)
        try:
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                    program.ledger.note("event heard", OK)
                if stop.is_set() or monotonic() - began > LISTENS_SECONDS:
                    break
        except HTTPError:
            program.ledger.note("event stream cut", OK)  # what a listener has to expect; it goes on where it was
    return last


@dataclass(frozen=True)
class Visits:
    """The visits of one browser: it opens a page, lets it run a few times, closes it, opens the next."""

    host: str
    person: Person
    pages: Sequence[Address]
    pause: float

    async def go_on(self, ledger: Ledger, stop: asyncio.Event) -> None:
        """Visit the pages until told to stop."""
        node = ""
        while not stop.is_set():
            for page in self.pages:
                if stop.is_set():
                    return
                node = await self._visit(page, node, ledger)
                await _pause(self.pause)

    async def _visit(self, page: Address, node: str, ledger: Ledger) -> str:
        """Visit one page; return the process that served it, as the cookie names it."""
        began = monotonic()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                tab = await _tab(self.host, self.person.session, node)
        except (OSError, WebSocketException, TimeoutError) as error:
            ledger.note("page opened", type(error).__name__)
            return node
        ledger.note("page opened", OK, monotonic() - began)
        try:
            for _turn in range(RUNS):
                await _run(tab, page, ledger)
                await _pause(self.pause)
        except (OSError, WebSocketException):
            ledger.note("page run", "connection lost")  # a browser opens the page anew by itself
        except TimeoutError:
            ledger.note("page run", "no end in time")
        finally:
            with suppress(OSError, WebSocketException):
                tab.transport.abort()
        return _named(tab) or node


async def _run(tab: ClientConnection, page: Address, ledger: Ledger) -> None:
    seen = Seen()
    async with asyncio.timeout(CALL_SECONDS):
        await run(tab, page, seen)
    if seen.failures:
        ledger.note("page run", "apology on the page")
    else:
        ledger.note("page run", OK, seen.seconds[-1])


def _tab(host: str, session: str, node: str) -> connect:
    return connect(
        f"wss://{host}/_stcore/stream",
        ssl=unchecked(),
        subprotocols=["streamlit"],  # type: ignore[list-item]  # a NewType of str, which the package does not export here
        max_size=None,
        compression=None,
        ping_interval=None,
        additional_headers={"Cookie": f"session={session}" + (f"; node={node}" if node else "")},
        open_timeout=CALL_SECONDS,
        close_timeout=1,
    )


def _named(tab: ClientConnection) -> str:
    """The process that nginx's cookie names."""
    given = SimpleCookie(tab.response.headers.get("Set-Cookie", "") if tab.response else "").get("node")
    return given.value if given else ""


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
