"""ASGI root: the pages, the API beside them, and one lifespan in which everything is born and dies."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import streamlit as st
import streamlit.net_util
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from backend import bootstrap, terminal
from backend.api import create_api
from backend.api.index_html import shell_html, shell_routes, with_imports
from backend.api.middleware.api_mount import ApiMount
from backend.api.middleware.draining import Drain
from backend.api.middleware.page_addresses import PageAddresses
from backend.api.middleware.security import answers_to_localhost_alone
from backend.api.outer_middleware import outer_middleware
from backend.api.static_files import KeptFiles, KeptFolders
from backend.errors import AppError
from backend.jobs import Jobs
from backend.kit.i18n import _, number
from backend.kit.observability import log
from pages.accounts import openid
from pages.chapters import acts
from pages.shell import downloads, errors, navigation, server, services, session, uploads
from pages.widgets.style import ASSETS, MARK, asset, waiting_html

ROOT = Path(__file__).resolve().parent
INDEX_HTML = Path(st.__file__).parent / "static" / "index.html"
PAGE_PATHS = ("", *navigation.PATHS, *navigation.GUESTS_PATHS)
FONTS = ("/assets/figtree-latin-wght-normal.woff2", "/assets/bricolage-grotesque-latin-wght-normal.woff2")
ICON_OF_STREAMLIT = "/favicon.png"
# Streamlit fetches the script of each kind of element when it meets the first one: these are met on the first page.
FIRST_CHUNKS = ("BidiComponent", "Button", "Html", "ImageList", "PageLink", "TextInput")


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start what the school did not bring along, serve, and stop all of it again."""
    started = time.perf_counter()
    try:
        backend = await asyncio.to_thread(bootstrap.build, settings, report=terminal.say, bar=terminal.Bar)
    except AppError as error:
        terminal.say(error.message)
        # Raising would bury the sentence under a traceback of the server.
        os._exit(1)
    jobs = Jobs(backend)
    if settings.background_work:
        jobs.start()
    services.install(backend)
    downloads.speak()
    api.state.backend = backend
    api.state.streams.hear_signals()
    drain.hear_signals(settings.drain_seconds)  # last: it puts off what the others do
    backend.limits.watch(asyncio.get_running_loop())
    backend.monitoring.count("pages", session.open_pages)
    backend.heartbeat.start("web")
    seconds, url = number(round(time.perf_counter() - started, 1)), f"http://localhost:{settings.port}"
    if answers_to_localhost_alone(settings):
        terminal.say(_("Only http://localhost is answered: set PUBLIC_URL or ALLOWED_HOSTS to the school's address."))
    terminal.say(_("Ready in {seconds} s: {url}").format(seconds=seconds, url=url))
    try:
        yield {"backend": backend}
    finally:
        terminal.say(_("Stopping …"))
        await asyncio.to_thread(jobs.stop)
        await asyncio.to_thread(backend.close)


def _shell() -> str:
    """Return the HTML that a browser loads first, in the default language: the reader's own is not known yet."""
    return shell_html(
        INDEX_HTML.read_text("utf-8"),
        title=_("Chapter Performance"),
        icon=MARK,
        fonts=FONTS,
        style=asset("style.css"),
        scripts=[asset(f"{name}.js") for name in ("leaving", "drafts", "outbox")],
        chunks=[f"./static/js/{name}" for name in with_imports(INDEX_HTML.parent / "static" / "js", FIRST_CHUNKS)],
        meanwhile=waiting_html(settings.school_name or _("Chapter Performance")),
        without_scripts=_("This page needs JavaScript. Allow it for this address, and load the page again."),
    )


def _icon(_request: Request) -> RedirectResponse:
    """Lead to the product's icon: Streamlit's script asks for its own until a page has named another."""
    return RedirectResponse(MARK)


def _bundle() -> set[str]:
    """The addresses of the scripts, styles and fonts that Streamlit's own page loads."""
    folder = INDEX_HTML.parent
    return {f"/{file.relative_to(folder).as_posix()}" for file in (folder / "static").rglob("*") if file.is_file()}


def _folders() -> dict[str, KeptFiles]:
    """The files that browsers load beside the first page: Streamlit's scripts, ours, and pictures."""
    return {
        "/static": KeptFiles(INDEX_HTML.parent / "static", lasting=bundle, instead=_smaller_fonts()),
        "/assets": KeptFiles(ASSETS, lasting={asset(file.name) for file in ASSETS.iterdir()}),
        "/app/static": KeptFiles(ROOT / "pages" / "static", lasting=frozenset()),
    }


def _smaller_fonts() -> dict[str, Path]:
    """Our files for two fonts of Streamlit's: the icons that are used, and the letters until its theme is there."""
    small = {"MaterialSymbols-Rounded": "icons", "SourceSansVF-Upright": "figtree-latin-wght-normal"}
    folder = INDEX_HTML.parent / "static"
    return {
        str(font.relative_to(folder)): ASSETS / f"{ours}.woff2"
        for name, ours in small.items()
        for font in (folder / "media").glob(f"{name}.*.woff2")
    }


# Streamlit would ask a host on the internet for this machine's address (its banner, foreign origins): never.
streamlit.net_util.get_external_ip = lambda: None

settings = terminal.settings()
log.configure(settings.log_level)
api = create_api()
drain = Drain()
bundle = _bundle()
index_html = _shell()
app = st.App(
    ROOT / "pages" / "_frame.py",
    routes=[
        acts.route(),
        Route(ICON_OF_STREAMLIT, _icon, methods=["GET"]),
        *shell_routes(index_html, PAGE_PATHS, secure=settings.cookie_secure),
    ],
    middleware=[
        *outer_middleware(settings, drain, index_html),
        Middleware(ApiMount, api=api),
        Middleware(
            PageAddresses,
            state=api.state,
            paths=frozenset({*(f"/{path}" for path in PAGE_PATHS), ICON_OF_STREAMLIT, *bundle}),
            posts=frozenset({acts.ADDRESS}),
            has_provider=settings.has_oidc,
            tabs=uploads.OpenTabs(),
        ),
        Middleware(KeptFolders, folders=_folders()),
    ],
    lifespan=lifespan,
    secrets=openid.secrets(settings) if settings.has_oidc else None,
    on_script_error=errors.show,
)

if __name__ == "__main__":
    # The lifespan has said its goodbye by then: Ctrl-C is no failure that wants a traceback.
    with suppress(KeyboardInterrupt):
        server.run(app, settings.port)
