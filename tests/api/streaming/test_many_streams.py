"""Twelve hundred open streams in one process: nobody misses an event, and what a stream costs is small."""

import asyncio
import gc
import resource
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest

from backend.accounts import rooms
from backend.bootstrap import Backend
from tests.api.caller import Door
from tests.api.streaming.listening import ServedApi, served_api
from tests.school import School
from tests.waiting import until

__all__ = ["served_api"]

IDLE, BUSY, EVENTS = 1000, 200, 20
PEOPLE = 6  # each may open 240 streams a minute
AT_ONCE = 40
FILES = 4 * (IDLE + BUSY)
BYTES_PER_STREAM = 200_000  # of the server and of the client, which share this process
PATIENCE_SECONDS = 60.0


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the sockets of both sides."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if wanted < FILES // 2:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Open:
    """A stream that is read to count what comes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def until_event(self, name: str) -> None:
        """Read on until an event of this name."""
        while line := await self.reader.readline():
            if line.strip() == f"event: {name}".encode():
                return
        raise AssertionError(f"the stream ended before {name}")


@asynccontextmanager
async def opened(served: ServedApi, path: str, headers: Mapping[str, str]) -> AsyncIterator[Open]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    stream = Open(reader, writer)
    try:
        status = await reader.readline()
        assert b" 200 " in status, status + await reader.read(2000)
        await stream.until_event("connected")
        yield stream
    finally:
        writer.close()


@pytest.mark.timeout(120)
def test_a_thousand_idle_and_two_hundred_busy_streams(
    many_files: None,
    served_api: ServedApi,
    door: Door,
    school: School,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each busy stream hears all events once and in order, idle ones none, and memory stays within 200 KB a stream."""
    monkeypatch.setattr(served_api.streams, "_per_viewer", IDLE + BUSY)
    until(lambda: backend.events.healthy)
    chapter = backend.chapters.active()[0].id
    idle, busy = ("/events?rooms=student:me", f"/chapters/{chapter}/progress-stream")
    people = [school.student(door.classroom) for _person in range(PEOPLE)]
    headers = [door.as_(each).headers for each in people]
    busy_rooms = [rooms.chapter_room(chapter, each) for each in people]
    gc.collect()
    before = psutil.Process().memory_info().rss

    async def listen() -> tuple[list[list[int]], int, int]:
        async with AsyncExitStack() as stack:
            gate = asyncio.Semaphore(AT_ONCE)

            async def enter(number: int, path: str) -> Open:
                async with gate:
                    return await stack.enter_async_context(opened(served_api, path, headers[number % PEOPLE]))

            streams = await asyncio.gather(*(enter(*each) for each in enumerate([idle] * IDLE + [busy] * BUSY)))
            memory, there = psutil.Process().memory_info().rss, len(served_api.streams)
            for number in range(EVENTS):
                backend.events.publish(rooms.CHANGED, {each: {"changed": number} for each in busy_rooms})
            heard = await asyncio.gather(*(_numbers(stream) for stream in streams[IDLE:]))
            for stream in streams[:IDLE]:
                assert b"changed" not in bytes(stream.reader._buffer)  # type: ignore[attr-defined] # what came, unread
            return heard, memory, there

    heard, after, there = asyncio.run(asyncio.wait_for(listen(), PATIENCE_SECONDS))
    assert there == IDLE + BUSY
    assert heard == [list(range(EVENTS))] * BUSY
    assert (after - before) / (IDLE + BUSY) < BYTES_PER_STREAM
    until(lambda: len(served_api.streams) == 0)


async def _numbers(stream: Open) -> list[int]:
    """The numbers that came with the next events."""
    found: list[int] = []
    while len(found) < EVENTS:
        line = (await stream.reader.readline()).decode()
        if line.startswith("data: ") and '"changed":' in line:
            found.append(int(line.rsplit('"changed":', 1)[1].rstrip("}\n ")))
    return found
