"""What a worker answers on a port of its own, to whatever program asks."""

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from backend.bootstrap import Backend
from backend.worker_http import WorkerDoor

TOKEN = "a token of sixteen"


@pytest.fixture
def door(backend: Backend) -> Iterator[WorkerDoor]:
    backend.monitoring._token = TOKEN
    opened = WorkerDoor(backend, 0, lambda: True)
    yield opened
    opened.close()


def test_names_of_headers_are_read_in_any_letters(door: WorkerDoor) -> None:
    """A proxy that writes them small is let in as well; a query behind a path changes nothing; no token, no counts."""
    asked = [("/metrics?of=all", {"authorization": f"Bearer {TOKEN}"}), ("/health/live?x=1", {}), ("/metrics", {})]
    statuses = []
    for path, headers in asked:
        connection = HTTPConnection("127.0.0.1", door.port, timeout=30)
        connection.request("GET", path, headers=headers)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [200, 200, 401]
