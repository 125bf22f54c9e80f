"""ASGI root: the pages, the API beside them, and one lifespan in which everything is born and dies."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
import streamlit.net_util
from backend.jobs import Jobs
from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from backend import bootstrap, config
from backend.api import create_api
from backend.api.browser import BrowserCookie
from backend.errors import AppError
from backend.kit import log
from pages import _errors, _session

ROOT = Path(__file__).resolve().parent


def _settings() -> config.Settings:
    try:
        return config.load()
    except ValidationError as error:
        for problem in error.errors():
            _say(f"{str(problem['loc'][0]).upper()}: {problem['msg']}")
        raise SystemExit(2) from error


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)  # noqa: T201  (start-up speaks to the terminal)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start what the school did not bring along, serve, and stop all of it again."""
    started = time.perf_counter()
    try:
        backend = await asyncio.to_thread(bootstrap.build, settings, report=_say)
    except AppError as error:
        _say(error.message)
        # Raising would bury the sentence under a traceback of the server.
        os._exit(1)
    jobs = Jobs(backend)
    jobs.start()
    _session.install(backend)
    api.state.backend = backend
    _say(f"Ready in {time.perf_counter() - started:.1f} s: http://localhost:{settings.port}")
    try:
        yield {"backend": backend}
    finally:
        _say("Stopping …")
        await asyncio.to_thread(jobs.stop)
        await asyncio.to_thread(backend.close)


# Streamlit would ask a host on the internet for this machine's address (its banner, foreign origins): never.
streamlit.net_util.get_external_ip = lambda: None

settings = _settings()
log.configure(settings.log_level)
api = create_api()
app = st.App(
    ROOT / "pages" / "_frame.py",
    routes=[Mount("/api/v1", api), Mount("/assets", StaticFiles(directory=ROOT / "pages" / "assets"))],
    middleware=[Middleware(BrowserCookie, secure=settings.cookie_secure)],
    lifespan=lifespan,
    on_script_error=_errors.show,
)

if __name__ == "__main__":
    app.run(config={"server.port": settings.port})
