"""The servers behind doors that a test can shut: a database or a Redis that cannot be reached, for nobody else."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from backend.config import Settings
from backend.kit.embedded import Servers
from system_tests.faults.proxy import Proxy
from tests.kit.redis.valkey_process import ValkeyProcess, free_port

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


def behind(doors: Doors, servers: Servers, folder: Path) -> Settings:
    """Settings of a backend that reaches its servers through these doors alone."""
    parts = urlsplit(str(servers.mongodb_uri))
    credentials = parts.netloc.rpartition("@")[0]
    query = "&".join(each for each in parts.query.split("&") if not each.lower().startswith(REPLACED))
    return Settings(
        data_dir=folder,
        mongodb_uri=SecretStr(f"mongodb://{credentials}@127.0.0.1:{doors.database.port}/?{query}&{SOON}"),
        redis_url=SecretStr(f"redis://127.0.0.1:{doors.redis.port}"),
        rate_limit_anonymous="1000000/hour",
        rate_limit_user="1000000/hour",
        rate_limit_burst="10000/second",
        rate_limit_adaptive=False,
        mongodb_database=f"test_{uuid.uuid4().hex[:12]}",
    )
