"""The app as a process: how it starts, what it obeys, how it stops, and what it says where it cannot start."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from streamlit import config as streamlit_config

from backend.kit.embedded import Servers
from tests.journeys.running import RunningApp, is_ready, launch, running, stop_app
from tests.kit.embedded.private_servers import is_gone
from tests.waiting import until

Start = Callable[..., RunningApp]


def family(app: RunningApp) -> list[psutil.Process]:
    """Everything that the app started."""
    return psutil.Process(app.process.pid).children(recursive=True)


def refusal(app: RunningApp) -> tuple[int, str]:
    """The exit status of an app that cannot start, and what it said."""
    try:
        status = app.process.wait(timeout=60)
    finally:
        app.process.kill()
    return status, app.said


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An app that started its own servers."""
    with running(tmp_path_factory.mktemp("private") / "school") as app:
        yield app


def test_all_that_it_keeps_is_in_its_folder(private: RunningApp) -> None:
    """Its servers keep their data in DATA_DIR."""
    assert {child.name() for child in family(private)} >= {"mongod", "valkey-server"}
    assert {"mongodb", "valkey"} <= {entry.name for entry in private.data_dir.iterdir()}


def test_nothing_but_this_machine_is_spoken_to(private: RunningApp) -> None:
    """The app and its servers hold no connection beyond the loopback, and only the web server listens beyond it."""
    processes = [psutil.Process(private.process.pid), *family(private)]
    found = [(one.name(), each) for one in processes for each in one.net_connections("inet")]
    beyond = [(name, each.raddr) for name, each in found if each.raddr and each.raddr.ip not in {"127.0.0.1", "::1"}]
    assert beyond == []
    open_to_others = {
        each.laddr.port
        for _name, each in found
        if each.status == "LISTEN" and each.laddr.ip not in {"127.0.0.1", "::1"}
    }
    assert open_to_others <= {int(private.url.rsplit(":", 1)[1])}


def test_second_start_on_the_same_folder_is_refused(private: RunningApp) -> None:
    """A second start on a folder in use says so with the process that uses it, ends, and leaves the first alone."""
    status, said = refusal(launch(private.data_dir))
    assert status not in {0, None}
    assert f"in use by process {private.process.pid}" in said
    assert "Traceback" not in said
    assert is_ready(private)


def test_ctrl_c_ends_it_and_its_servers(private: RunningApp) -> None:
    """The app ends with status 0 and leaves nothing behind. (The last test of this one.)"""
    children = family(private)
    assert stop_app(private) == 0
    assert all(map(is_gone, children))
    assert "Traceback" not in private.said


def test_killed_app_leaves_no_orphan_and_comes_back(tmp_path: Path) -> None:
    """After kill -9 no server remains, and the next start serves the same catalogue from the same folder."""
    with running(tmp_path / "school") as app:
        children = family(app)
        os.kill(app.process.pid, signal.SIGKILL)
        app.process.wait()
    until(lambda: all(map(is_gone, children)))
    with running(tmp_path / "school") as again:
        assert is_ready(again)
        assert "chapters loaded" not in again.said


def test_own_servers_are_used(tmp_path: Path, servers: Servers) -> None:
    """With MONGODB_URI and REDIS_URL set, nothing is started beside them."""
    uri, url, database = str(servers.mongodb_uri), str(servers.redis_url), "process_facts"
    with running(tmp_path / "school", MONGODB_URI=uri, REDIS_URL=url, MONGODB_DATABASE=database) as app:
        assert {child.name() for child in family(app)} & {"mongod", "valkey-server", "redis-server"} == set()
        assert not (tmp_path / "school" / "mongodb").exists()


def test_a_wrong_setting_is_all_that_is_said(tmp_path: Path) -> None:
    """The start ends with status 2 and one line that names the variable. Each kind: tests/test_refused_starts.py."""
    status, said = refusal(launch(tmp_path / "school", MONGODB_URI="localhost:27017"))
    lines = [line for line in said.splitlines() if line.strip()]
    assert status == 2
    assert len(lines) == 1, said
    assert "MONGODB_URI" in lines[0]


def test_production_wants_a_secret(tmp_path: Path) -> None:
    """ENVIRONMENT=production without JWT_SECRET does not start, and one sentence says what to set."""
    status, said = refusal(launch(tmp_path / "school", ENVIRONMENT="production"))
    assert status not in {0, None}
    assert "JWT_SECRET is missing or too weak" in said
    assert "Traceback" not in said
    assert not (tmp_path / "school" / "mongodb").exists()


def test_an_unusable_folder_is_told(tmp_path: Path) -> None:
    """Where DATA_DIR is no folder, the start ends with one sentence that names it."""
    (tmp_path / "school").touch()
    status, said = refusal(launch(tmp_path / "school"))
    assert status not in {0, None}
    assert str(tmp_path / "school") in said
    assert "Traceback" not in said


def test_hidden_options_are_in_force() -> None:
    """What makes reruns cheap and keeps the school's visits to itself is set, and Streamlit still knows the names."""
    assert streamlit_config.get_option("runner.postScriptGC") is False
    assert streamlit_config.get_option("server.fileWatcherType") == "none"
    assert streamlit_config.get_option("browser.gatherUsageStats") is False
