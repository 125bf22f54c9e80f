"""The private mongod: on which port and with which options it runs. Which program that is: mongod_binary.py."""

import random
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from backend.errors import Unavailable
from backend.kit.embedded.binaries import Binary
from backend.kit.embedded.folder import DataFolder, trim_log, write_private
from backend.kit.embedded.guard import Program
from backend.kit.embedded.mongod_binary import FEATURE_VERSION_FILE
from backend.kit.embedded.replica_set import SET_NAME, ReplicaSet
from backend.kit.i18n import _

FOLDER = "mongodb"  # inside the data folder
START_SECONDS = 60.0  # a large journal may have to be replayed
_PORTS = range(20_000, 30_000)  # below the ports that systems hand to outgoing connections
_KEY_BYTES = 256  # as hex digits 512 characters, of at most 1024
_PASSWORD_BYTES = 32

AUTHENTICATION_FAILED = 18
PORT_TAKEN = 48  # mongod's exit status

T = TypeVar("T")


class PortLost(Unavailable):
    """Another program has mongod's port, which was free when we looked."""


@dataclass(frozen=True)
class Mongod:
    """One mongod as it shall run; `moving` is how it runs before that, where its set has another address."""

    title: str
    program: Program
    moving: Program | None
    subfolder: Path
    port: int
    is_known: bool  # the set was last seen at this very address

    def move(self, is_running: Callable[[], bool]) -> None:
        """Gives the stored set its new address, while `moving` runs. Raises Unavailable."""
        self._when_up(is_running, lambda replica_set, _check: replica_set.move())

    def make_ready(self, is_running: Callable[[], bool]) -> str:
        """Waits until the app can write, setting up what is missing; returns its URI. Raises Unavailable."""
        ready = self._when_up(is_running, lambda found, check: found.make_ready(self.is_known, check))
        write_private(self.subfolder / "port", str(self.port))
        write_private(self.subfolder / FEATURE_VERSION_FILE, ready.feature_version)
        return ready.uri

    def lost_its_port(self) -> bool:
        """Whether another program has the port; ask it when mongod is gone."""
        return not is_free(self.port)

    def _when_up(self, is_running: Callable[[], bool], act: Callable[[ReplicaSet, Callable[[], None]], T]) -> T:
        deadline = time.monotonic() + START_SECONDS

        def check() -> None:
            if not is_running() or time.monotonic() > deadline:
                raise Unavailable(_("MongoDB did not start; {log} says why.").format(log=self.program.log))

        try:
            while True:
                with suppress(ConnectionFailure):
                    if _is_listening(self.port):
                        return act(ReplicaSet(self.port, self.subfolder), check)
                check()
                time.sleep(0.02)
        except PyMongoError as error:
            if isinstance(error, OperationFailure) and error.code == AUTHENTICATION_FAILED:
                raise PortLost(_("Another MongoDB answers on port {port}.").format(port=self.port)) from error
            sentence = _("MongoDB did not become ready ({reason}); {log} may say why.")
            raise Unavailable(sentence.format(reason=error, log=self.program.log)) from error


def plan(folder: DataFolder, server: Binary) -> Mongod:
    """How `server` shall run on `folder`: on the port of last time, on another where that one is taken."""
    subfolder = folder.subfolder(FOLDER)
    is_new = not any(folder.subfolder(f"{FOLDER}/data").iterdir())
    log = subfolder / "mongod.log"
    trim_log(log)
    # Both secrets are of this start alone: what answers on the port with them is the server that was started here,
    # and not that of a copied folder.
    write_private(subfolder / "keyfile", secrets.token_hex(_KEY_BYTES))
    write_private(subfolder / "app.password", secrets.token_hex(_PASSWORD_BYTES))
    saved = _saved_port(subfolder / "port")
    port = saved if saved and is_free(saved) else _free_port()
    alone = _command(server.path, subfolder, port)
    in_set = Program([*alone, "--replSet", SET_NAME], str(log), [PORT_TAKEN])
    # A member that has to look for itself at an address that is not its own may wait there for half a minute.
    moving = None if is_new or port == saved else Program(alone, str(log), [PORT_TAKEN])
    return Mongod(f"MongoDB {server.release}", in_set, moving, subfolder, port, is_known=port == saved)


def _command(server: Path, subfolder: Path, port: int) -> list[str]:
    options = {
        "dbpath": str(subfolder / "data"),
        "port": str(port),
        "bind_ip": "127.0.0.1",
        "keyFile": str(subfolder / "keyfile"),
        "networkMessageCompressors": "disabled",
        "wiredTigerCacheSizeGB": "0.25",
        "wiredTigerEngineConfigString": "log=(prealloc=false,file_max=16MB)",  # 18 MB on disk instead of 300
        "oplogSize": "512",  # MB; left alone it takes a twentieth of the disk
        "logpath": str(subfolder / "mongod.log"),
        "slowms": str(2**31 - 1),  # slow commands would be logged with the ids and words in them; we note their shapes
    }
    settings = [
        "diagnosticDataCollectionEnabled=false",
        "enableLocalhostAuthBypass=false",
        # A process killed inside a transaction leaves its locks behind for so long (by default 60 s). No client waits
        # longer than 10 s for a transaction (see kit/mongo.py), so nothing that is alive is cut off.
        "transactionLifetimeLimitSeconds=10",
        # A backup reads one moment of the school; by default a moment is forgotten after five minutes, which three
        # million documents can take on a busy machine.
        "minSnapshotHistoryWindowInSeconds=1800",
    ]
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    words += [word for setting in settings for word in ("--setParameter", setting)]
    return [str(server), *words, "--logappend", "--quiet", "--nounixsocket", "--noscripting"]


def _saved_port(path: Path) -> int | None:
    try:
        port = int(path.read_text())
    except (OSError, ValueError):
        return None
    return port if 1024 <= port < 2**16 else None  # noqa: PLR2004 - the ports of ordinary users


def _free_port() -> int:
    candidates = random.sample(_PORTS, 200)
    return next(port for port in candidates if is_free(port))


def is_free(port: int) -> bool:
    """Whether a server of ours could listen on `port` of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
