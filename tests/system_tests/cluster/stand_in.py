"""A small HTTP server in place of a process of the app: tells what it was asked, and answers as it is told."""

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "The same words over and over. " * 200


class StandIn:
    """Answers every request with its own name, the headers that it got and how often it was asked."""

    def __init__(self, name: str, port: int = 0) -> None:
        self.name = name
        self.asked: list[str] = []
        self.headers: Mapping[str, str] = {}
        self._open: list[socket.socket] = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stand_in.asked.append(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                length = int(headers.get("content-length", 0))
                body = json.dumps(
                    {
                        "name": stand_in.name,
                        "headers": headers,
                        "count": len(stand_in.asked),
                        "length": len(self.rfile.read(length)),
                        "text": TEXT,
                    }
                ).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for key, value in stand_in.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PATCH = do_GET  # noqa: N815 - the library's names

            def setup(self) -> None:
                super().setup()
                stand_in._open.append(self.connection)

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Cut every connection, and refuse others from now on. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        for each in self._open:
            with suppress(OSError):  # closed by the other side
                each.shutdown(socket.SHUT_RDWR)
