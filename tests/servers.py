"""The real MongoDB and Valkey that tests share: one private pair for each test process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from backend.kit.embedded import Servers, start_servers

HISTORY_SECONDS = 20


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the shared servers."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def servers(servers_folder: Path) -> Iterator[Servers]:
    """A private pair on an empty folder of its own, so parallel test workers never meet."""
    started = start_servers(servers_folder)
    with keeper(servers_folder) as client:
        _relax(client, str(urlsplit(str(started.mongodb_uri)).password))
    yield started
    started.stop()


@pytest.fixture
def mongodb_log(servers: Servers, servers_folder: Path) -> Path:
    """What the private MongoDB writes down for whoever runs it."""
    return servers_folder / "mongodb" / "mongod.log"


def keeper(folder: Path) -> MongoClient[dict[str, Any]]:
    """A client of the private MongoDB in `folder` that may do anything."""
    room = folder / "mongodb"
    return MongoClient(
        "127.0.0.1",
        int((room / "port").read_text()),
        directConnection=True,
        username="__system",
        password=(room / "keyfile").read_text(),
        authSource="local",
        authMechanism="SCRAM-SHA-256",
    )


def _relax(client: MongoClient[dict[str, Any]], password: str) -> None:
    # Half an hour of dropped databases would be more files than may be open.
    client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=HISTORY_SECONDS)
    # Expiry runs by the real clock: it would delete what is still valid by the clock of a test.
    client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
    # Every client of every backend signs in anew: with the fewest rounds there are.
    client.admin.command("setParameter", 1, scramSHA256IterationCount=5_000)
    client.admin.command("updateUser", "app", pwd=password)
    # Nobody pulls the plug on these servers: a commit need not wait for the disk.
    config = client.admin.command("replSetGetConfig")["config"]
    config |= {"writeConcernMajorityJournalDefault": False, "version": config["version"] + 1}
    client.admin.command("replSetReconfig", config)
