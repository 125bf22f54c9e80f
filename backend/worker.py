"""The door of time: `python -m backend.worker` runs the background work apart from the web process.

`python -m backend.worker rebuild` computes the statistics anew from activity and ends.
"""

import signal
import sys
import threading
from collections.abc import Sequence

from backend import terminal
from backend.bootstrap import Backend
from backend.jobs import Jobs
from backend.kit.i18n import _, ngettext


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
    said = ngettext(
        "Statistics of {count} chapter computed anew.", "Statistics of {count} chapters computed anew.", count
    )
    terminal.say(said.format(count=count))
    return terminal.DONE


def _serve(backend: Backend) -> int:
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda _number, _frame: stop.set())
    jobs = Jobs(backend)
    jobs.start()
    backend.presence.start("worker")
    terminal.say(_("The worker is running. Ctrl-C stops it."))
    stop.wait()
    jobs.stop()
    return terminal.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
