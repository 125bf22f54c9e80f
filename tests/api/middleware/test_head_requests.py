"""HEAD: the status and headers of GET, no body, and a connection that goes on, over plain sockets."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from backend.api import create_api
from backend.bootstrap import Backend
from tests.api.caller import Door
from tests.api.raw import CLOSE, HOST, Raw, body_of, head_of, statuses
from tests.api.streaming.listening import ServedApi, whole_api

__all__ = ["whole_api"]

OWN = {"x-request-id", "date", "ratelimit", "etag", "x-cache", "age", "content-length", "transfer-encoding"}
STREAMS = ("/events", "/chapters/{chapterId}/progress-stream")
QUERIES = {"/events": "?rooms=boards", "/admin/sessions": "?user=nobody"}
BEHIND = b"GET /api/v1/health/live HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"


def addresses(backend: Backend) -> Iterator[str]:
    """Every documented GET, with ids of what is there, and those for people."""
    document: dict[str, Any] = create_api(backend).openapi()
    chapter = backend.chapters.active()[0].id
    for path, operations in document["paths"].items():
        if "get" in operations:
            yield re.sub(r"{\w+}", "unknown", path.replace("{chapterId}", chapter)) + QUERIES.get(path, "")
    yield from ("/docs", "/docs.css", "/openapi.json", "/mails/unsubscribe", "/nowhere")


def asked(method: str, path: str, token: str) -> bytes:
    return f"{method} /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n".encode()


def test_head_equals_get_and_leaves_the_connection_well(whole_api: ServedApi, door: Door, backend: Backend) -> None:
    """Each address, by each of three roles, with another request behind it on the connection: that is answered too."""
    raw = Raw(whole_api.port)
    for caller in (door.student, door.teacher, door.admin):
        token = caller.headers["Authorization"]
        for path in addresses(backend):
            answer = raw.send(asked("HEAD", path, token) + b"\r\n" + BEHIND)
            head, rest = answer.partition(b"\r\n\r\n")[::2]
            assert rest.startswith(b"HTTP/1.1 200"), (path, answer[:500])
            assert body_of(rest).startswith(b'{"success":true'), path
            if path.partition("?")[0].endswith(("/events", "-stream")):
                assert statuses(head) in ([200], [403], [404]), path
                continue
            got = raw.send(asked("GET", path, token) + CLOSE + b"\r\n")
            assert statuses(head) == statuses(got)[:1], path
            ours, theirs = head_of(head), head_of(got)
            assert ours.keys() - OWN == theirs.keys() - OWN - {"connection"}, path
            assert {n: v for n, v in ours.items() if n not in OWN} == {n: theirs[n] for n in ours if n not in OWN}, path
            assert ("content-length" in ours, "etag" in ours) == ("content-length" in theirs, "etag" in theirs), path


def test_the_length_is_that_of_the_body(whole_api: ServedApi) -> None:
    """Content-Length and ETag of HEAD are those of the very body that GET sends."""
    raw = Raw(whole_api.port)
    for path in ("/chapters?limit=3", "/docs", "/openapi.json", "/docs.css", "/nowhere"):
        head, got = (
            raw.send(asked(method, path, "").replace(b"Authorization: \r\n", b"") + CLOSE + b"\r\n")
            for method in ("HEAD", "GET")
        )
        assert body_of(head) == b""
        assert head_of(head)["content-length"] == head_of(got)["content-length"], path
        assert int(head_of(head)["content-length"]) == len(body_of(got)), path
        assert head_of(head).get("etag") == head_of(got).get("etag")


def test_a_stream_that_is_only_asked_after_ends(whole_api: ServedApi, door: Door) -> None:
    """HEAD of a stream is answered at once, and nobody is left listening."""
    raw, token = Raw(whole_api.port), door.student.headers["Authorization"]
    for _time in range(3):
        answer = raw.send(asked("HEAD", "/events?rooms=boards", token) + b"\r\n" + BEHIND)
        assert statuses(answer) == [200, 200]
        assert head_of(answer)["content-type"].startswith("text/event-stream")
    assert sum(whole_api.streams.counts().values()) == 0


@pytest.mark.parametrize("path", ["/me/export", "/chapters/export?format=xlsx", "/chapters", "/events?rooms=boards"])
def test_head_is_no_failure(whole_api: ServedApi, door: Door, path: str) -> None:
    """Nothing is logged as a failure, and many HEADs on one connection are as many answers."""
    raw, token = Raw(whole_api.port), door.student.headers["Authorization"]
    with capture_logs() as logged:
        answer = raw.send((asked("HEAD", path, token) + b"\r\n") * 4 + BEHIND)
    assert statuses(answer) == [200] * 5, answer[:500]
    assert not [each for each in logged if each.get("status", 0) >= 500 or each["event"] == "request_failed"]


def test_a_write_is_not_headed(whole_api: ServedApi, door: Door) -> None:
    """HEAD of an address that only takes writes is refused as GET of it is."""
    answer = Raw(whole_api.port).send(
        asked("HEAD", "/auth/login", door.student.headers["Authorization"]) + CLOSE + b"\r\n"
    )
    assert statuses(answer) == [405]
    assert head_of(answer)["allow"] == "POST"
