"""Facts about the private servers as they run: they are private, small, and stand for real ones."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from pymongo.errors import OperationFailure, PyMongoError
from redis import Redis, RedisError

from backend.errors import Conflict
from backend.kit.embedded import Servers, guard, start_servers
from tests.kit.embedded.private_servers import Client, is_gone, mode, port_of, running_app, started
from tests.waiting import PATIENCE_SECONDS, until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("with a space") / "data"


@pytest.fixture(scope="module")
def private_pair(home: Path) -> Iterator[Servers]:
    with started(home) as servers:
        yield servers


@pytest.fixture(scope="module")
def client(private_pair: Servers) -> Iterator[Client]:
    with Client(private_pair.mongodb_uri) as client:
        yield client


@pytest.fixture(scope="module")
def family(private_pair: Servers, home: Path) -> list[psutil.Process]:
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


def test_nothing_without_password(private_pair: Servers) -> None:
    """Whoever connects without the password can neither read nor write nor make the first user."""
    with Client("127.0.0.1", port_of(private_pair), directConnection=True) as stranger:
        with pytest.raises(OperationFailure, match="requires authentication"):
            stranger.school.notes.find_one()
        with pytest.raises(OperationFailure, match="requires authentication"):
            stranger.school.notes.insert_one({})
        with pytest.raises(OperationFailure, match="requires authentication"):
            stranger.admin.command("createUser", "me", pwd="me", roles=["root"])


def test_listens_on_loopback_only(private_pair: Servers, family: list[psutil.Process]) -> None:
    """mongod listens on one port of 127.0.0.1, and Valkey on no port at all."""
    listening = {
        one.name(): [found.laddr for found in one.net_connections("inet") if found.status == "LISTEN"] for one in family
    }
    assert listening == {"mongod": [("127.0.0.1", port_of(private_pair))], "valkey-server": []}


def test_mongod_leaves_no_socket_in_tmp(private_pair: Servers) -> None:
    """mongod makes no socket outside the data folder."""
    assert not Path(f"/tmp/mongodb-{port_of(private_pair)}.sock").exists()


def test_secrets_are_for_this_user_alone(private_pair: Servers, home: Path) -> None:
    """Folders have mode 0700, the key file and the password 0600, the socket of Valkey 0700."""
    assert {mode(folder) for folder in (home, home / "mongodb", home / "valkey")} == {0o700}
    assert {mode(home / "mongodb" / name) for name in ("keyfile", "app.password")} == {0o600}
    assert mode(home / "valkey" / "valkey.sock") == 0o700


def test_secrets_stay_out_of_sight(private_pair: Servers, home: Path, family: list[psutil.Process]) -> None:
    """Neither a printed Servers nor a command line shows a secret."""
    shown = repr(private_pair) + " ".join(word for one in family for word in one.cmdline())
    assert (home / "mongodb" / "app.password").read_text() not in shown
    assert (home / "mongodb" / "keyfile").read_text() not in shown


def test_mongod_is_small_and_uncompressed(client: Client) -> None:
    """Wire compression and diagnostic recording are off, and the cache is a quarter of a gigabyte."""
    options = client.admin.command("getCmdLineOpts")["parsed"]
    assert options["net"]["compression"]["compressors"] == "disabled"
    assert options["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.25
    assert options["setParameter"]["diagnosticDataCollectionEnabled"] == "false"


def test_valkey_forgets_and_is_bounded(private_pair: Servers) -> None:
    """Valkey keeps at most 256 MB, drops what was not used lately, and writes nothing to disk."""
    with Redis.from_url(str(private_pair.redis_url), decode_responses=True) as cache:
        settings = cache.config_get("maxmemory", "maxmemory-policy", "save", "appendonly")
    assert settings == {
        "maxmemory": str(256 * 1024**2),
        "maxmemory-policy": "allkeys-lru",
        "save": "",
        "appendonly": "no",
    }


def test_second_start_is_refused_by_name(private_pair: Servers, home: Path) -> None:
    """A second start on the same folder says that it is in use, and by which process."""
    with pytest.raises(Conflict, match=rf"in use by process {os.getpid()}\b") as refused:
        start_servers(home)
    assert refused.value.code == "data_in_use"


def mongod_answers(uri: str) -> bool:
    with suppress(PyMongoError), Client(uri) as client:
        return bool(client.admin.command("ping")["ok"])
    return False


def valkey_answers(url: str) -> bool:
    with suppress(RedisError), Redis.from_url(url) as cache:
        return bool(cache.ping())
    return False


def has_passed(moment: float) -> bool:
    return time.monotonic() >= moment


@pytest.mark.parametrize(("name", "other"), [("valkey-server", "mongod"), ("mongod", "valkey-server")])
def test_a_server_that_is_killed_comes_back(tmp_path: Path, name: str, other: str) -> None:
    """Killed 0, 1, 3 and 6 s after the start, each at its old address, and the other one never feels it."""
    with running_app(tmp_path) as app:
        ready_at, untouched = time.monotonic(), app.server(other)
        answers = {
            "mongod": partial(mongod_answers, app.mongodb_uri),
            "valkey-server": partial(valkey_answers, app.redis_url),
        }
        for seconds in (0.0, 1.0, 3.0, 6.0):
            until(partial(has_passed, ready_at + seconds))
            killed = app.server(name)
            killed.kill()
            until(partial(is_gone, killed))
            until(answers[name])
        assert app.server(other) == untouched and answers[other]()


@pytest.mark.parametrize(("status", "is_given_up"), [(48, True), (0, False), (14, False)])
def test_only_a_final_death_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, is_given_up: bool
) -> None:
    """A server that dies of what only another start can help is given up; any other is tried for ever."""
    now = [0.0]
    monkeypatch.setattr(guard, "time", SimpleNamespace(monotonic=lambda: now[0]))
    program = guard.Program([sys.executable, "-c", f"raise SystemExit({status})"], str(tmp_path / "log"), [48])
    looks = 0
    with (tmp_path / "lock").open("w") as lock:
        ward = guard.Ward(program, lock.fileno())
        ward.is_ready = True
        while ward.tend() and looks < 30:
            ward.process.wait()
            now[0] += guard.LONGEST_PAUSE_SECONDS + 1
            looks += 1
    assert (looks < 30) == is_given_up


def test_a_port_that_another_program_took_ends_the_servers(tmp_path: Path) -> None:
    """While mongod is down another program takes its port: the app is told, and its next start has another port."""
    lost = Event()
    with started(tmp_path, redis=False) as servers:
        servers.watch(lost.set)
        port = port_of(servers)
        family = psutil.Process().children(recursive=True)
        mongod = next(each for each in family if each.name() == "mongod" and str(tmp_path) in " ".join(each.cmdline()))
        with ExitStack() as taken:
            mongod.kill()

            def is_taken() -> bool:
                with suppress(OSError):
                    taken.enter_context(socket.create_server(("127.0.0.1", port)))
                    return True
                return False

            until(is_taken)
            assert lost.wait(PATIENCE_SECONDS)
            with started(tmp_path, redis=False) as again:
                assert port_of(again) != port
