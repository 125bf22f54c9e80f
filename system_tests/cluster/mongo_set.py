"""A replica set of plain mongod processes on this machine, whose members can be killed, frozen and started again.

For trials and tests: no sign-in, so anyone who can open a socket on this machine can read it.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from backend.kit.embedded import mongod_binary
from system_tests.cluster.ports import free_ports
from system_tests.cluster.process import Program
from system_tests.cluster.process_reaper import Leash

NAME = "trial"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
ELECTION_MILLISECONDS = 2_000  # docs/decisions/0003: writes resume some three seconds after a kill
HEARTBEAT_MILLISECONDS = 500
HEARTBEAT_TIMEOUT_SECONDS = 2  # a new primary waits so long for word from a frozen one before it takes writes
_ANSWER_MILLISECONDS = 1_500
_LOOK_SECONDS = 0.05

T = TypeVar("T")
Advertised = Callable[[int], int]


class Member(Program):
    """One mongod: it listens on `port`, and is known to clients and to the other members by `advertised`."""

    def __init__(self, number: int, folder: Path, port: int, advertised: int, leash: Leash, options: tuple[str, ...]):
        self.number = number
        self.folder = folder
        self.port = port
        self.advertised = advertised
        super().__init__(f"mongod-{number}", _command(folder, port, options), folder / "output", leash)

    @property
    def address(self) -> str:
        """The address that clients use."""
        return f"127.0.0.1:{self.advertised}"

    def start(self) -> None:
        """Start it where it does not run, with an empty folder where it has none; it answers some moments later."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        super().start()

    def stop(self, seconds: float = STOP_SECONDS) -> int | None:
        """Ask it to end, as for maintenance, and wait; it steps down first where it is primary."""
        return super().stop(seconds)

    def hello(self) -> dict[str, Any]:
        """Return the member's own reply to `hello`, its role in the set; empty if it does not answer."""
        if not self.is_running:
            return {}
        try:
            with self.client() as client:
                return dict(client.admin.command("hello"))
        except PyMongoError:
            return {}

    def client(self, milliseconds: int = _ANSWER_MILLISECONDS) -> "MongoClient[dict[str, Any]]":
        """Return a client of this member alone, which bypasses any proxy in front of it."""
        return MongoClient(
            f"127.0.0.1:{self.port}",
            directConnection=True,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
        )


class MongoSet:
    """`members` mongod processes that elect a primary. A context; ends with the process that made it in any case.

    `advertised` says by which port the member that listens on a port shall be known: that of a proxy before it.
    `options` are further words for the command line of every member, and go before what is said there otherwise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        members: int = 3,
        advertised: Advertised = lambda port: port,
        options: tuple[str, ...] = (),
    ) -> None:
        self._leash = Leash()
        ports = free_ports(members)
        self.members = [
            Member(number, folder / str(number), port, advertised(port), self._leash, options)
            for number, port in enumerate(ports)
        ]
        try:
            self._begin()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "MongoSet":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def uri(self) -> str:
        """The connection string for the app, which adds its own options."""
        return f"mongodb://{','.join(member.address for member in self.members)}/?replicaSet={NAME}"

    def primary(self) -> Member | None:
        """Return the primary; if two members claim to be it, the one elected later. None if there is none."""
        found = [(hello["electionId"], member) for member, hello in self._said() if hello.get("isWritablePrimary")]
        return max(found, key=lambda each: each[0])[1] if found else None

    def secondaries(self) -> list[Member]:
        """Return the secondaries that can be read from."""
        return [member for member, hello in self._said() if hello.get("secondary")]

    def await_primary(self, seconds: float = START_SECONDS, *, other_than: Member | None = None) -> Member:
        """Wait for a primary, other than `other_than`, and return it. Raises TimeoutError."""

        def newly() -> Member | None:
            found = self.primary()
            return found if found is not other_than else None

        return self._await(newly, seconds)

    def await_whole(self, seconds: float = START_SECONDS) -> Member:
        """Wait until every member is primary or secondary, and return the primary. Raises TimeoutError."""

        def leads_all() -> Member | None:
            return self.primary() if len(self.secondaries()) == len(self.members) - 1 else None

        return self._await(leads_all, seconds)

    def mend(self, seconds: float = START_SECONDS) -> Member:
        """Thaw and start every member, and wait until the set is whole. Raises TimeoutError."""
        for member in self.members:
            member.thaw()
            member.start()
        return self.await_whole(seconds)

    def stop(self) -> None:
        """Kill every member: their data is not needed any more. May be called again."""
        self._leash.end()
        for member in self.members:
            member.kill()

    def _begin(self) -> None:
        for member in self.members:
            member.start()
        self._await(self._all_answer, START_SECONDS)
        with self.members[0].client(milliseconds=int(START_SECONDS * 1000)) as client:
            client.admin.command("replSetInitiate", self._configuration())
        self.await_whole()

    def _all_answer(self) -> bool | None:
        for member in self.members:
            member.check_running()
        return all(hello for _member, hello in self._said()) or None

    def _configuration(self) -> dict[str, Any]:
        times = {
            "electionTimeoutMillis": ELECTION_MILLISECONDS,
            "heartbeatIntervalMillis": HEARTBEAT_MILLISECONDS,
            "heartbeatTimeoutSecs": HEARTBEAT_TIMEOUT_SECONDS,
        }
        members = [{"_id": each.number, "host": each.address} for each in self.members]
        return {"_id": NAME, "members": members, "settings": times}

    def _said(self) -> list[tuple[Member, dict[str, Any]]]:
        with ThreadPoolExecutor(len(self.members)) as asked:  # at once, for a frozen one answers nothing
            return list(zip(self.members, asked.map(Member.hello, self.members), strict=True))

    def _await(self, look: Callable[[], T | None], seconds: float) -> T:
        deadline = time.monotonic() + seconds
        while (found := look()) is None:
            if time.monotonic() > deadline:
                dead = [member.name for member in self.members if not member.is_running]
                raise TimeoutError(f"not within {seconds} s; members that do not run: {', '.join(dead) or 'none'}")
            time.sleep(_LOOK_SECONDS)
        return found


def _command(folder: Path, port: int, more: tuple[str, ...]) -> list[str]:
    options = {
        "dbpath": str(folder / "data"),
        "port": str(port),
        "bind_ip": "127.0.0.1",
        "replSet": NAME,
        "networkMessageCompressors": "disabled",
        "wiredTigerCacheSizeGB": "0.25",
        "wiredTigerEngineConfigString": "log=(prealloc=false,file_max=16MB)",
        "oplogSize": "128",  # MB
        "logpath": str(folder / "mongod.log"),
    }
    settings = [
        "diagnosticDataCollectionEnabled=false",
        "transactionLifetimeLimitSeconds=10",
        "shutdownTimeoutMillisForSignaledShutdown=2000",  # it would serve reads for 15 s after it stepped down
        # One that had just turned to a primary which then froze would wait for its first answer for 65 s, and nobody
        # could save meanwhile: no majority of three without it.
        "oplogInitialFindMaxSeconds=3",
        "oplogNetworkTimeoutBufferSeconds=2",
    ]
    ours = {f"--{key}": value for key, value in options.items() if f"--{key}" not in more}
    words = [word for pair in ours.items() for word in pair]
    words += [word for setting in settings for word in ("--setParameter", setting)]
    return [str(_program()), *words, "--logappend", "--quiet", "--nounixsocket", "--noscripting", *more]


@cache
def _program() -> Path:
    return mongod_binary.find().path
