"""Programs that call the API of a test's backend, by its real routes and middleware."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from backend.accounts.models import Viewer
from backend.api import create_api
from backend.api.middleware import rate_limits
from backend.bootstrap import Backend
from tests.school import PASSWORD, School

Json = dict[str, Any]


class Caller:
    """One program, signed in as somebody or as nobody."""

    def __init__(self, client: TestClient, token: str | None = None) -> None:
        self._client = client
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(self, method: str, path: str, **options: Any) -> Response:
        headers = self.headers | options.pop("headers", {})
        return self._client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Response:
        return self("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Response:
        return self("POST", path, json=json, **options)


class Door:
    """The API with people in front of it."""

    def __init__(self, backend: Backend, school: School) -> None:
        self._client = TestClient(create_api(backend), raise_server_exceptions=False)
        self._school = school
        self.admin_viewer = school.admin()
        self.teacher_viewer = school.teacher(self.admin_viewer)
        self.classroom = school.classroom(self.teacher_viewer)
        self.student_viewer = school.student(self.classroom)
        self.anyone = Caller(self._client)

    def as_(self, viewer: Viewer) -> Caller:
        """A program signed in by the route that programs use."""
        body = {"email": viewer.email, "password": PASSWORD}
        pair = self.anyone.post("/auth/login", body).json()["data"]
        return Caller(self._client, pair["accessToken"])

    @cached_property
    def student(self) -> Caller:
        return self.as_(self.student_viewer)

    @cached_property
    def teacher(self) -> Caller:
        return self.as_(self.teacher_viewer)

    @cached_property
    def admin(self) -> Caller:
        return self.as_(self.admin_viewer)


@pytest.fixture
def door(backend: Backend, school: School) -> Iterator[Door]:
    yield Door(backend, school)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit of requests, for tests that walk all routes."""
    monkeypatch.setattr(rate_limits, "kind_of", lambda _path: None)


def problem(response: Response, status: int) -> Json:
    """The error of a failed answer, after a look at its shape."""
    body = response.json()
    assert (response.status_code, body["success"]) == (status, False), body
    error: Json = body["error"]
    assert set(error) - {"details"} == {"code", "message", "requestId"}
    assert error["requestId"] == response.headers["X-Request-Id"]
    assert error["message"].endswith((".", "?")), error["message"]
    return error


def as_json(value: object) -> Any:
    """A service's value as it reads on the other side of the wire."""
    return msgspec.json.decode(msgspec.json.encode(value))


def first_chapter(caller: Caller) -> Json:
    """The first chapter of the syllabus as the caller sees it."""
    chapter: Json = caller.get("/chapters?limit=1").json()["data"][0]
    return chapter
