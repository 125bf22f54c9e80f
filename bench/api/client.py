"""GET over kept connections: as little of a client as can tell one answer from the next."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

from bench.api.app import PROCESSOR

CHUNK = 1 << 16
OK = 200


@dataclass(frozen=True)
class Answer:
    """An answer with a length."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One connection that is kept open, with whoever it speaks for."""

    def __init__(self, host: str, token: str = "") -> None:
        name, _colon, port = host.rpartition(":")
        self._socket = socket.create_connection((name, int(port)), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: {host}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n"
        self._left = b""

    def close(self) -> None:
        self._socket.close()

    def get(self, path: str) -> Answer:
        """Ask, and wait for the answer."""
        self.ask(path)
        return self.answer()

    def ask(self, path: str) -> None:
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{self._head}".encode())

    def answer(self) -> Answer:
        """The next answer. Raises ConnectionError where the server ends the connection before it is whole."""
        head, _end, rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            rest += self._more()
        self._left = rest[length:]
        return Answer(int(first.split(" ")[1]), headers, rest[:length])

    def _until(self, mark: bytes) -> bytes:
        read = self._left
        while mark not in read:
            read += self._more()
        return read

    def _more(self) -> bytes:
        read = self._socket.recv(CHUNK)
        if not read:
            raise ConnectionError("the server closed the connection")
        return read


def processor_seconds(connection: Connection, path: str, count: int) -> float:
    """Seconds of the server's processor for each of `count` GETs in turn. Raises AssertionError for a refusal."""
    before = float(connection.get(PROCESSOR).body)
    for _turn in range(count):
        status = connection.get(path).status
        if status != OK:
            raise AssertionError(f"{path} was answered {status}")
    return (float(connection.get(PROCESSOR).body) - before) / count


def rate(host: str, token: str, path: str, *, connections: int, rounds: int) -> float:
    """Answers a second over so many connections that each ask again once all were answered."""
    opened: Sequence[Connection] = [Connection(host, token) for _number in range(connections)]
    began = perf_counter()
    for _round in range(rounds):
        for each in opened:
            each.ask(path)
        for each in opened:
            each.answer()
    seconds = perf_counter() - began
    for each in opened:
        with closing(each):
            pass
    return connections * rounds / seconds
