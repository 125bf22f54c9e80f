"""What the tests of the private servers share: how they are started, in this process or another, and asked."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from pymongo import MongoClient

from backend.kit.embedded import Servers, start_servers
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
APP = """
import sys
from pathlib import Path
from backend.kit.embedded import start_servers
servers = start_servers(Path(sys.argv[1]))
print(servers.mongodb_uri, servers.redis_url, flush=True)
sys.stdin.read()
"""


Client = MongoClient[dict[str, Any]]


class RunningApp:
    """A process of its own that started private servers on `folder` and does nothing else."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.mongodb_uri, self.redis_url = process.stdout.readline().split()
        self.family = psutil.Process(process.pid).children(recursive=True)

    def member(self, name: str) -> psutil.Process:
        return next(one for one in self.family if name in " ".join(one.cmdline()))

    def server(self, name: str) -> psutil.Process:
        """The server of this name that runs now."""
        found: list[psutil.Process] = []

        def runs() -> bool:
            found[:] = [
                each for each in psutil.Process(self.process.pid).children(recursive=True) if each.name() == name
            ]
            return bool(found) and not is_gone(found[0])

        until(runs)
        self.family.append(found[0])
        return found[0]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running_app(folder: Path) -> Iterator[RunningApp]:
    command = [sys.executable, "-c", APP, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        app = RunningApp(process)
        try:
            yield app
        finally:
            app.kill()
    until(lambda: all(map(is_gone, app.family)))


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def note(uri: str | None, text: str) -> None:
    with Client(uri) as client:
        client.school.notes.insert_one({"text": text})


def notes(uri: str | None) -> list[str]:
    with Client(uri) as client:
        return [str(found["text"]) for found in client.school.notes.find()]


def port_of(servers: Servers) -> int:
    port = urlsplit(str(servers.mongodb_uri)).port
    assert port
    return port


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@contextmanager
def started(folder: Path, *, mongodb: bool = True, redis: bool = True) -> Iterator[Servers]:
    servers = start_servers(folder, mongodb=mongodb, redis=redis)
    try:
        yield servers
    finally:
        servers.stop()
