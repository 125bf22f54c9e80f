"""The servers behind doors that a test can shut: a database or a Redis that cannot be reached, for nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from backend.config import Settings
from backend.kit.embedded import Servers
from system_tests.cluster.ports import free_port
from system_tests.faults.proxy import Proxy
from tests.kit.redis.valkey_process import ValkeyProcess

REPLACED = ("replicaset", "heartbeat", "timeout")
SOON = "directConnection=true&timeoutMS=4000&heartbeatFrequencyMS=500"


@dataclass(frozen=True)
class Doors:
    """`refuse()` shuts one, `heal()` opens it again."""

    database: Proxy
    redis: Proxy


@pytest.fixture
def doors(servers: Servers, tmp_path: Path) -> Iterator[Doors]:
    """Between the backend of this test and its servers."""
    target = urlsplit(str(servers.mongodb_uri)).port or 0
    valkey = ValkeyProcess(tmp_path)
    made = Doors(Proxy(free_port(), target), Proxy(free_port(), valkey.port))
    yield made
    made.database.close()
    made.redis.close()
    valkey.stop()


def behind(doors: Doors, settings: Settings) -> Settings:
    """The same settings, for a backend that reaches its servers through these doors alone."""
    assert settings.mongodb_uri
    uris = {
        "mongodb_uri": SecretStr(through(doors, settings.mongodb_uri.get_secret_value())),
        "redis_url": SecretStr(f"redis://127.0.0.1:{doors.redis.port}"),
    }
    return settings.model_copy(update=uris)


def through(doors: Doors, mongodb_uri: str) -> str:
    """The address of the same database behind the door."""
    parts = urlsplit(mongodb_uri)
    credentials = parts.netloc.rpartition("@")[0]
    query = "&".join(each for each in parts.query.split("&") if not each.lower().startswith(REPLACED))
    return f"mongodb://{credentials}@127.0.0.1:{doors.database.port}/?{query}&{SOON}"
