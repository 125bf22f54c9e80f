"""The HTTP server of a worker on WORKER_PORT: liveness, readiness and metrics."""

import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from backend.bootstrap import Backend
from backend.kit.observability.prometheus import CONTENT_TYPE

OK, UNAUTHORISED, UNKNOWN, UNAVAILABLE = 200, 401, 404, 503
PLAIN = "text/plain; charset=utf-8"
Answer = tuple[int, str, str]
PATIENCE_SECONDS = 10.0


class WorkerDoor:
    """Three paths on a port of their own (a daemon thread). Raises OSError if the port is taken."""

    def __init__(self, backend: Backend, port: int, is_working: Callable[[], bool]) -> None:
        self._backend = backend
        self._is_working = is_working
        self._server = ThreadingHTTPServer(("", port), _handler(self._answer))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="worker-door", daemon=True).start()

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, headers: Message) -> Answer:
        path = path.partition("?")[0]
        if path == "/health/live":
            return (OK, PLAIN, "lives\n") if self._is_working() else (UNAVAILABLE, PLAIN, "a thread has died\n")
        if path == "/health/ready":
            is_ready = self._backend.operations.ready().is_ready
            return (OK, PLAIN, "ready\n") if is_ready else (UNAVAILABLE, PLAIN, "not ready\n")
        if path == "/metrics":
            if not self._backend.monitoring.is_token(headers.get("Authorization", "").partition(" ")[2].strip()):
                return UNAUTHORISED, PLAIN, "METRICS_TOKEN is needed\n"
            return OK, CONTENT_TYPE, self._backend.monitoring.written()
        return UNKNOWN, PLAIN, "not here\n"


def _handler(answer: Callable[[str, Message], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS

        def do_GET(self) -> None:
            status, kind, text = answer(self.path, self.headers)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: a monitor asks every few seconds."""

    return Handler
