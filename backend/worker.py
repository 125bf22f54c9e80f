"""The door of time: `python -m backend.worker` runs the background work apart from the web process.

`python -m backend.worker rebuild` computes the statistics anew from activity and ends.
"""

import signal
import sys
import threading
from collections.abc import Sequence

from pydantic import ValidationError

from backend import bootstrap, config
from backend.errors import AppError
from backend.jobs import Jobs
from backend.kit import log
from backend.kit.i18n import _, ngettext


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 done, 1 failed (said in a sentence), 2 called wrongly."""
    if list(arguments) not in ([], ["rebuild"]):
        _say(_("Usage: python -m backend.worker [rebuild]"))
        return 2
    try:
        settings = config.load()
        log.configure(settings.log_level)
        backend = bootstrap.build(settings, report=_say)
    except ValidationError as error:
        for problem in error.errors():
            _say(f"{str(problem['loc'][0]).upper()}: {problem['msg']}")
        return 2
    except AppError as error:
        _say(error.message)
        return 1
    try:
        if arguments:
            _rebuild(backend)
        else:
            _serve(backend)
    except AppError as error:
        _say(error.message)
        return 1
    finally:
        backend.close()
    return 0


def _rebuild(backend: bootstrap.Backend) -> None:
    count = backend.projector.rebuild()
    said = ngettext(
        "Statistics of {count} chapter computed anew.", "Statistics of {count} chapters computed anew.", count
    )
    _say(said.format(count=count))


def _serve(backend: bootstrap.Backend) -> None:
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda _number, _frame: stop.set())
    jobs = Jobs(backend)
    jobs.start()
    _say(_("The worker is running. Ctrl-C stops it."))
    stop.wait()
    jobs.stop()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a person at a terminal reads it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
