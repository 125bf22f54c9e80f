"""Background work beside the doors: each job is a named thread that runs until it is told to stop."""

import threading
from collections.abc import Callable

from backend.bootstrap import Backend

STOP_SECONDS = 15.0


class Jobs:
    """The table of background work of one process."""

    def __init__(self, backend: Backend) -> None:
        table: dict[str, Callable[[threading.Event], None]] = {
            "projector": backend.projector.run,
        }
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=run, args=(self._stop,), name=name, daemon=True) for name, run in table.items()
        ]

    def start(self) -> None:
        """Start every job. Once only."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell every job to stop and wait for them, 15 s at most; before the backend is closed."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(STOP_SECONDS)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the jobs whose thread is alive."""
        return tuple(thread.name for thread in self._threads if thread.is_alive())
