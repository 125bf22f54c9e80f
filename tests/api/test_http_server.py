"""Connections that are slow, large or many, byte by byte, before there is a request that the API could answer."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from backend.api import http_server
from backend.api.http_server import BoundedHttp, PortUnavailable
from backend.bootstrap import Backend
from tests.api.caller import Door
from tests.api.middleware.test_raw import is_well, raw, served_api
from tests.api.raw import CLOSE, HOST, UPGRADE, Raw, endless_message, everything, statuses
from tests.waiting import PATIENCE_SECONDS, until

__all__ = ["raw", "served_api"]

SECONDS = 0.8
LARGE = 15_000_000  # more than the buffers of two sockets hold
HEALTH = b"GET /health/live HTTP/1.1\r\n" + HOST


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(http_server, "HEADER_SECONDS", SECONDS)


def trickled(connection: socket.socket, drop: bytes) -> bytes:
    """What is answered to a client that sends `drop` again and again until the server closes; at most 20 seconds."""
    connection.settimeout(0.05)
    ends, answer = time.monotonic() + 20, b""
    while time.monotonic() < ends:
        try:
            connection.sendall(drop)
            part = connection.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return answer
        if not part:
            return answer
        answer += part
    raise AssertionError("the connection stayed open")


@pytest.mark.parametrize("first", [b"", b"GET ", HEALTH, HEALTH + b"X-A: a\r\n", HEALTH + b"X-B: "])
def test_headers_that_trickle_are_cut_off(raw: Raw, short: None, first: bytes) -> None:
    """However far a request has come, each further byte does not put its deadline off: 408 in the API's shape."""
    with raw.connect() as connection:
        connection.sendall(first)
        answer = trickled(connection, b"x")
    assert statuses(answer) in ([408], [400])
    error = json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]
    assert error["requestId"].encode() in answer.split(b"\r\n\r\n", 1)[0]


@pytest.mark.parametrize("drop", [b"", b"\r\n"])
def test_a_connection_that_says_nothing_is_closed(raw: Raw, short: None, drop: bytes) -> None:
    """Silence and empty lines are no request: closed without a word."""
    with raw.connect() as connection:
        assert trickled(connection, drop) == b""


@pytest.mark.parametrize("drop", [b"", b"\r\n", b"G"])
def test_a_kept_connection_has_the_same_deadline(raw: Raw, short: None, drop: bytes) -> None:
    """After an answered request the next one's headers are due as those of the first."""
    with raw.connect() as connection:
        connection.sendall(HEALTH + b"\r\n")
        until(lambda: connection.recv(1, socket.MSG_PEEK) != b"")
        assert statuses(trickled(connection, drop))[0] == 200


def test_a_body_that_goes_on_after_its_refusal_is_cut_off(raw: Raw, short: None) -> None:
    """Whoever goes on sending what was refused unread is not listened to for ever."""
    head = b"POST /chapters/import HTTP/1.1\r\n" + HOST + b"Content-Length: 50000000\r\n\r\n"
    with raw.connect() as connection:
        connection.sendall(head)
        assert statuses(trickled(connection, b"x")) == [401]


def test_a_request_within_its_time_is_answered_however_it_is_cut(raw: Raw) -> None:
    """A phone that sends a request in pieces gets its answer, and the next one on the same line."""
    with raw.connect() as connection:
        for byte in HEALTH + b"\r\n":
            connection.sendall(bytes([byte]))
        connection.sendall(HEALTH + b"Connection: close\r\n\r\n")
        assert statuses(everything(connection, 8)) == [200, 200]


