"""The addresses beside the API that are answered, and to whom; all others are not found, Streamlit's included."""

from typing import Any, Protocol

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.accounts.models import Viewer
from backend.api.credentials import SESSION_COOKIE
from backend.api.raw_headers import cookie
from backend.api.refusals import LengthNeeded, MethodNotAllowed, refused_by, sentence
from backend.api.request_size import UPLOAD_BYTES, UPLOAD_SECONDS, limited, said_length, too_large
from backend.bootstrap import Backend
from backend.errors import AppError, NotAllowed, NotFound, NotSignedIn, TooLarge, Unavailable
from backend.kit.i18n import _
from backend.kit.upload_quota import UploadQuota, Usage

STREAM = "/_stcore/stream"
UPLOADS = "/_stcore/upload_file/"
MEDIA = "/media/"  # files that pages gave out
OPEN = frozenset({STREAM, "/_stcore/health", "/_stcore/host-config"})
OPEN_FOLDERS = ("/assets/", "/app/static/", "/_stcore/bidi-components/")
PROVIDER = frozenset({"/auth/login", "/auth/logout", "/oauth2callback"})
READING = ("GET", "HEAD")

# Files are held in memory while their page is open.
PERSON = Usage(files=3, bytes=2 * UPLOAD_BYTES)
EVERYBODY_BYTES = 6 * UPLOAD_BYTES


class Tabs(Protocol):
    """The open pages, and the files that they hold."""

    def takes_file(self, tab: str, viewer_id: str) -> bool:
        """Whether this tab is the viewer's and shows an uploader now."""

    def is_of(self, tab: str, viewer_id: str) -> bool:
        """Whether this tab is the viewer's."""

    def let_go_of_lost(self, viewer_id: str, *, but: str) -> None:
        """Drop the files of the viewer's tabs that have lost their connection, such as a reloaded one."""

    def held(self, viewer_id: str, *, but: str) -> Usage:
        """Return the usage of the viewer's tabs, except the tab `but`."""

    def held_by_everybody(self, *, but: str) -> int:
        """Return the bytes that all tabs hold, except the tab `but`."""

    def keep_only(self, tab: str, file: str) -> None:
        """Drop the tab's other files; all of them if it no longer shows an uploader."""

    def disconnected(self) -> None:
        """Note that a tab has lost its connection."""


class PageAddresses:
    """Lets through what pages need: their addresses, their files, and uploads from tabs with an open uploader."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        state: Any,
        paths: frozenset[str],
        posts: frozenset[str],
        has_provider: bool,
        tabs: Tabs,
    ) -> None:
        """`paths` are read, `posts` are addresses of the pages' own scripts that are only written to."""
        self._app = app
        self._posts = posts
        self._state = state
        self._open = OPEN | paths | (PROVIDER if has_provider else frozenset())
        self._tabs = tabs
        self._quota = UploadQuota(person=PERSON, everybody_bytes=EVERYBODY_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif kind == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != STREAM:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._tabs.disconnected()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"].startswith(UPLOADS):
                await self._upload(scope, receive, send)
                return
            await self._check(scope)
        except AppError as error:
            await refused_by(error, scope)(scope, receive, send)
            return
        await self._app(scope, receive, _unkept(send) if scope["path"].startswith(MEDIA) else send)

    async def _check(self, scope: Scope) -> None:
        """Raise NotFound, MethodNotAllowed or NotSignedIn where the address is not answered."""
        path: str = scope["path"]
        if path in self._posts and scope["method"] == "POST":
            return
        if (path.rstrip("/") or "/") not in self._open and not path.startswith((MEDIA, *OPEN_FOLDERS)):
            raise NotFound(sentence(404))
        if scope["method"] not in READING:
            raise MethodNotAllowed(sentence(405))
        if path.startswith(MEDIA):
            await self._viewer(scope)

    async def _viewer(self, scope: Scope) -> Viewer:
        """Return who is signed in in this browser. Raises NotSignedIn, Unavailable."""
        backend: Backend | None = getattr(self._state, "backend", None)
        if backend is None:
            raise Unavailable(sentence(503))
        token = cookie(scope, SESSION_COOKIE)
        if not token:
            raise NotSignedIn(sentence(401))
        return await anyio.to_thread.run_sync(backend.sign_in.viewer, token)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive or drop the file of a tab: PUT and DELETE /_stcore/upload_file/TAB/FILE. Raises AppError."""
        tab, _slash, file = scope["path"].removeprefix(UPLOADS).partition("/")
        viewer = await self._viewer(scope)
        if scope["method"] == "DELETE" and self._tabs.is_of(tab, viewer.id):
            await self._app(scope, receive, send)
            return
        if scope["method"] != "PUT":
            raise MethodNotAllowed(sentence(405))
        if not self._tabs.takes_file(tab, viewer.id):
            raise NotAllowed(_("This page cannot take a file now. Reload it and choose the file again."))
        size = said_length(scope)
        if size is None or "transfer-encoding" in Headers(scope=scope):
            raise LengthNeeded(_("The length of the file is missing."))
        if size > UPLOAD_BYTES:
            raise TooLarge(too_large(UPLOAD_BYTES))
        self._tabs.let_go_of_lost(viewer.id, but=tab)
        held, by_everybody = self._tabs.held(viewer.id, but=tab), self._tabs.held_by_everybody(but=tab)
        with self._quota.reserve(viewer.id, size, held=held, held_by_everybody=by_everybody):
            self._tabs.keep_only(tab, file)  # the file that this one takes the place of
            try:
                await self._app(scope, limited(receive, UPLOAD_BYTES, UPLOAD_SECONDS), send)
            finally:
                self._tabs.keep_only(tab, file)


def _unkept(send: Send) -> Send:
    """Return `send` that forbids every cache to keep the response: the next reader may not be signed in."""

    async def send_unkept(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["cache-control"] = "private, no-store"
        await send(message)

    return send_unkept
