"""What commands typed in a terminal have in common: settings or a sentence, a backend for the while, an exit status."""

import sys
from collections.abc import Callable

from pydantic import ValidationError

from backend import bootstrap, config
from backend.errors import AppError
from backend.kit import log
from backend.kit.i18n import _

DONE, FAILED, CALLED_WRONGLY, INTERRUPTED = 0, 1, 2, 130


def say(line: str) -> None:
    """A line for the person at the terminal (standard output is left to results)."""
    print(f"  {line}", file=sys.stderr, flush=True)  # noqa: T201  (a person reads it)


def settings() -> config.Settings:
    """The settings; where one is wrong, a line for each names it, and the program ends with status 2."""
    try:
        return config.load()
    except ValidationError as error:
        for problem in error.errors():
            say(f"{str(problem['loc'][0]).upper()}: {problem['msg']}")
        raise SystemExit(CALLED_WRONGLY) from error


def run(work: Callable[[bootstrap.Backend], int], *, log_level: str = "WARNING") -> int:
    """The exit status of `work(backend)`; 1 with a sentence where it or the start fails, 130 when interrupted."""
    chosen = settings()
    log.configure(log_level)
    try:
        backend = bootstrap.build(chosen, report=say)
        try:
            return work(backend)
        finally:
            backend.close()
    except AppError as error:
        say(error.message)
        return FAILED
    except KeyboardInterrupt:
        say(_("Interrupted."))
        return INTERRUPTED
