"""What holds for every request: ids, safe headers, size, form, and that no failure shows its insides."""

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from backend.api import create_api
from backend.api.request_size import BODY_BYTES, UPLOAD_BYTES
from backend.bootstrap import Backend
from backend.kit.observability.metrics import REQUESTS
from tests.api.caller import Door, problem

LOGIN = "/auth/login"


def test_every_answer_has_an_id_and_safe_headers(door: Door) -> None:
    """Success, failure and unknown addresses alike carry the request's id and forbid guessing and framing."""
    for path in ("/chapters", "/chapters/nope", "/nope", "/docs", "/openapi.json"):
        headers = door.anyone.get(path).headers
        assert len(headers["X-Request-Id"]) >= 8
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_callers_own_id_is_taken_over_where_it_is_plain(door: Door) -> None:
    """An id can be followed through several systems; one that could forge a log line is replaced."""
    assert door.anyone.get("/chapters", headers={"X-Request-Id": "mine-12345"}).headers["X-Request-Id"] == "mine-12345"
    for forged in ("x" * 65, "a b c d e f", "short"):
        assert door.anyone.get("/chapters", headers={"X-Request-Id": forged}).headers["X-Request-Id"] != forged


def test_unknown_addresses_and_methods_fail_in_the_same_shape(door: Door) -> None:
    """404 and 405 are ours, and 405 names all methods that the address takes."""
    assert problem(door.anyone.get("/nope"), 404)["code"] == "not_found"
    answer = door.anyone("PUT", "/chapters")
    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "GET, HEAD, POST"


def test_what_nobody_foresaw_shows_no_insides(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is answered 500 in our shape: an id to look for, no traceback, no message of the exception."""

    def broken(*_args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(backend.overview, "chapters", broken)
    with capture_logs() as logged:
        answer = TestClient(create_api(backend)).get("/chapters")
    error = problem(answer, 500)
    assert error["code"] == "error"
    assert [each["request_id"] for each in logged if each["event"] == "request_failed"] == [error["requestId"]]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_before_the_backend_runs_the_answer_is_503() -> None:
    """A request during start-up is told to come again, not crashed."""
    assert problem(TestClient(create_api()).get("/chapters"), 503)["code"] == "unavailable"


def test_broken_json_says_where(door: Door) -> None:
    """Malformed JSON, wrong encodings and depth bombs are 400 with a sentence."""
    kind = {"Content-Type": "application/json"}
    error = problem(door.anyone("POST", LOGIN, content=b'{"email": ', headers=kind), 400)
    assert error["code"] == "malformed"
    assert "character 10" in error["message"]
    for body in (b"\xff\xfe", b"[" * 200_000, b'{"email": ' + b"9" * 5000 + b"}"):
        assert problem(door.anyone("POST", LOGIN, content=body, headers=kind), 400)["code"] == "malformed"


def test_other_kinds_of_bodies_are_415(door: Door) -> None:
    """A form or a text where JSON belongs is named as such; no body at all is a missing field."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
        answer = door.anyone("POST", LOGIN, content=b'{"email":"a"}', headers={"Content-Type": kind})
        assert problem(answer, 415)["code"] == "unsupported_media_type"
    assert problem(door.anyone("POST", LOGIN, headers={"Content-Type": "application/json"}), 422)


def test_half_characters_do_not_break_the_answer(door: Door) -> None:
    """Lone surrogates in values and names are refused as any other bad field."""
    kind = {"Content-Type": "application/json"}
    for body in (b'{"email":"\\ud800","password":"x"}', b'{"\\udfff":1,"email":"a","password":"x"}'):
        assert problem(door.anyone("POST", LOGIN, content=body, headers=kind), 422)


def test_a_body_above_the_limit_is_refused(door: Door) -> None:
    """By what it says and by what arrives: 413 in our shape; an address without a route reads nothing."""
    kind = {"Content-Type": "application/json"}
    large = b'"' + b"x" * BODY_BYTES + b'"'
    assert problem(door.anyone("POST", LOGIN, content=large, headers=kind), 413)["code"] == "too_large"
    assert problem(door.anyone("POST", "/nope", content=large, headers=kind), 404)

    def chunks() -> Iterator[bytes]:
        for _part in range(20):
            yield b" " * 65536

    assert problem(door.anyone("POST", LOGIN, content=chunks(), headers=kind), 413)


def test_an_upload_may_be_larger_and_is_bounded_too(door: Door) -> None:
    """A file of 2 MB is read; what says it has 51 MB, or turns out to, is refused."""
    teacher = door.teacher
    answer = teacher.post("/chapters/import", files={"file": ("a.csv", b"x" * 2 * BODY_BYTES)})
    assert problem(answer, 422)
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    says = teacher("POST", "/chapters/import", content=b"x", headers=form | {"Content-Length": str(51 * 1024**2)})
    assert problem(says, 413)

    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _part in range(UPLOAD_BYTES // 1024**2 + 1):
            yield b"x" * 1024**2

    assert problem(teacher("POST", "/chapters/import", content=chunks(), headers=form), 413)


def test_requests_are_timed_by_their_route(door: Door, backend: Backend) -> None:
    """The label is the template of the route, never what somebody typed."""
    door.anyone.get("/chapters/whatever-i-typed")
    door.anyone.get("/what/else/i/typed")
    labels = set(backend.metrics.read(REQUESTS))
    assert "GET /chapters/{chapterId}" in labels
    assert not [label for label in labels if "typed" in label]


def test_a_failure_is_the_same_json_whatever_was_sent(door: Door) -> None:
    """What a caller typed is quoted as text in JSON: no HTML type, no break-out."""
    answer = door.anyone.get("/chapters?<script>=1")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text)["error"]["details"]["fields"][0]["field"] == "<script>"
