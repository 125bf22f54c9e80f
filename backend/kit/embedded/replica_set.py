"""The private replica set of one: made on the first start, told its new address, given the app's user.

The keeper of the folder holds its key file and signs in with it (as `__system`, who exists before any user
does). Key and password are of one start alone: each side proves to the other that it belongs to that start.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

SET_NAME = "chapters"
APP_USER = "app"
APP_ROLES = ["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor"]
ELECTION_SECONDS = 3.0  # without a primary for so long, the settings of the set are looked at again
_ANSWER_MS = 2000  # what listens on the port may be another program, which never answers
_NOT_YET_INITIALIZED = 94

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class ReadySet:
    """A set that takes writes: the app's URI, with its password, and which versions of mongod open the data."""

    uri: str
    feature_version: str


class ReplicaSet:
    """The set whose one member listens on `port`; `subfolder` keeps its key file and the app's password."""

    def __init__(self, port: int, subfolder: Path) -> None:
        self._address = f"127.0.0.1:{port}"
        self._subfolder = subfolder

    def make_ready(self, is_known: bool, check: Callable[[], None]) -> ReadySet:
        """Waits for a primary that the app's user can sign in to.

        `is_known` says that the set was last seen at this address and needs no look at its settings. `check`
        is called while waiting and ends the wait by raising.
        """
        with self._keeper() as keeper:
            if not is_known:
                self._settle(keeper)
            self._await_primary(keeper, check)
            self._make_app_user(keeper)
            told = keeper.admin.command("getParameter", 1, featureCompatibilityVersion=1)
        where = f"authSource=admin&replicaSet={SET_NAME}"
        uri = f"mongodb://{APP_USER}:{self._app_password()}@{self._address}/?{where}"
        return ReadySet(uri, told["featureCompatibilityVersion"]["version"])

    def move(self) -> None:
        """Writes the new address into the stored settings, for a mongod that runs apart from its set."""
        with self._keeper() as keeper:
            keeper.local["system.replset"].update_one({}, {"$set": {"members.0.host": self._address}})

    def _await_primary(self, keeper: Client, check: Callable[[], None]) -> None:
        look_again_at = time.monotonic() + ELECTION_SECONDS
        while not keeper.admin.command("hello")["isWritablePrimary"]:
            check()
            if time.monotonic() > look_again_at:
                self._settle(keeper)
                look_again_at = time.monotonic() + ELECTION_SECONDS
            time.sleep(0.02)

    def _settle(self, keeper: Client) -> None:
        """Makes the set where there is none, and gives it the present address where it has another."""
        try:
            config = keeper.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIALIZED:
                raise
            keeper.admin.command("replSetInitiate", {"_id": SET_NAME, "members": [{"_id": 0, "host": self._address}]})
            return
        if config["members"][0]["host"] != self._address:
            config["members"][0]["host"] = self._address
            config["version"] += 1
            keeper.admin.command("replSetReconfig", config, force=True)

    def _make_app_user(self, keeper: Client) -> None:
        is_there = keeper.admin.command("usersInfo", APP_USER)["users"]
        command = "updateUser" if is_there else "createUser"
        keeper.admin.command(command, APP_USER, pwd=self._app_password(), roles=APP_ROLES)

    def _keeper(self) -> Client:
        return self._client("__system", _secret(self._subfolder / "keyfile"), "local")

    def _client(self, user: str, password: str, source: str) -> Client:
        return MongoClient(
            self._address,
            directConnection=True,  # a member that knows another address for itself must be reached too
            serverSelectionTimeoutMS=_ANSWER_MS,
            username=user,
            password=password,
            authSource=source,
        )

    def _app_password(self) -> str:
        return _secret(self._subfolder / "app.password")


def _secret(path: Path) -> str:
    return path.read_text().strip()
