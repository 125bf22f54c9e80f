"""One process of the app in a cluster: pages, the API, or the background work, and whether it is ready."""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from backend.config import Settings
from system_tests.cluster.process import Program
from system_tests.cluster.process_reaper import Leash

Kind = Literal["web", "api", "worker"]

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 120.0
OK = 200
COMMANDS: Mapping[Kind, tuple[str, ...]] = {
    "web": ("app.py",),
    "api": ("-m", "backend.api_server"),
    "worker": ("-m", "backend.worker"),
}
PORTS: Mapping[Kind, str] = {"web": "PORT", "api": "PORT", "worker": "WORKER_PORT"}
HEALTH: Mapping[Kind, str] = {"web": "/api/v1/health", "api": "/api/v1/health", "worker": "/health"}


class Served(Program):
    """Answers on `port` of this machine; `settings` are environment variables for it alone."""

    def __init__(self, kind: Kind, name: str, port: int, folder: Path, leash: Leash, settings: Mapping[str, str]):
        environment = {**_surroundings(), **settings, PORTS[kind]: str(port)}
        command = [sys.executable, *COMMANDS[kind]]
        super().__init__(name, command, folder / f"{name}.log", leash, environment=environment, cwd=ROOT)
        self.kind = kind
        self.port = port

    @property
    def address(self) -> str:
        """The address for nginx."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Past nginx."""
        return f"http://{self.address}"

    def end_soon(self) -> None:
        """Ask it to stop without the time in which it still takes requests; does not wait."""
        self.thaw()
        self.signal(signal.SIGINT)

    def health(self, what: Literal["ready", "live"] = "ready") -> int:
        """The status with which it says how it is; 0 where it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{HEALTH[self.kind]}/{what}", timeout=3) as answer:  # noqa: S310 - our own process
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


def await_ready(served: Iterable[Served], seconds: float = READY_SECONDS) -> None:
    """Wait until each is ready. Raises TimeoutError; RuntimeError with the last output of a process that has ended."""
    deadline = time.monotonic() + seconds
    for each in served:
        while each.health() != OK:
            each.check_running()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{each.name} is not ready after {seconds} s: {each.log} may say why")
            time.sleep(0.1)


def _surroundings() -> dict[str, str]:
    """The environment of this process without settings of the app."""
    own = frozenset(Settings.model_fields)
    return {name: value for name, value in os.environ.items() if name.lower() not in own}
