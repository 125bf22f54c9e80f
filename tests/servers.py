"""The real MongoDB and Valkey that tests share: one private pair for each test process."""

from collections.abc import Iterator

import pytest

from backend.kit.embedded import Servers, start_servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A private pair on an empty folder of its own, so parallel test workers never meet."""
    started = start_servers(tmp_path_factory.mktemp("servers"))
    yield started
    started.stop()
