"""How much of a body is read, and for whom: decided by route, method, person and length before a byte of it comes."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from backend.api import create_api
from backend.api.request_size import BODY_BYTES, PERSON, UPLOAD_BYTES
from backend.bootstrap import Backend
from backend.chapters.models import MAX_FILE_BYTES
from tests.api.caller import Caller, Door, problem, unlimited
from tests.api.middleware.test_raw import raw, served_api
from tests.api.raw import CLOSE, HOST, Raw, everything, statuses
from tests.waiting import until

__all__ = ["raw", "served_api", "unlimited"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UPLOADS = {("POST", "/chapters/import"), ("POST", "/progress/import")}
LOOKALIKES = (
    "/import", "/x/import", "/chapters/x/import", "/chapters/import/", "/chapters/import/import", "//chapters/import",
    "/Chapters/import", "/chapters/%69mport/x", "/classrooms/import", "/admin/users/import",
)  # fmt: skip
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def says(length: int) -> dict[str, str]:
    """Headers of a body of this length, of which the tests send one byte."""
    return FORM | {"Content-Length": str(length)}


def paths(api: FastAPI) -> set[str]:
    """Every path of the API, with something typed in the place of each id, and paths that only look like an upload."""
    return {re.sub(r"{\w+(:\w+)?}", "import", str(each.path)) for each in iter_route_contexts(api.routes)}


def test_only_the_routes_that_take_files_take_more_than_a_megabyte(
    door: Door, backend: Backend, unlimited: None
) -> None:
    """Every other one refuses 2 MB by their announcement; what is no route reads none of it, /import at its end or not.

    What is for another role is 403.
    """
    refused, unread = 0, 0
    for path in sorted(paths(create_api(backend)) | set(LOOKALIKES)):
        for method in METHODS:
            if (method, path) not in UPLOADS:
                answer = door.admin(method, path, content=never(), headers=says(2 * BODY_BYTES))
                assert answer.status_code in (403, 404, 405, 413), (method, path, answer.status_code)
                refused += answer.status_code == 413
                unread += answer.status_code in (404, 405)
    assert refused > 60
    assert unread > 100


@pytest.mark.parametrize(("method", "path"), sorted(UPLOADS))
def test_whoever_may_not_upload_is_refused_before_the_body(door: Door, method: str, path: str) -> None:
    """Nobody, a token that is none, and a wrong role are told so, whatever length is announced and whatever is sent."""
    wrong = door.student if path.startswith("/chapters") else door.teacher
    callers: list[tuple[Caller, int]] = [(door.anyone, 401), (wrong, 403)]
    for length in (1, MAX_FILE_BYTES, 10 * UPLOAD_BYTES):
        for caller, status in callers:
            assert problem(caller(method, path, content=b"x", headers=says(length)), status)
        forged = says(length) | {"Authorization": "Bearer null"}
        assert problem(door.anyone(method, path, content=b"x", headers=forged), 401)
    assert problem(wrong(method, path, content=never(), headers=FORM), 403)


def never() -> Iterator[bytes]:
    """A body of which nothing but the first byte may be asked for."""
    yield b"x"
    raise AssertionError("the body was read")


def test_no_byte_of_a_refused_body_is_waited_for(raw: Raw, door: Door) -> None:
    """A raw request that sends its headers alone is answered at once."""
    student = b"Authorization: " + door.student.headers["Authorization"].encode() + b"\r\n"
    for who, status in ((b"", 401), (student, 403)):
        with raw.connect() as connection:
            connection.sendall(head(b"/chapters/import", MAX_FILE_BYTES, who))
            connection.settimeout(8)
            assert statuses(connection.recv(65536)) == [status]


def head(path: bytes, length: int, *more: bytes) -> bytes:
    """The head of an upload of this length."""
    form = b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n" % length
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + form + b"".join(more) + b"\r\n"


def test_one_person_uploads_few_files_at_once(raw: Raw, door: Door) -> None:
    """While two uploads of a person are on their way a third is 429; another person's is read, and so is the next."""
    teacher, admin = (
        b"Authorization: " + each.headers["Authorization"].encode() + b"\r\n" for each in (door.teacher, door.admin)
    )

    def status(who: bytes) -> int:
        with raw.connect() as connection:
            connection.sendall(head(b"/chapters/import", 1, who, CLOSE) + b"x")
            return statuses(everything(connection, 8))[0]

    with ExitStack() as stack:
        for _each in range(PERSON.files):
            upload = head(b"/chapters/import", MAX_FILE_BYTES, teacher, b"Expect: 100-continue\r\n")
            connection = stack.enter_context(begun(raw, upload))
            assert statuses(connection.recv(65536)) == [100]  # its body is asked for
        assert status(teacher) == 429
        assert status(admin) == 400
    until(lambda: status(teacher) == 400)


@contextmanager
def begun(raw: Raw, request: bytes) -> Iterator[socket.socket]:
    """A request whose body does not come while the block runs."""
    with raw.connect() as connection:
        connection.sendall(request + b"--b\r\n")
        yield connection


@pytest.mark.parametrize(
    "parts",
    [
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(6)),
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * 70_000 + b"\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nx\r\n' * 2,
        b"--b\r\n" + b"X-A: a\r\n" * 2000 + b"\r\n\r\n",
        b"--b\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n\r\n",
    ],
    ids=["many fields", "a large field", "two files", "many headers of a part", "a large header of a part"],
)
def test_a_form_is_bounded_in_all_its_parts(door: Door, parts: bytes) -> None:
    """More fields, files or headers than an upload has are refused in our shape."""
    answer = door.teacher("POST", "/chapters/import", content=parts + b"--b--\r\n", headers=FORM)
    assert problem(answer, 400)["code"] == "malformed"


def test_addresses_and_headers_are_bounded(door: Door) -> None:
    """An address of 20 KB is 414 and headers of 40 KB are 431, in our shape."""
    assert problem(door.anyone.get("/chapters/" + "a" * 20_000), 414)["code"] == "too_large"
    assert problem(door.anyone.get("/chapters?search=" + "a" * 20_000), 414)["code"] == "too_large"
    assert problem(door.anyone.get("/chapters", headers={"X-A": "a" * 40_000}), 431)["code"] == "too_large"


def test_before_the_start_an_upload_is_told_to_come_again() -> None:
    """While nobody can be known, an upload is 503 like everything else."""
    answer = TestClient(create_api()).post("/chapters/import", files={"file": ("a.csv", b"x")})
    assert problem(answer, 503)["code"] == "unavailable"


def test_a_client_that_leaves_is_no_failure(raw: Raw, door: Door) -> None:
    """An upload that is broken off by its sender is logged as a request that could not be read, not as a mistake."""
    teacher = b"Authorization: " + door.teacher.headers["Authorization"].encode() + b"\r\n"

    def is_told() -> bool:  # on a busy machine a connection may be gone before its request was read at all
        with begun(raw, head(b"/chapters/import", MAX_FILE_BYTES, teacher)):
            pass
        return 400 in [each["status"] for each in logged if each["event"] == "request"]

    with capture_logs() as logged:
        until(is_told)
    assert not [each for each in logged if each["event"] == "request_failed"]
