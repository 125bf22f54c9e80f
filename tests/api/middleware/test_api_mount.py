"""The API beside pages: it gets what lies under its address and nothing else, compressed for those who take it."""

from collections.abc import Iterator

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from backend.api import create_api
from backend.api.middleware.api_mount import ApiMount
from backend.bootstrap import Backend
from tests.api.caller import Door


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"page {scope['path']}")(scope, receive, send)


@pytest.fixture
def client(backend: Backend) -> Iterator[TestClient]:
    yield TestClient(ApiMount(pages, api=create_api(backend)))


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/api/v10/chapters", "/chapters", "/API/v1/chapters"])
def test_other_addresses_are_for_pages(client: TestClient, path: str) -> None:
    """An address that only resembles one of the API is answered by the pages."""
    assert client.get(path).text == f"page {path}"


def test_the_api_knows_where_it_stands(client: TestClient, door: Door) -> None:
    """Routes, refusals of the API and links within answers are those of the API by itself."""
    assert client.get("/api/v1/chapters?limit=1").json()["success"] is True
    assert client.get("/api/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.post("/api/v1/chapters").status_code == 401
    made = client.post("/api/v1/classrooms", json={"name": "12 B"}, headers=door.teacher.headers)
    assert made.headers["location"] == f"/api/v1/classrooms/{made.json()['data']['id']}"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, br", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("br, gzip; q=0.0", None),
        ("xgzip", None),
        ("identity", None),
        ("", None),
    ],
)
def test_answers_are_compressed_for_those_who_take_it(client: TestClient, accepted: str, encoding: str | None) -> None:
    """A list of chapters is compressed where the caller accepts gzip, and is the same list either way."""
    answer = client.get("/api/v1/chapters", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert len(answer.json()["data"]) == 20
