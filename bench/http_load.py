"""Requests as fast as they are answered: by wrk where it is installed, else by a small client of our own.

`python -m bench.http_load URL SECONDS CONNECTIONS [HEADER …]` is that client, in a process of its own.
"""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from time import monotonic
from urllib.parse import urlsplit

CONNECTIONS = 16


def requests_per_second(url: str, seconds: float, headers: Sequence[str]) -> float:
    """How many requests were answered in a second. Raises RuntimeError where one was answered with an error."""
    wrk = shutil.which("wrk")
    if wrk:
        named = [word for header in headers for word in ("-H", header)]
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", *named, url]
    else:
        command = [sys.executable, "-m", "bench.http_load", url, str(seconds), str(CONNECTIONS), *headers]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not found or "Non-2xx" in said:
        raise RuntimeError(f"{url} was not answered as it should be: {said}")
    return float(found[1])


def has_wrk() -> bool:
    """Whether the client is fast enough to be no part of what is measured."""
    return shutil.which("wrk") is not None


async def load(url: str, seconds: float, connections: int, headers: Sequence[str]) -> float:
    """Requests per second over so many connections that are kept open."""
    counts = await asyncio.gather(*(_one(url, monotonic() + seconds, headers) for _each in range(connections)))
    return sum(counts) / seconds


async def _one(url: str, end: float, headers: Sequence[str]) -> int:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    request = "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", *headers, "", ""]).encode()
    count = 0
    while monotonic() < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if int(head.split(b" ", 2)[1]) not in (200, 304):
            raise RuntimeError(head.decode("latin-1"))
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        count += 1
    writer.close()
    return count


if __name__ == "__main__":
    answered = asyncio.run(load(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
    sys.stdout.write(f"Requests/sec: {answered:.1f}\n")
