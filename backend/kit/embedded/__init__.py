"""Private servers for an app that was given none: a mongod and a Valkey that live and die with it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import Unavailable
from backend.kit.embedded import guard, mongod, mongod_binary, valkey
from backend.kit.embedded.binaries import Binary
from backend.kit.embedded.folder import DataFolder
from backend.kit.i18n import _

__all__ = ["Servers", "start_servers"]

_STOP_SECONDS = guard.STOP_SECONDS + 5.0
_LOOK_SECONDS = 0.5
_PORT_ATTEMPTS = 5


class _Guard:
    """The guard process, as the app holds it: by the writing end of a pipe."""

    def __init__(self, plan: guard.GuardPlan, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own file under our own interpreter
                [sys.executable, "-I", "-S", guard.__file__],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(plan.lock,),
                start_new_session=True,  # Ctrl-C in the terminal is for the app alone
                cwd="/",
            )
        self._mutex = threading.Lock()
        self._is_told = threading.Event()
        self._write(plan.line())

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def is_running(self) -> bool:
        return self._process.poll() is None

    def keep_running(self, index: int) -> None:
        """From now on this server of the plan is started again when it dies."""
        with suppress(BrokenPipeError):  # the wait for the next server will report it
            self._write(b"%d\n" % index)

    def watch(self, on_lost: Callable[[], None]) -> None:
        """Call `on_lost`, on a thread, should the guard end without having been told to."""

        def look() -> None:
            while not self._is_told.wait(_LOOK_SECONDS):
                if not self.is_running():
                    on_lost()
                    return

        threading.Thread(target=look, name="server-guard", daemon=True).start()

    def stop(self) -> None:
        self._is_told.set()
        with self._mutex:
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()  # the kernel then stops its servers
                self._process.wait()


@dataclass(frozen=True)
class Servers:
    """Addresses of the private servers; None for one that was not started. They stop when this object is released."""

    mongodb_uri: str | None = field(repr=False)
    redis_url: str | None
    _guard: _Guard | None = field(default=None, repr=False)

    def stop(self) -> None:
        """Stops the servers and waits until they are gone (at most 15 s). May be called again."""
        if self._guard is not None:
            self._guard.stop()

    def watch(self, on_lost: Callable[[], None]) -> None:
        """Call `on_lost`, once and on a thread, should the servers be gone for good before `stop` is called."""
        if self._guard is not None:
            self._guard.watch(on_lost)


def _say_nothing(_line: str) -> None:
    return


def start_servers(
    data_dir: Path, *, mongodb: bool = True, redis: bool = True, report: Callable[[str], None] = _say_nothing
) -> Servers:
    """Starts what is asked for on `data_dir` and returns when it answers.

    `report` receives short lines for a person. Raises Unavailable where no program fits this machine or one
    does not start, and Conflict (code data_in_use) where another app uses the folder.
    """
    if not (mongodb or redis):
        return Servers(None, None)
    room = data_dir.expanduser() / mongod.FOLDER
    programs = _Programs(mongod_binary.find(room) if mongodb else None, valkey.find() if redis else None)
    try:
        return _start(DataFolder(data_dir), programs, report)
    except OSError as error:
        sentence = _("The private servers cannot start in {folder}: {reason}.")
        raise Unavailable(sentence.format(folder=data_dir, reason=error.strerror or error)) from error


@dataclass(frozen=True)
class _Programs:
    """The server programs found on this machine; None for one that is not wanted."""

    mongod: Binary | None
    valkey: Binary | None


def _start(folder: DataFolder, programs: _Programs, report: Callable[[str], None]) -> Servers:
    lock = folder.lock(report)
    try:
        for _attempt in range(_PORT_ATTEMPTS - 1):
            with suppress(mongod.PortLost):
                return _start_once(folder, lock, programs, report)
        return _start_once(folder, lock, programs, report)
    finally:
        os.close(lock)  # the guard and its servers hold it from here on


def _start_once(folder: DataFolder, lock: int, programs: _Programs, report: Callable[[str], None]) -> Servers:
    cache = valkey.plan(folder, programs.valkey) if programs.valkey else None
    database = mongod.plan(folder, programs.mongod) if programs.mongod else None
    with _lost_port_noticed(database):
        if database and database.moving:
            _move(database, database.moving, lock, folder)
        return _run(cache, database, lock, folder, report)


@contextmanager
def _lost_port_noticed(database: mongod.Mongod | None) -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        if database and database.lost_its_port():
            raise mongod.PortLost(error.message) from error
        raise


def _run(
    cache: valkey.Valkey | None,
    database: mongod.Mongod | None,
    lock: int,
    folder: DataFolder,
    report: Callable[[str], None],
) -> Servers:
    wanted = [plan.program for plan in (cache, database) if plan is not None]
    borrowed = [str(cache.borrowed)] if cache and cache.borrowed else []
    keeper = _Guard(guard.GuardPlan(wanted, lock, borrowed), folder.path / "guard.log")
    try:
        redis_url = mongodb_uri = None
        if cache:
            redis_url = _await(cache, keeper, report)
            keeper.keep_running(wanted.index(cache.program))
        if database:
            mongodb_uri = _await(database, keeper, report)
            keeper.keep_running(wanted.index(database.program))
    except BaseException:
        keeper.stop()
        raise
    return Servers(mongodb_uri, redis_url, keeper)


def _move(database: mongod.Mongod, moving: guard.Program, lock: int, folder: DataFolder) -> None:
    keeper = _Guard(guard.GuardPlan([moving], lock, []), folder.path / "guard.log")
    try:
        database.move(keeper.is_running)
    finally:
        keeper.stop()


def _await(plan: mongod.Mongod | valkey.Valkey, keeper: _Guard, report: Callable[[str], None]) -> str:
    report(_("Starting {server} …").format(server=plan.title))
    since = time.monotonic()
    address = plan.make_ready(keeper.is_running)
    report(_("{server} is ready ({seconds:.1f} s)").format(server=plan.title, seconds=time.monotonic() - since))
    return address
