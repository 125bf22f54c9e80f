"""Private servers for an app that was given none: a mongod and a Valkey that live and die with it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backend.kit.embedded import guard, mongod, valkey
from backend.kit.embedded.folder import DataFolder
from backend.kit.i18n import _

__all__ = ["Servers", "start_servers"]

_STOP_SECONDS = guard.STOP_SECONDS + 5.0


class _Guard:
    """The guard process, as the app holds it: by the writing end of a pipe."""

    def __init__(self, plan: guard.Plan) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file under our own interpreter
            [sys.executable, "-I", "-S", guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(plan.lock,),
            start_new_session=True,  # Ctrl-C in the terminal is for the app alone
            cwd="/",
        )
        self._mutex = threading.Lock()
        self._write(plan.line())

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
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
    """Where the private servers answer; None for one that was not started. They stop when this is let go."""

    mongodb_uri: str | None = field(repr=False)
    redis_url: str | None
    _guard: _Guard | None = field(default=None, repr=False)

    def stop(self) -> None:
        """Stops the servers and waits until they are gone (at most 15 s). May be called again."""
        if self._guard is not None:
            self._guard.stop()


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
    mongod_program = mongod.find() if mongodb else None
    valkey_program = valkey.find() if redis else None
    folder = DataFolder(data_dir)
    lock = folder.lock(report)
    try:
        return _start(folder, lock, mongod_program, valkey_program, report)
    finally:
        os.close(lock)  # the guard and its servers hold it from here on


def _start(
    folder: DataFolder,
    lock: int,
    mongod_program: Path | None,
    valkey_program: Path | None,
    report: Callable[[str], None],
) -> Servers:
    valkey_plan = valkey.plan(folder, valkey_program) if valkey_program else None
    mongod_plan = mongod.plan(folder, mongod_program) if mongod_program else None
    plans = [plan for plan in (mongod_plan, valkey_plan) if plan is not None]
    borrowed = [str(valkey_plan.borrowed)] if valkey_plan and valkey_plan.borrowed else []
    keeper = _Guard(guard.Plan([plan.program for plan in plans], lock, borrowed))
    try:
        redis_url = _await(valkey.NAME, valkey_plan, keeper, report) if valkey_plan else None
        mongodb_uri = _await(mongod.NAME, mongod_plan, keeper, report) if mongod_plan else None
    except BaseException:
        keeper.stop()
        raise
    return Servers(mongodb_uri, redis_url, keeper)


def _await(
    name: str, plan: mongod.Mongod | valkey.Valkey, keeper: _Guard, report: Callable[[str], None]
) -> str:
    report(_("Starting {server} …").format(server=name))
    since = time.monotonic()
    address = plan.make_ready(keeper.is_running)
    report(_("{server} is ready ({seconds:.1f} s)").format(server=name, seconds=time.monotonic() - since))
    return address
