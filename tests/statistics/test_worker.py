"""The worker as it runs in life: a process of its own, which may be killed at any moment."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.config import Settings
from backend.kit.embedded import Servers
from backend.progress.models import ProgressChange
from tests.classrooms.builders import save
from tests.statistics.builders import catches_up, kept, truth

ROOT = Path(__file__).resolve().parents[2]
FIVE = ProgressChange(questions_delta=5)


@pytest.fixture
def environment(servers: Servers, settings: Settings) -> dict[str, str]:
    """What tells a worker to use the test's servers and database."""
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(settings.data_dir),
        "MONGODB_URI": str(servers.mongodb_uri),
        "REDIS_URL": str(servers.redis_url),
        "MONGODB_DATABASE": settings.mongodb_database,
    }


@contextmanager
def worker(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker process, killed after the block if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.worker"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_after_kill_9_another_worker_goes_on(backend: Backend, student: Viewer, environment: dict[str, str]) -> None:
    """A worker killed in the middle leaves statistics from which the next one reaches the truth, without a rebuild."""
    with worker(environment) as first:
        save(backend, student, 0, "a", FIVE)
        assert catches_up(backend)
        save(backend, student, 0, "b", FIVE)
        first.send_signal(signal.SIGKILL)
        first.wait()
    save(backend, student, 0, "c", FIVE)
    with worker(environment) as second:
        assert catches_up(backend)
        assert [each.solved for each in kept(backend).values()] == [15]
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
    assert not backend.statistics.projector_health().is_alive


def test_the_rebuild_command_computes_anew(backend: Backend, student: Viewer, environment: dict[str, str]) -> None:
    """It says of how many chapters, ends with 0, and leaves the truth."""
    save(backend, student, 0, "a", FIVE)
    done = subprocess.run(
        [sys.executable, "-m", "backend.worker", "rebuild"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Statistics of 1 chapter computed anew." in done.stderr
    assert kept(backend) == truth(backend)
