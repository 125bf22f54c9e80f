"""How private servers end: with the app, however it ends, and never without their data."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from backend.kit.embedded import start_servers
from tests.kit.embedded.private_servers import APP, ROOT, is_gone, note, notes, running_app, started
from tests.waiting import until


def test_stop_may_be_repeated(tmp_path: Path) -> None:
    """stop() returns when the servers are gone, and a second stop() does nothing."""
    servers = start_servers(tmp_path, mongodb=False)
    socket_file = tmp_path / "valkey" / "valkey.sock"
    assert socket_file.exists()
    servers.stop()
    servers.stop()
    assert not socket_file.exists()


def test_killed_app_leaves_no_orphan_and_no_loss(tmp_path: Path) -> None:
    """After kill -9 of the app no server remains, and a start made at once finds what was saved."""
    with running_app(tmp_path) as app:
        assert len(app.family) == 3
        note(app.mongodb_uri, "saved before the kill")
        app.kill()
        with started(tmp_path) as servers:
            assert all(map(is_gone, app.family))
            assert notes(servers.mongodb_uri) == ["saved before the kill"]


def test_app_killed_in_its_first_start(tmp_path: Path) -> None:
    """A first start that was cut short by kill -9 leaves no orphan, and the next start completes it."""
    with subprocess.Popen([sys.executable, "-c", APP, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE) as process:
        app = psutil.Process(process.pid)
        until(lambda: len(app.children(recursive=True)) == 3)
        family = app.children(recursive=True)
        process.kill()
    with started(tmp_path) as servers:
        assert all(map(is_gone, family))
        note(servers.mongodb_uri, "works")


def test_killed_guard_takes_its_servers_along(tmp_path: Path) -> None:
    """After kill -9 of the guard no server remains."""
    with running_app(tmp_path) as app:
        app.member("guard.py").kill()
        until(lambda: all(map(is_gone, app.family)))


def test_interrupt_is_for_the_app_alone(tmp_path: Path) -> None:
    """Ctrl-C in the terminal of the app does not reach the servers: the app decides when they stop."""
    with running_app(tmp_path) as app:
        groups = {os.getpgid(one.pid) for one in app.family}
        assert os.getpgid(app.process.pid) not in groups
        os.kill(app.member("guard.py").pid, signal.SIGINT)
        note(app.mongodb_uri, "still there")


def test_start_waits_for_the_previous_run(tmp_path: Path) -> None:
    """A start that finds the servers of a dead app finishing says so, and goes on when they are gone."""
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, b'{"pid": 1, "started": 12.0}')
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            os.close(descriptor)

    start_servers(tmp_path, mongodb=False, report=on_line).stop()
    assert lines[0] == "Waiting for the previous run to finish …"
