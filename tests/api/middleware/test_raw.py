"""What no client library would send: requests byte by byte, and the server that answers the next one all the same."""

import json
import time
from collections.abc import Iterator

import pytest

from backend.api import router
from backend.bootstrap import Backend
from tests.api.caller import Door
from tests.api.raw import CLOSE, HOST, PATIENCE_SECONDS, Raw, everything, statuses
from tests.api.streaming.listening import ServedApi, served_api

__all__ = ["served_api"]

JSON = b"Content-Type: application/json\r\n"


def is_well(raw: Raw) -> bool:
    """Whether a request as it should be is answered."""
    return raw.send(b"GET /health/live HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n").startswith(b"HTTP/1.1 200")


@pytest.fixture
def raw(served_api: ServedApi) -> Iterator[Raw]:
    """The API, well before and after."""
    made = Raw(served_api.port)
    yield made
    assert is_well(made)


MALFORMED = {
    "no request line": b"\r\n\r\n\r\n",
    "nonsense": b"\x00\x01\x02\x03\xff\xfe\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
    "version 9": b"GET /health/live HTTP/9.9\r\n" + HOST + b"\r\n",
    "a made-up method": b"G@T /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the path": b"GET /health /live HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without colon": b"GET /health/live HTTP/1.1\r\n" + HOST + b"broken\r\n\r\n",
    "a space before the colon": b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length : 5\r\n\r\nhello",
    "a NUL in a header": b"GET /health/live HTTP/1.1\r\n" + HOST + b"X-A: a\x00b\r\n\r\n",
    "a length that is no number": b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: many\r\n\r\n",
    "a negative length": b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a length beyond all numbers": b"POST /auth/login HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: "
    + b"9" * 40
    + b"\r\n\r\n",
    "two lengths": b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": b"POST /auth/login HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is no number": b"POST /auth/login HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "a chunk size beyond all numbers": b"POST /auth/login HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"f" * 20
    + b"\r\nhello\r\n0\r\n\r\n",
    "endless headers": b"GET /health/live HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 300_000 + b"\r\n\r\n",
    "very many headers": b"GET /health/live HTTP/1.1\r\n" + HOST + b"X-A: a\r\n" * 60_000 + b"\r\n",
    "an endless address": b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("kind", sorted(MALFORMED))
def test_what_is_no_request_is_refused(raw: Raw, kind: str) -> None:
    """Refused with 4xx, or the line is cut: never a mistake of ours (5xx), never taken for something else."""
    for status in statuses(raw.send(MALFORMED[kind], quiet_seconds=1.0)):
        assert 400 <= status < 500, kind


@pytest.mark.parametrize(
    "path",
    [b"/\xff\xfe", b"/chapters/\xc3\x28", b"/chapters/%ff", b"/chapters/%00", b"/chapters/..%2f..%2fetc", b"//chapters",
     b"/chapters/%2e%2e/%2e%2e/etc/passwd", b"http://evil.example/chapters/x", b"/chapters?subject=%ff", b"*",
     b"/chapters?search=%ed%a0%80", b"/chapters/" + b"%f0%9f%92%a9" * 50],
)  # fmt: skip
def test_strange_addresses_are_answered_plainly(raw: Raw, path: bytes) -> None:
    """Bytes that are no text, encoded dots and slashes, other hosts' addresses: found nowhere, or not read at all."""
    answer = raw.send(b"GET " + path + b" HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    for status in statuses(answer):
        assert status in (200, 400, 404, 422), answer[:300]
    assert b"Traceback" not in answer
    assert b"root:" not in answer


SMUGGLED = b"DELETE /chapters/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
FRAMES = {
    "length before chunks": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n",
    "chunks before length": b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n",
    "misspelt chunks": b"Content-Length: %d\r\nTransfer-Encoding: xchunked\r\n",
    "chunks twice": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "chunks behind a tab": b"Content-Length: %d\r\nTransfer-Encoding:\tchunked\r\n",
    "folded chunks": b"Content-Length: %d\r\nTransfer-Encoding:\r\n chunked\r\n",
}


@pytest.mark.parametrize("frame", sorted(FRAMES))
def test_no_request_hides_in_the_body_of_another(raw: Raw, door: Door, backend: Backend, frame: str) -> None:
    """However a proxy in front may count the body, what is in it is never done as a request of its own."""
    chapter = backend.chapters.active()[0].id
    hidden = SMUGGLED % (chapter.encode(), door.teacher.headers["Authorization"].encode())
    body = b"0\r\n\r\n" + hidden
    answer = raw.send(
        b"POST /auth/login HTTP/1.1\r\n" + HOST + JSON + FRAMES[frame] % len(body) + b"\r\n" + body, quiet_seconds=1.0
    )
    assert backend.chapters.get(chapter).archived_at is None
    assert len(statuses(answer)) <= 1 or all(status >= 400 for status in statuses(answer)), answer


def test_a_body_in_chunks_has_the_same_limit(raw: Raw) -> None:
    """Without a length the bytes that arrive are counted: 1 MB, and then 413."""
    head = b"POST /auth/login HTTP/1.1\r\n" + HOST + CLOSE + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = raw.send(head, *[chunk] * 20, b"0\r\n\r\n")
    assert statuses(answer) == [413]


def test_chunks_with_tricks_are_read_as_they_are(raw: Raw) -> None:
    """Extensions, trailers and tiny chunks change nothing of the body."""
    body = b'{"email": "a@b.example", "password": "x"}'
    chunks = b"".join(b"1;a=b\r\n" + bytes([byte]) + b"\r\n" for byte in body)
    head = b"POST /auth/login HTTP/1.1\r\n" + HOST + CLOSE + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = raw.send(head + chunks + b"0\r\nX-Trailer: y\r\n\r\n")
    assert statuses(answer) == [401]


def test_a_body_that_does_not_come_is_not_waited_for(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, or nothing at all: after its time the request is refused with 408."""
    monkeypatch.setattr(router, "BODY_SECONDS", 0.5)
    with raw.connect() as connection:
        connection.sendall(b"POST /auth/login HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 1000\r\n\r\n{")
        answer = everything(connection, 4.0)
    assert statuses(answer) == [408]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["code"] == "too_slow"


def test_many_that_wait_do_not_hold_up_others(raw: Raw) -> None:
    """Fifty requests that never end, more than there are threads: the next one is answered."""
    waiting = [raw.connect() for _each in range(50)]
    try:
        for connection in waiting:
            connection.sendall(b"POST /auth/login HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 100\r\n\r\n{")
        began = time.monotonic()
        assert is_well(raw)
        assert time.monotonic() - began < PATIENCE_SECONDS
    finally:
        for connection in waiting:
            connection.close()


def test_answers_to_a_pipeline_come_in_order(raw: Raw) -> None:
    """Several requests at once on one line are several answers, each to its own."""
    paths = (b"/health/live", b"/nope", b"/health/live")
    lines = [b"GET " + path + b" HTTP/1.1\r\n" + HOST for path in paths]
    assert statuses(raw.send(b"\r\n".join(lines) + CLOSE + b"\r\n")) == [200, 404, 200]
