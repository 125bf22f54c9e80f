"""Shared code of the terminal commands: settings or a sentence, a backend while they run, an exit status."""

import sys
from collections.abc import Callable

from pydantic import ValidationError

from backend import bootstrap, config
from backend.errors import AppError
from backend.kit.i18n import _, number, percent
from backend.kit.observability import log

DONE, FAILED, CALLED_WRONGLY, INTERRUPTED = 0, 1, 2, 130
BAR_WIDTH, TENTHS = 40, 10


def say(line: str) -> None:
    """Print a line on standard error; standard output is left to results."""
    print(f"  {line}", file=sys.stderr, flush=True)  # noqa: T201  (a person reads it)


class Bar:
    """A progress bar: a line that redraws itself on a terminal, else a line for every tenth."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._is_terminal = sys.stderr.isatty()
        self._said = -1

    def __call__(self, done: int, total: int, doing: str = "") -> None:
        """Show that `done` of `total` is done, with the current step `doing`; may be called often."""
        share = done / total if total else 1.0
        step = int(share * (BAR_WIDTH if self._is_terminal else TENTHS))
        if step == self._said:
            return
        self._said = step
        words = f"{self._title} {percent(share)} · {doing or f'{number(done)}/{number(total)}'}"
        if not self._is_terminal:
            say(words)
            return
        filled = int(share * BAR_WIDTH)
        end = "\n" if share >= 1 else ""
        print(f"\r\033[K  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {words} ", end=end, file=sys.stderr, flush=True)  # noqa: T201  (a person reads it)


def settings() -> config.Settings:
    """Return the settings; if any is wrong, print a line for each and end the program with status 2."""
    try:
        return config.load()
    except ValidationError as error:
        for problem in error.errors():
            name = "".join(f"{each}: " for each in problem["loc"][:1]).upper()
            say(name + problem["msg"].removeprefix("Value error, "))
        raise SystemExit(CALLED_WRONGLY) from error


def run(work: Callable[[bootstrap.Backend], int], *, log_level: str | None = "WARNING") -> int:
    """Return the exit status of `work(backend)`; 1 with a sentence if it or the start fails, 130 when interrupted.

    The log has level `log_level`; None takes LOG_LEVEL, which suits long-running commands.
    """
    chosen = settings()
    log.configure(log_level or chosen.log_level)
    try:
        backend = bootstrap.build(chosen, report=say, bar=Bar)
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
