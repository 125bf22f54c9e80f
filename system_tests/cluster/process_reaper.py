"""A small process that ends others when the one that started it goes, however it goes.

Run as a script of its own (`python -I -S leash.py`), with the standard library alone, so that it stays small.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


class Leash:
    """Holds processes by id, with all of their process group: `add` each once it runs. Thread-safe.

    Linux alone, for it needs pidfd.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - our own file under our own interpreter
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
        )

    def add(self, pid: int) -> None:
        """Kill this one too, in the end."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        with self._mutex:
            self._process.stdin.write(f"{pid}\n".encode())
            self._process.stdin.flush()

    def end(self) -> None:
        """Kill all that is held and still runs. May be called again."""
        with self._mutex:
            if self._process.stdin and not self._process.stdin.closed:
                self._process.stdin.close()
            self._process.wait()


def main() -> None:
    """Read numbers, a line each, until the other end is closed; then kill those processes with their groups."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    held = {}
    for line in sys.stdin:
        with suppress(ProcessLookupError):  # gone already
            held[os.pidfd_open(int(line))] = int(line)
    for descriptor, pid in held.items():
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, 0)  # it is still the one that was added
            with suppress(ProcessLookupError):  # it leads no group
                os.killpg(pid, signal.SIGKILL)
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)


if __name__ == "__main__":
    main()
