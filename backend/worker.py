"""`python -m backend.worker`: run the background work outside the web process.

`python -m backend.worker rebuild` computes the statistics anew from activity and ends.
"""

import signal
import sys
import threading
from collections.abc import Sequence

from backend import terminal
from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.jobs import Jobs
from backend.kit.i18n import _, ngettext
from backend.worker_http import WorkerDoor


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 done, 1 failed (said in a sentence), 2 called wrongly."""
    if list(arguments) == ["rebuild"]:
        return terminal.run(_rebuild)
    if arguments:
        terminal.say(_("Usage: python -m backend.worker [rebuild]"))
        return terminal.CALLED_WRONGLY
    return terminal.run(_serve, log_level=None)


def _rebuild(backend: Backend) -> int:
    count = backend.projector.rebuild(terminal.Bar(_("Saved changes")))
    said = ngettext("Statistics of {count} chapter recomputed.", "Statistics of {count} chapters recomputed.", count)
    terminal.say(said.format(count=count))
    return terminal.DONE


def _serve(backend: Backend) -> int:
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda _number, _frame: stop.set())
    jobs = Jobs(backend)
    jobs.start()
    door = _door(backend, jobs)
    backend.heartbeat.start("worker")  # after its HTTP server, which others may call once they know of the worker
    terminal.say(_("The worker is running. Ctrl-C stops it."))
    stop.wait()
    if door:
        door.close()
    jobs.stop()
    return terminal.DONE


def _door(backend: Backend, jobs: Jobs) -> WorkerDoor | None:
    port, expected = backend.settings.worker_port, set(jobs.running)
    try:
        return WorkerDoor(backend, port, lambda: expected <= set(jobs.running)) if port else None
    except OSError as error:
        raise Unavailable(_("Port {port} is not available.").format(port=port)) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
