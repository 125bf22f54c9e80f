"""Plain connections to a served API, for requests that no client library would send."""

import socket
from collections.abc import Sequence

PATIENCE_SECONDS = 8.0
HOST = b"Host: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"


class Raw:
    """Connections to a port of this machine."""

    def __init__(self, port: int, *, source: str = "127.0.0.1") -> None:
        self._address, self._source = ("127.0.0.1", port), (source, 0)

    def connect(self) -> socket.socket:
        return socket.create_connection(self._address, PATIENCE_SECONDS, self._source)

    def send(self, *parts: bytes, quiet_seconds: float = PATIENCE_SECONDS) -> bytes:
        """All that is answered until the server closes, or has nothing more to say for a while."""
        with self.connect() as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:
                    break
            return everything(connection, quiet_seconds)

    def ask(
        self, method: str, path: str, headers: Sequence[str] = (), body: bytes = b"", *, closes: bool = True
    ) -> bytes:
        """The answer to one request with exactly these header lines and a Host, on a connection of its own."""
        lines = "".join(f"{line}\r\n" for line in headers).encode("latin-1")
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        head = f"{method} {path} HTTP/1.1\r\n".encode() + HOST + (CLOSE if closes else b"") + lines + length
        return self.send(head + b"\r\n" + body)


def everything(connection: socket.socket, quiet_seconds: float) -> bytes:
    connection.settimeout(quiet_seconds)
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except (TimeoutError, OSError):
        pass
    return found


UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==",
)


def endless_message(raw: Raw, path: str, most: int) -> int:
    """How many bytes of one message, in pieces without end, are taken on a websocket before it is closed."""
    piece, sent = b"a" * 50_000, 0
    with raw.connect() as connection:
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *UPGRADE, "", ""]).encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        try:
            while sent < most:
                opcode = b"\x00" if sent else b"\x02"
                connection.sendall(opcode + b"\xff" + len(piece).to_bytes(8, "big") + bytes(4) + piece)
                sent += len(piece)
        except OSError:
            pass
    return sent


def statuses(answer: bytes) -> list[int]:
    """The status of each answer that came."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def head_of(answer: bytes) -> dict[str, str]:
    """The headers of the first answer, by their names in small letters."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _colon, value in pairs}


def body_of(answer: bytes) -> bytes:
    """The body of the first answer."""
    return answer.partition(b"\r\n\r\n")[2]
