"""The product as its own process on a school's data, as `python app.py` starts it, and people who are signed in."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psutil
from httpx2 import Client, TransportError

from backend.accounts.models import Viewer
from backend.bootstrap import build
from bench.machine import ROOT
from bench.school import School, until
from system_tests.cluster.ports import free_port

DEVICE = "bench"
START_SECONDS = 120.0
OK = 200
GENEROUS = {
    "RATE_LIMIT_USER": "1000000000/hour",
    "RATE_LIMIT_ANONYMOUS": "1000000000/hour",
    "RATE_LIMIT_BURST": "1000000/second",
}


@dataclass(frozen=True)
class Served:
    """A running app: where it answers, and its process."""

    host: str
    process: psutil.Process

    def busy_seconds(self) -> float:
        """Processor time that it took so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        return int(self.process.memory_info().rss)


@contextmanager
def served(school: School, *words: str, module: str = "bench.pages.app") -> Iterator[Served]:
    """The app as `module` starts it with `words`, until the block is left."""
    settings = school.settings
    assert settings.mongodb_uri and settings.redis_url  # noqa: S101 - those of the run's own servers
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | GENEROUS
        environment |= {"PORT": str(port), "DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
        environment |= {
            "MONGODB_URI": settings.mongodb_uri.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "MONGODB_DATABASE": settings.mongodb_database,
        }
        command = [sys.executable, "-m", module, *words]
        silent = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=silent, stderr=silent)  # noqa: S603 - our own words
        try:
            host = f"127.0.0.1:{port}"
            with Client(base_url=f"http://{host}") as client:
                until(lambda: _is_ready(client), seconds=START_SECONDS)
            yield Served(host, psutil.Process(process.pid))
        finally:
            process.kill()  # a process that is still busy with hundreds of tabs would not listen to less
            process.wait(30)


def session(school: School, viewer: Viewer) -> str:
    """The cookie of the only browser session of somebody: those of earlier runs would stand on the settings page."""
    with closing(build(school.settings)) as backend:
        user = backend.accounts.me(viewer)
        backend.mongo["sessions"].delete_many({"userId": user.id})
        return backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, DEVICE), DEVICE, DEVICE)


def _is_ready(client: Client) -> bool:
    try:
        return client.get("/api/v1/health/ready").status_code == OK
    except TransportError:
        return False
