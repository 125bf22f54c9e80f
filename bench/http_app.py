"""The product and a bare Starlette application in one process and one event loop, each on a port of its own.

`python -m bench.http_app PORT BARE_PORT BODY`, with the product's settings in the environment. The bare one answers
GET / with the bytes of the file BODY, which are read with its first request.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp


def bare(body: Path) -> Starlette:
    """What an answer costs at the least."""
    read: list[bytes] = []

    async def answer(_request: Request) -> Response:
        if not read:
            read.append(body.read_bytes())
        return Response(read[0], media_type="application/json")

    return Starlette(routes=[Route("/", answer)])


def server(app: ASGIApp, port: int) -> uvicorn.Server:
    """Both are served alike."""
    return uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False))


async def main(port: int, bare_port: int, body: Path) -> None:
    import app  # noqa: PLC0415  (starts the product's wiring: with its settings, in this process alone)

    both = server(app.app, port), server(bare(body), bare_port)
    await asyncio.gather(*(each.serve() for each in both), quiet(both))


async def quiet(servers: Sequence[uvicorn.Server]) -> None:
    """Take back the log of every request, which Streamlit turns on where another than itself serves it."""
    while not all(each.started for each in servers):
        await asyncio.sleep(0.05)
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
