"""`python -m backend.api_server`: serve the API for programs, without pages and background work."""

import signal
import sys
from collections.abc import Sequence

from backend import terminal
from backend.api import http_server
from backend.api.middleware.security import answers_to_localhost_alone
from backend.api.standalone import create_alone
from backend.bootstrap import Backend
from backend.kit.i18n import _


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 stopped in order, 1 failed (said in a sentence), 2 called wrongly."""
    if arguments:
        terminal.say(_("Usage: python -m backend.api_server"))
        return terminal.CALLED_WRONGLY
    return terminal.run(_serve, log_level=None)


def _serve(backend: Backend) -> int:
    port = backend.settings.port
    opened = http_server.listener(port)
    server = http_server.server(create_alone(backend))
    if answers_to_localhost_alone(backend.settings):
        terminal.say(_("Only http://localhost is answered: set PUBLIC_URL or ALLOWED_HOSTS to the school's address."))
    backend.heartbeat.start("api")
    terminal.say(_("The API is served: {url}").format(url=f"http://localhost:{port}/api/v1"))
    # The server hands the signal on once it has stopped: that would kill the process before it lets go of the rest.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    with opened:
        server.run(sockets=[opened])
    return terminal.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
