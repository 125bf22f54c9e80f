"""The API without pages, as an ASGI application: what a process of `python -m backend.api_server` serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from backend.api import create_api
from backend.api.middleware.draining import Drain
from backend.api.outer_middleware import outer_middleware
from backend.api.refusals import API
from backend.bootstrap import Backend


def create_alone(backend: Backend) -> Starlette:
    """The API under /api/v1, within the layers that app.py puts around pages and API; everything else is not found."""
    api, drain = create_api(backend), Drain()
    settings = backend.settings
    return Starlette(
        routes=[Mount(API, api)],
        middleware=outer_middleware(settings, drain),
        lifespan=lambda _app: _serving(api, drain, settings.drain_seconds),
    )


@asynccontextmanager
async def _serving(api: FastAPI, drain: Drain, drain_seconds: float) -> AsyncIterator[dict[str, Any]]:
    """Streams end when the server is told to stop: it has its signals by now, and nobody listens yet."""
    api.state.streams.hear_signals()
    drain.hear_signals(drain_seconds)  # last: it puts off what the others do
    api.state.backend.limits.watch(asyncio.get_running_loop())
    yield {}
