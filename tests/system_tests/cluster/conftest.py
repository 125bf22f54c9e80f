"""Fixtures of the cluster's tests: nginx before a small stand-in of the app, and before the app itself."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.kit.embedded import Servers
from deploy import nginx
from system_tests.cluster import cross_process
from system_tests.cluster.cluster import Cluster, Given
from system_tests.cluster.nginx_process import Nginx
from system_tests.cluster.ports import free_port
from system_tests.cluster.process_reaper import Leash
from tests.system_tests.cluster.stand_in import StandIn


@pytest.fixture(scope="session")
def nginx_here() -> None:
    """Skips where there is no nginx."""
    try:
        nginx.program()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    if shutil.which("openssl") is None:
        pytest.skip("There is no openssl to make a certificate with.")


class Front:
    """nginx before three stand-ins: two for processes with pages, one for the API."""

    def __init__(self, folder: Path) -> None:
        self.a, self.b, self.api = StandIn("a"), StandIn("b"), StandIn("api")
        port = free_port()
        web = {"a": self.a.address, "b": self.b.address}
        self._leash = Leash()
        self.nginx = Nginx(folder / "nginx", port, web, [self.api.address], 1.0, self._leash)
        self.url = f"https://localhost:{port}"

    def close(self) -> None:
        self.nginx.stop()
        self._leash.end()
        for each in (self.a, self.b, self.api):
            each.stop()


@pytest.fixture
def front(nginx_here: None, tmp_path: Path) -> Iterator[Front]:
    made = Front(tmp_path)
    made.nginx.start()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def cluster(nginx_here: None, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A small one on the tests' own servers: two processes with pages, and nginx."""
    database = f"cluster_{uuid.uuid4().hex[:12]}"
    given = Given(str(servers.mongodb_uri), str(servers.redis_url), database)
    settings = {"RATE_LIMIT_ANONYMOUS": f"{cross_process.ALLOWED}/hour", "RATE_LIMIT_ADAPTIVE": "false"}
    settings |= {"RATE_LIMIT_BURST": "1000/second", "RATE_LIMIT_USER": "1000000/hour"}
    with Cluster(tmp_path_factory.mktemp("cluster") / "state", settings=settings, given=given) as made:
        yield made
        made.backend.mongo.client.drop_database(database)
