"""A small process that owns the private servers: when the app goes, however it goes, they are stopped.

Run as a script of its own (`python -I guard.py`), with the standard library alone, so that it stays small.
"""

import ctypes
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

STOP_SECONDS = 10.0  # what a server gets for a clean stop before it is killed
FAILED = 64  # exit status of the guard: FAILED + the index of the server that would not start
SETTLED_SECONDS = 5.0  # a server that ran this long is started again when it dies
_LOOK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """One server to run: its command line, and the file that takes what it prints."""

    command: list[str]
    log: str


@dataclass(frozen=True)
class Plan:
    """What the guard is told on its first line of input."""

    programs: list[Program]
    lock: int  # descriptor of the folder's lock, inherited by every server: free only when all are gone
    remove: list[str]  # empty folders to take away at the end, after their sockets

    def line(self) -> bytes:
        """The plan as one line for the guard's input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Plan":
        """The plan that `line` holds."""
        raw = json.loads(line)
        return cls([Program(**program) for program in raw["programs"]], raw["lock"], raw["remove"])


class Ward:
    """A running server, and whether it ever ran well."""

    def __init__(self, program: Program, lock: int) -> None:
        self._program = program
        self._lock = lock
        self._is_settled = False
        self.start()

    def start(self) -> None:
        self._since = time.monotonic()
        with Path(self._program.log).open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the app's own plan, no shell
                self._program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._lock,),
                env={**os.environ, "LC_ALL": "C"},  # mongod aborts on a locale the machine lacks
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - the guard has one thread
            )

    def is_settled(self) -> bool:
        self._is_settled = self._is_settled or time.monotonic() - self._since >= SETTLED_SECONDS
        return self._is_settled


def _die_with(guard: int) -> Callable[[], None]:
    """Asks the kernel to stop a server whose guard was killed. Linux alone can; elsewhere it does nothing."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def ask() -> None:
        if libc is None:
            return
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != guard:  # it died before we could ask
            os._exit(1)

    return ask


def watch(wards: list[Ward], app: int, told_to_stop: Callable[[], bool]) -> int:
    """Returns when the servers shall stop: 0, or FAILED + index where one would not start."""
    while not told_to_stop() and os.getppid() == app:
        readable, _, _ = select.select([sys.stdin], [], [], _LOOK_SECONDS)
        if readable:
            return 0  # nothing is ever sent: readable means that the app closed its end
        for index, ward in enumerate(wards):
            is_settled = ward.is_settled()
            if ward.process.poll() is None or told_to_stop():
                continue
            if not is_settled:
                return FAILED + index
            ward.start()
    return 0


def stop(wards: list[Ward]) -> None:
    """Asks every server to stop, waits for all together, and kills what is left."""
    deadline = time.monotonic() + STOP_SECONDS
    for ward in wards:
        ward.process.terminate()
    for ward in wards:
        try:
            ward.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            ward.process.kill()
            ward.process.wait()


def main() -> int:
    """Reads the plan, starts the servers, waits for the end of the app, stops the servers."""
    app = os.getppid()
    stops: list[int] = []

    def on_stop(number: int, _frame: FrameType | None) -> None:
        stops.append(number)

    signal.signal(signal.SIGTERM, on_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    line = io.FileIO(0, closefd=False).readline()  # unbuffered, so that select sees what follows
    if not line:
        return 0
    plan = Plan.read(line)
    wards: list[Ward] = []
    try:
        wards += [Ward(program, plan.lock) for program in plan.programs]
        return watch(wards, app, lambda: bool(stops))
    finally:
        stop(wards)
        _remove(plan.remove)


def _remove(folders: list[str]) -> None:
    for folder in map(Path, folders):
        for left in folder.glob("*.sock"):
            left.unlink(missing_ok=True)
        folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
