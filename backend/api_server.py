"""The door of programs alone: `python -m backend.api_server` serves the API, without pages and background work."""

import signal
import socket
import sys
from collections.abc import Sequence

import uvicorn

from backend import terminal
from backend.api.middleware.security import answers_to_localhost_alone
from backend.api.standalone import create_alone
from backend.bootstrap import Backend
from backend.kit.i18n import _

BACKLOG = 2048
# Streams end at once; what else is being answered has this long, less than an orchestrator's usual patience of 30 s.
STOP_SECONDS = 20


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 stopped in order, 1 failed (said in a sentence), 2 called wrongly."""
    if arguments:
        terminal.say(_("Usage: python -m backend.api_server"))
        return terminal.CALLED_WRONGLY
    return terminal.run(_serve, log_level=None)


def _serve(backend: Backend) -> int:
    port = backend.settings.port
    try:
        listener = _listener(port)
    except OSError:
        terminal.say(_("Port {port} is not available.").format(port=port))
        return terminal.FAILED
    server = uvicorn.Server(
        uvicorn.Config(
            create_alone(backend),
            ws="websockets-sansio",
            proxy_headers=False,  # TRUSTED_PROXIES says who is believed; the server would believe this whole machine
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    if answers_to_localhost_alone(backend.settings):
        terminal.say(_("Only http://localhost is answered: set PUBLIC_URL or ALLOWED_HOSTS to the school's address."))
    backend.presence.start("api")
    terminal.say(_("The API is served: {url}").format(url=f"http://localhost:{port}/api/v1"))
    # The server hands the signal on once it has stopped: that would kill the process before it lets go of the rest.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    with listener:
        server.run(sockets=[listener])
    return terminal.DONE


def _listener(port: int) -> socket.socket:
    """A socket for both kinds of addresses; where the machine knows no IPv6, for the old kind. Raises OSError."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
    return socket.create_server(("", port), backlog=BACKLOG)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
