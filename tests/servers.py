"""The real MongoDB and Valkey that tests share: one private pair for each test process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from backend.kit.embedded import Servers, start_servers

MOMENT_SECONDS = 20


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A private pair on an empty folder of its own, so parallel test workers never meet."""
    folder = tmp_path_factory.mktemp("servers")
    started = start_servers(folder)
    _forget_soon(folder / "mongodb")
    yield started
    started.stop()


def _forget_soon(room: Path) -> None:
    """Let go of dropped databases soon: half an hour of them would be more files than may be open."""
    keeper: MongoClient[dict[str, Any]] = MongoClient(
        "127.0.0.1",
        int((room / "port").read_text()),
        directConnection=True,
        username="__system",
        password=(room / "keyfile").read_text(),
        authSource="local",
        authMechanism="SCRAM-SHA-256",
    )
    with keeper:
        keeper.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=MOMENT_SECONDS)
