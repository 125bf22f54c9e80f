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
FAILED = 64  # exit status of the guard: FAILED + the index of the server that is not to be had
STEADY_SECONDS = 10.0  # a server that ran this long may die as often again
MOST_FINAL_DEATHS = 3  # in a row: from then on the server is not to be had
LONGEST_PAUSE_SECONDS = 15.0
_LOOK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """One server to run: its command line, and the file that takes what it prints.

    `final_statuses` are the exit statuses that only a new start of the app can help, such as that of a port which
    another program has. After all others it is started again for ever: a full disk may have room again.
    """

    command: list[str]
    log: str
    final_statuses: list[int]


@dataclass(frozen=True)
class GuardPlan:
    """The instructions that the guard reads as its first line of input."""

    programs: list[Program]
    lock: int  # descriptor of the folder's lock, inherited by every server: free only when all are gone
    remove: list[str]  # empty folders to take away at the end, after their sockets

    def line(self) -> bytes:
        """The plan as one line for the guard's input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "GuardPlan":
        """The plan that `line` holds."""
        raw = json.loads(line)
        return cls([Program(**program) for program in raw["programs"]], raw["lock"], raw["remove"])


class Ward:
    """A server that is kept running: from the moment on at which the app found it ready."""

    def __init__(self, program: Program, lock: int) -> None:
        self._program = program
        self._lock = lock
        self._deaths = self._final_deaths = 0
        self._start_at: float | None = None
        self.is_ready = False
        self.start()

    def start(self) -> None:
        self._start_at = None
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

    def tend(self) -> bool:
        """Start it again where it died, after a pause that grows; False where it is not to be had."""
        now = time.monotonic()
        status = self.process.poll()
        if status is None:
            if now - self._since >= STEADY_SECONDS:
                self._deaths = 0
            return True
        if not self.is_ready:
            return False
        if self._start_at is None:
            self._deaths += 1
            self._final_deaths = self._final_deaths + 1 if status in self._program.final_statuses else 0
            self._start_at = now + min(self._deaths - 1, LONGEST_PAUSE_SECONDS)
        if self._final_deaths >= MOST_FINAL_DEATHS:
            return False
        if now >= self._start_at:
            self.start()
        return True


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


def watch(wards: list[Ward], app: int, orders: io.FileIO, told_to_stop: Callable[[], bool]) -> int:
    """Returns when the servers shall stop: 0, or FAILED + index where one is not to be had.

    Each line of `orders` is the index of a server that the app found ready; their end is the end of the app.
    """
    while not told_to_stop() and os.getppid() == app:
        readable, _, _ = select.select([orders], [], [], _LOOK_SECONDS)
        if readable:
            line = orders.readline()
            if not line:
                return 0
            wards[int(line)].is_ready = True
        for index, ward in enumerate(wards):
            if not told_to_stop() and not ward.tend():
                return FAILED + index
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
    orders = io.FileIO(0, closefd=False)  # unbuffered, so that select sees what follows
    line = orders.readline()
    if not line:
        return 0
    plan = GuardPlan.read(line)
    wards: list[Ward] = []
    try:
        wards += [Ward(program, plan.lock) for program in plan.programs]
        return watch(wards, app, orders, lambda: bool(stops))
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
