"""The API on a real port, and programs that listen to its streams byte by byte."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from backend.api import create_api, http_server
from backend.api.middleware.draining import Drain
from backend.api.outer_middleware import outer_middleware
from backend.api.refusals import API
from backend.api.streaming.connections import Streams
from backend.bootstrap import Backend
from tests.waiting import PATIENCE_SECONDS, until


@dataclass(frozen=True)
class Heard:
    """One event of a stream; `name` is "" for a comment."""

    name: str
    data: Any = None
    id: str = ""


@dataclass
class Listener:
    """An open stream, or the answer that refused it."""

    answer: http.client.HTTPResponse
    retry_ms: int = 0
    events: list[Heard] = field(default_factory=list)

    def next(self) -> Heard | None:
        """The next event or comment; None where the stream has ended. Raises TimeoutError after some seconds."""
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            words = line.decode().rstrip("\n")
            if not words and fields:
                return Heard(fields.get("event", ""), json.loads(fields.get("data", "null")), fields.get("id", ""))
            name, _colon, value = words.partition(":")
            if name == "retry":
                self.retry_ms = int(value)
            elif words:
                fields[name] = value.strip()
        return None

    def wait_for(self, name: str) -> Heard:
        """The next event of this name."""
        while heard := self.next():
            if heard.name == name:
                return heard
        raise AssertionError(f"the stream ended before {name}")

    def error(self) -> dict[str, Any]:
        """Why it was refused."""
        body = json.loads(self.answer.read())
        assert body["success"] is False
        error: dict[str, Any] = body["error"]
        return error


class ServedApi:
    """The API of a backend on a port of its own."""

    def __init__(self, backend: Backend, *, is_whole: bool = False) -> None:
        """With `is_whole` inside the layers that a process serves it in, under /api/v1."""
        self.api = create_api(backend)
        app: ASGIApp = self.api
        if is_whole:
            layers = outer_middleware(backend.settings, Drain())
            app = Starlette(routes=[Mount(API, self.api)], middleware=layers)
        self._server = http_server.server(app, host="127.0.0.1", port=0, lifespan="off")
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])

    @property
    def streams(self) -> Streams:
        streams: Streams = self.api.state.streams
        return streams

    @contextmanager
    def listening(self, path: str, headers: Mapping[str, str]) -> Iterator[Listener]:
        """A program that listens while the block runs; its first event, `connected`, is still to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", path, headers=dict(headers))
            yield Listener(connection.getresponse())
        finally:
            connection.close()

    def close(self) -> None:
        self.streams.end()
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "an open stream holds the server up"


@pytest.fixture
def served_api(backend: Backend) -> Iterator[ServedApi]:
    """The API of the test's backend, on a port."""
    made = ServedApi(backend)
    yield made
    made.close()


@pytest.fixture
def whole_api(backend: Backend) -> Iterator[ServedApi]:
    """The same inside the layers that a process serves it in, under /api/v1."""
    made = ServedApi(backend, is_whole=True)
    yield made
    made.close()
