"""The worker as it runs in life: a process of its own, which may be killed at any moment."""

import os
import signal
import subprocess
import sys
import threading
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
from tests.statistics.builders import catches_up, kept, projector, running, truth

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


def rebuilt(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "backend.worker", "rebuild"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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
        assert second.wait(60) == 0
    assert not backend.statistics.projector_health().is_alive


def test_the_rebuild_command_computes_anew(backend: Backend, student: Viewer, environment: dict[str, str]) -> None:
    """It says of how many chapters, ends with 0, and leaves the truth."""
    save(backend, student, 0, "a", FIVE)
    done = rebuilt(environment)
    assert done.returncode == 0, done.stderr
    assert "Statistics of 1 chapter recomputed." in done.stderr
    assert "Saved changes 0% · 0/1" in done.stderr
    assert "Saved changes 100% · 1/1" in done.stderr
    assert kept(backend) == truth(backend)


def test_a_rebuild_beside_a_projector_and_savers_ends_in_the_truth(
    backend: Backend, student: Viewer, environment: dict[str, str]
) -> None:
    """While students save and a worker leads, the command computes anew; then incremental and recomputed agree."""
    for number in range(20):
        save(backend, student, number % 5, f"before {number}", FIVE)
    stop, saved = threading.Event(), list[int]()

    def save_on() -> None:
        while not stop.is_set():
            save(backend, student, len(saved) % 7, f"meanwhile {len(saved)}", FIVE)
            saved.append(1)

    with worker(environment):
        assert catches_up(backend)
        backend.mongo["chapterStatistics"].update_many({}, {"$set": {"solved": -1}})
        saver = threading.Thread(target=save_on)
        saver.start()
        try:
            for _time in range(2):
                assert rebuilt(environment).returncode == 0
        finally:
            stop.set()
            saver.join(60)
        assert saved
        assert catches_up(backend)


def test_a_rebuild_reads_in_pieces(backend: Backend, student: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pieces it takes, the sums are those of one reading, and every step of the way is told."""
    monkeypatch.setattr("backend.statistics.recount_queries.PIECE", 4)
    for number in range(10):
        save(backend, student, number % 3, str(number), FIVE)
    told: list[tuple[int, int]] = []
    assert backend.projector.rebuild(lambda done, total: told.append((done, total))) == 3
    assert told == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert kept(backend) == truth(backend)


def test_what_is_saved_between_two_pieces_counts_once(
    backend: Backend, student: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change during the reading is not in the sums but comes by the stream after their moment."""
    monkeypatch.setattr("backend.statistics.recount_queries.PIECE", 2)
    for number in range(5):
        save(backend, student, number % 2, str(number), FIVE)

    def save_between(done: int, _total: int) -> None:
        if done:
            save(backend, student, 0, f"between {done}", FIVE)

    backend.projector.rebuild(save_between)
    assert sum(each.solved for each in kept(backend).values()) == 25
    assert sum(each.solved for each in truth(backend).values()) > 25
    with running(projector(backend)):
        assert catches_up(backend)


def test_the_bar_redraws_itself_on_a_terminal(backend: Backend, student: Viewer, environment: dict[str, str]) -> None:
    """On a terminal there is one line that fills; it ends full."""
    save(backend, student, 0, "a", FIVE)
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.worker", "rebuild"], cwd=ROOT, env=environment, stderr=theirs
    )
    os.close(theirs)
    assert process.wait(60) == 0
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert f"[{'#' * 40}] Saved changes 100%" in shown
