"""The product's app process as the measures of HTTP start it: `python -m bench.api.app`.

Beside the product it serves `/bare`, a Starlette application of one route, and `/processor`, the seconds of processor
that the process has taken; within the API, behind all its layers, an empty route of Starlette and one of FastAPI. The
product knows nothing of them.
"""

import time
from contextlib import suppress
from typing import Any

from fastapi import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api import http_server

BARE, PROCESSOR = "/bare", "/processor"
STARLETTE, FASTAPI = "/api/v1/bench/starlette", "/api/v1/bench/fastapi"


async def bare(_request: Request) -> Response:
    """The answer of each of the empty routes."""
    return _empty()


async def empty() -> Response:
    """The same, as FastAPI calls it."""
    return _empty()


async def processor(_request: Request) -> Response:
    """Seconds of processor that this process has taken so far, in all its threads."""
    return Response(repr(time.process_time()))


def beside(product: ASGIApp) -> ASGIApp:
    """The product, and the two routes that are not its own, which no layer of it stands before."""
    own = Starlette(routes=[Route(BARE, bare), Route(PROCESSOR, processor)])

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["type"] == "http" and scope["path"] in (BARE, PROCESSOR)
        await (own if is_own else product)(scope, receive, send)

    return served


def main() -> None:
    """Serve until interrupted."""
    import app  # noqa: PLC0415 - it builds its st.App when it is imported
    from pages.shell import server  # noqa: PLC0415 - imports Streamlit, after app.py has prepared it

    made = http_server.server

    def serve(product: ASGIApp, **options: Any) -> Any:
        return made(beside(product), **options)

    http_server.server = serve  # type: ignore[assignment]  # app.py names its own application and must not know of this one
    app.api.router.add_route(STARLETTE.removeprefix("/api/v1"), bare)
    app.api.router.add_api_route(FASTAPI.removeprefix("/api/v1"), empty)
    with suppress(KeyboardInterrupt):
        server.run(app.app, app.settings.port)


def _empty() -> Response:
    return Response(b'{"success":true}', media_type="application/json")


if __name__ == "__main__":
    main()