def test_few_connections_wait_for_their_headers(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the longest-waiting is closed, and a whole request is answered all the same."""
    monkeypatch.setattr(http_server, "MOST_WAITING", 20)
    with ExitStack() as stack:
        slow = [stack.enter_context(raw.connect()) for _each in range(60)]
        for connection in slow:
            connection.sendall(b"GET /")
        until(lambda: len(BoundedHttp._waiting) <= 21)
        assert is_well(raw)
        slow[0].settimeout(8)
        assert slow[0].recv(10) == b""


@pytest.mark.parametrize("start", [b"GET /", HEALTH + b"X-A: ", HEALTH])
def test_headers_without_end_are_not_kept(raw: Raw, start: bytes) -> None:
    """An address, a value or lines that go on and on are refused long before they fill the memory."""
    more = b"X-A: a\r\n" * 2000 if start == HEALTH else b"a" * 16_000
    answer = raw.send(start, *[more] * 200)
    assert statuses(answer) in ([431], [])  # none: the answer is lost where the client goes on writing


CHUNKED = b"GET /chapters HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("trailer", [b"Authorization: Bearer x\r\n", b"Host: elsewhere\r\nCookie: session=x\r\n"])
def test_a_trailer_is_no_header(raw: Raw, trailer: bytes) -> None:
    """Trailers behind the body say nothing about the caller: among the headers they would make this 401, or 400."""
    for parts in ([CHUNKED + b"0\r\n" + trailer + b"\r\n"], [CHUNKED + b"2\r\nab\r\n0\r\n", trailer, b"\r\n"]):
        answer = raw.send(*parts[:-1], parts[-1] + HEALTH + b"Connection: close\r\n\r\n")
        assert statuses(answer) == [200, 200], answer[:300]


@pytest.mark.parametrize("start", [b"0\r\n", b"0\r\nX-A: ", b"2\r\nab\r\n0\r\n", b"2;x="])
def test_trailers_without_end_are_not_kept(raw: Raw, start: bytes) -> None:
    """Lines behind a body, a value or an extension that goes on and on: the connection is closed within 2 MB."""
    more = b"X-A: a\r\n" * 2000 if start.endswith(b"0\r\n") else b"a" * 16_000
    with raw.connect() as connection, pytest.raises(OSError, match=r".*"):
        connection.sendall(CHUNKED + start)
        for _each in range(125):
            connection.sendall(more)
            time.sleep(0.001)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        (b"POST", b"Content-Length: 2\r\n"),
        (b"HEAD", b""),
        (b"GET", b"X-A: a\r\n" * 200),
        (b"GET", b"Cookie: a=" + b"a" * 9000 + b"\r\n"),
    ],
)
def test_an_opening_that_is_none_is_answered(raw: Raw, method: bytes, more: bytes) -> None:
    """A websocket asked for by another method or with too many headers is refused; else it would stay open for ever."""
    upgrade = HOST + "".join(f"{line}\r\n" for line in UPGRADE).encode()
    answer = raw.send(method + b" /ws HTTP/1.1\r\n" + upgrade + more + b"\r\n")
    assert statuses(answer) in ([400], [405])


def test_a_message_without_end_is_not_kept(raw: Raw) -> None:
    """A message of a websocket in ever more pieces, of nobody: closed beyond 1 MB and what was on its way."""
    assert endless_message(raw, "/ws", LARGE) < LARGE


def test_a_client_that_takes_nothing_is_let_go(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that nobody reads are not kept for ever."""
    monkeypatch.setattr(http_server, "STALLED_SECONDS", SECONDS)
    with raw.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        ends = time.monotonic() + PATIENCE_SECONDS
        ask = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
        while time.monotonic() < ends:
            try:
                connection.send(ask)
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                return
    raise AssertionError("the connection stayed open")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which something listens."""
    with socket.create_server(("", 0)) as other:
        yield other.getsockname()[1]


def test_a_taken_port_names_the_setting(taken: int) -> None:
    """The sentence says which port, why, and what to set."""
    with pytest.raises(PortUnavailable, match=f"Port {taken} is not available: .* Set PORT to another number"):
        http_server.listener(taken)


LOGIN = b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CODING = LOGIN + b"Transfer-Encoding: "
FRAMINGS = {
    "a misspelt coding": (501, CODING + b"xchunked\r\n\r\n0\r\n\r\n"),
    "a coding behind chunks": (400, CODING + b"chunked, gzip\r\n\r\n0\r\n\r\n"),
    "a coding before chunks": (501, CODING + b"gzip, chunked\r\n\r\n0\r\n\r\n"),
    "no coding by its name": (501, CODING + b"identity\r\n\r\n"),
    "an empty coding": (400, CODING + b"\r\n\r\n"),
    "two lines of codings": (400, CODING + b"chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a coding and a length": (400, CODING + b"chunked\r\nContent-Length: 2\r\n\r\n{}"),
    "a chunk without a size": (400, CODING + b"chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n"),
    "a size that is no number": (400, CODING + b"chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"),
    "a size below nothing": (400, CODING + b"chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
    "a size beyond all numbers": (400, CODING + b"chunked\r\n\r\n" + b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": (400, CODING + b"chunked\r\n\r\n1\r\n{}{}{}\r\n0\r\n\r\n"),
    "a size behind a chunk": (400, CODING + b"chunked\r\n\r\n2\r\n{}\r\nzz\r\n"),
    "a broken trailer": (400, CODING + b"chunked\r\n\r\n2\r\n{}\r\n0\r\nbroken\r\n\r\n"),
    "two lengths": (400, LOGIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "a length that is no number": (400, LOGIN + b"Content-Length: 2x\r\n\r\n{}"),
    "a length with a sign": (400, LOGIN + b"Content-Length: +2\r\n\r\n{}"),
    "an empty length": (400, LOGIN + b"Content-Length: \r\n\r\n{}"),
    "a header without colon": (400, LOGIN + b"broken\r\n\r\n"),
    "no request": (400, b"\x16\x03\x01 hello\r\n\r\n"),
}


@pytest.mark.parametrize("is_cut", [False, True], ids=["at once", "in pieces"])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_malformed_framing_is_answered(raw: Raw, before: int, is_cut: bool) -> None:
    """In the API's shape with a request id, after the answers to the requests before it; then the connection closes."""
    for kind, (status, request) in FRAMINGS.items():
        whole = (HEALTH + b"\r\n") * before + request
        parts = [whole[at : at + 37] for at in range(0, len(whole), 37)] if is_cut else [whole]
        answer = raw.send(*parts)
        assert statuses(answer) == [200] * before + [status], (kind, answer)
        head, body = answer.rpartition(b"HTTP/1.1 ")[2].split(b"\r\n\r\n", 1)
        error = json.loads(body)["error"]
        assert f"x-request-id: {error['requestId']}".encode() in head, kind
        assert error["message"].endswith("."), kind


def test_a_request_with_an_unknown_coding_does_nothing(raw: Raw, door: Door, backend: Backend) -> None:
    """The app does nothing with a request that the server refuses."""
    chapter = backend.chapters.active()[0].id
    teacher = f"Authorization: {door.teacher.headers['Authorization']}\r\n".encode()
    request = b"DELETE /chapters/" + chapter.encode() + b" HTTP/1.1\r\n" + HOST + teacher
    assert statuses(raw.send(request + b"Transfer-Encoding: xchunked\r\n\r\n")) == [501]
    assert statuses(raw.send(HEALTH + CLOSE + b"\r\n")) == [200]
    assert backend.chapters.get(chapter).archived_at is None
