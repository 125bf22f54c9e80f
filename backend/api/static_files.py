"""Files that browsers keep: text is compressed once, when it is first asked for, and then sent from memory."""

import gzip
import os
import re
from collections.abc import Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import anyio
import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

Encoding = Literal["br", "gzip"]

_TEXT = re.compile(r"(text/|application/(javascript|json|wasm)|image/svg)")
_NONE = re.compile(r"q=0(\.0*)?")
SMALLEST_BYTES = 500
BROTLI_QUALITY = 9  # 11 saves 8 % more at nine times the processor, while the first reader waits
NOTHING: Mapping[str, Path] = MappingProxyType({})
YEAR_SECONDS, MONTH_SECONDS = 365 * 24 * 3600, 30 * 24 * 3600


def accepted(header: str) -> Encoding | None:
    """Return the encoding to answer with: the smallest that the Accept-Encoding `header` allows; None for plain."""
    named = allowed(header)
    return "br" if "br" in named else "gzip" if "gzip" in named else None


def allowed(header: str) -> set[str]:
    """Return the names of the encodings that an Accept-Encoding `header` allows."""
    names = set()
    for part in header.lower().split(","):
        name, _semicolon, weight = part.partition(";")
        if not _NONE.fullmatch(weight.strip()):
            names.add(name.strip())
    return names


def compressed(body: bytes, encoding: Encoding) -> bytes:
    """Return `body` encoded for the wire."""
    if encoding == "br":
        return bytes(brotli.compress(body, quality=BROTLI_QUALITY))
    return gzip.compress(body, 9, mtime=0)


class KeptFiles(StaticFiles):
    """The files of a folder, with their time in the browser.

    `lasting` are addresses (with their query) whose contents never change: a year. Fonts and pictures elsewhere: a
    month. Everything else is asked about each time, and answered with 304 while it is the same. `instead` names
    files that are sent in place of one of the folder, by its path in it.
    """

    def __init__(self, directory: Path, *, lasting: Set[str], instead: Mapping[str, Path] = NOTHING) -> None:
        super().__init__(directory=directory, follow_symlink=True)
        self._lasting = lasting
        self._instead = instead
        self._compressed: dict[tuple[str, str, Encoding], bytes] = {}
        self._compressing = anyio.Lock()  # one file after another: all readers of a new version come at once

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return the file of a path and its facts, as Starlette wants it."""
        other = self._instead.get(path)
        return (str(other), other.stat()) if other else super().lookup_path(path)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, compressed where it is text and the client takes that. Raises HTTPException."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = self._cache_control(scope)
        response.headers["vary"] = "Accept-Encoding"
        if not isinstance(response, FileResponse) or not _TEXT.match(response.media_type or ""):
            return response
        headers = Headers(scope=scope)
        encoding = accepted(headers.get("accept-encoding", ""))
        if encoding is None or "range" in headers or int(response.headers["content-length"]) < SMALLEST_BYTES:
            return response
        return _encoded(response, await self._body(response, encoding), encoding)

    async def _body(self, plain: FileResponse, encoding: Encoding) -> bytes:
        name = (plain.headers["etag"], str(plain.path), encoding)
        if name not in self._compressed:
            async with self._compressing:
                if name not in self._compressed:
                    body = await anyio.Path(plain.path).read_bytes()
                    self._compressed[name] = await anyio.to_thread.run_sync(compressed, body, encoding)
        return self._compressed[name]

    def _cache_control(self, scope: Scope) -> str:
        query = scope["query_string"].decode("latin-1")
        address = f"{scope['path']}?{query}" if query else scope["path"]
        if address in self._lasting:
            return f"public, max-age={YEAR_SECONDS}, immutable"
        return f"public, max-age={MONTH_SECONDS}" if scope["path"].endswith((".woff2", ".png", ".svg")) else "no-cache"


class KeptFolders:
    """Answers the addresses below each of `folders` ("/static" …) from its files, all others by `app`.

    A middleware, because Streamlit keeps these addresses to itself and refuses routes for them.
    """

    def __init__(self, app: ASGIApp, *, folders: Mapping[str, KeptFiles]) -> None:
        self._app = app
        self._folders = folders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for prefix, files in self._folders.items():
                if scope["path"].startswith(f"{prefix}/"):
                    await self._file(files, {**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _file(self, files: KeptFiles, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await files(scope, receive, send)
        except HTTPException as error:  # worded by ErrorPages
            await Response(status_code=error.status_code, headers=error.headers)(scope, receive, send)


def _encoded(plain: FileResponse, body: bytes, encoding: Encoding) -> Response:
    """The compressed form of `plain`. Its entity tag is weak: the bytes differ, what they say does not."""
    response = Response(body, media_type=plain.media_type)
    copied = MutableHeaders(raw=[each for each in plain.raw_headers if each[0] not in (b"content-length", b"etag")])
    copied["content-length"] = str(len(body))
    copied["content-encoding"] = encoding
    copied["etag"] = f"W/{plain.headers['etag']}"
    response.raw_headers = copied.raw
    return response
