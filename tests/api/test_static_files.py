"""Files that browsers keep: compressed once, with their time in the browser."""

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import brotli
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Scope

from backend.api import static_files
from backend.api.static_files import KeptFiles, KeptFolders, accepted
from tests.waiting import PATIENCE_SECONDS

SCRIPT = b"export const words = ['chapter', 'performance'];\n" * 100


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / "script.js").write_bytes(SCRIPT)
    (tmp_path / "short.js").write_bytes(b"1;")
    (tmp_path / "font.woff2").write_bytes(b"\0" * 2000)
    files = KeptFiles(tmp_path, lasting={"/assets/script.js?v=1"}, instead={"large.woff2": tmp_path / "font.woff2"})
    beside = [Route("/assetsandmore", lambda _request: PlainTextResponse("beside"))]
    app = Starlette(routes=beside, middleware=[Middleware(KeptFolders, folders={"/assets": files})])
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP, BR", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0.000,gzip;q=0", None),
        ("br;q=0.1", "br"),
        ("identity", None),
        ("brotli, xgzip", None),
        ("", None),
    ],
)
def test_the_encoding_is_one_that_the_client_takes(header: str, encoding: str | None) -> None:
    """Brotli before gzip, neither where the header lacks it or gives it no weight."""
    assert accepted(header) == encoding


def test_text_travels_compressed(client: TestClient) -> None:
    """The same file by each encoding, with its length and with Vary, for caches in between."""
    for header, opened in (("br", brotli.decompress), ("gzip", gzip.decompress), ("identity", bytes)):
        with client.stream("GET", "/assets/script.js", headers={"Accept-Encoding": header}) as answer:
            body = b"".join(answer.iter_raw())
        assert opened(body) == SCRIPT
        assert answer.headers.get("content-encoding", "identity") == header
        assert (int(answer.headers["content-length"]), answer.headers["vary"]) == (len(body), "Accept-Encoding")
        assert len(body) < len(SCRIPT) / 10 or header == "identity"


def test_a_file_is_compressed_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request takes what the first one made."""
    made: list[bytes] = []

    def compressed(body: bytes, _encoding: static_files.Encoding) -> bytes:
        made.append(body)
        return gzip.compress(body)

    monkeypatch.setattr(static_files, "compressed", compressed)
    for _time in range(3):
        assert client.get("/assets/script.js", headers={"Accept-Encoding": "gzip"}).content == SCRIPT
    assert made == [SCRIPT]


def test_what_is_small_packed_or_asked_for_in_part_stays_as_it_is(client: TestClient) -> None:
    """Compressing would not help, or would break the numbers of a Range."""
    for path, more in (("short.js", {}), ("font.woff2", {}), ("script.js", {"Range": "bytes=0-5"})):
        answer = client.get(f"/assets/{path}", headers={"Accept-Encoding": "br", **more})
        assert "content-encoding" not in answer.headers
    assert (answer.status_code, answer.content) == (206, SCRIPT[:6])


def test_how_long_a_browser_keeps_it(client: TestClient) -> None:
    """A year under an address with a version, and only under the present one; fonts a month; the rest is asked for."""
    for address, said in (
        ("script.js?v=1", "public, max-age=31536000, immutable"),
        ("script.js?v=0", "no-cache"),
        ("script.js", "no-cache"),
        ("font.woff2", "public, max-age=2592000"),
    ):
        assert client.get(f"/assets/{address}").headers["cache-control"] == said


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_an_unchanged_file_is_not_sent_again(client: TestClient, encoding: str) -> None:
    """A browser that has a file gets 304 in any encoding, and caches are told that there are others."""
    first = client.get("/assets/script.js", headers={"Accept-Encoding": encoding})
    again = client.get(
        "/assets/script.js", headers={"Accept-Encoding": encoding, "If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content, again.headers["vary"]) == (304, b"", "Accept-Encoding")


def test_first_readers_wait_for_one_compression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request during the compression of a file gets its result."""
    (tmp_path / "script.js").write_bytes(SCRIPT)
    made: list[bytes] = []
    first, others = threading.Event(), threading.Event()

    def compressed(body: bytes, _encoding: static_files.Encoding) -> bytes:
        made.append(body)
        first.set()
        assert others.wait(PATIENCE_SECONDS)
        return gzip.compress(body)

    async def ask_at_once() -> list[Response]:
        files, answers = KeptFiles(tmp_path, lasting=frozenset()), []
        scope: Scope = {"type": "http", "method": "GET", "path": "/script.js", "query_string": b"", "headers": [
            (b"accept-encoding", b"gzip")
        ]}  # fmt: skip

        async def ask() -> None:
            answers.append(await files.get_response("script.js", scope))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.to_thread.run_sync(first.wait, PATIENCE_SECONDS)
            for _reader in range(5):
                tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            others.set()
        return answers

    monkeypatch.setattr(static_files, "compressed", compressed)
    assert {gzip.decompress(bytes(each.body)) for each in anyio.run(ask_at_once)} == {SCRIPT}
    assert made == [SCRIPT]


@pytest.mark.parametrize("path", ["none.js", "../test.py", "%2e%2e/test.py", ""])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    """Paths without a file, or out of the folder, are not found."""
    assert client.get(f"/assets/{path}").status_code == 404


def test_a_smaller_file_is_sent_instead(client: TestClient) -> None:
    """Under the address of one that Streamlit asks for, with its time in the browser."""
    answer = client.get("/assets/large.woff2")
    assert (answer.content, answer.headers["content-type"]) == (b"\0" * 2000, "font/woff2")


def test_other_addresses_go_on(client: TestClient) -> None:
    """An address that only begins like a folder is not below it."""
    assert client.get("/assetsandmore").text == "beside"
