"""The API as a process of its own: it serves programs and no pages, and stops in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from backend.config import Settings
from system_tests.cluster.ports import free_port
from tests.journeys.running import OWN_SETTINGS
from tests.school import PASSWORD, School
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent


def spawn(settings: Settings, port: int, *words: str) -> subprocess.Popen[bytes]:
    """The process as one types it, on the database of this test."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in OWN_SETTINGS}
    assert settings.mongodb_uri and settings.redis_url
    own = {
        "PORT": str(port),
        "DATA_DIR": str(settings.data_dir),
        "MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "MONGODB_DATABASE": settings.mongodb_database,
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
    with (settings.data_dir / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "backend.api_server", *words], cwd=ROOT, env={**kept, **own}, stderr=said
        )


def status(url: str) -> int:
    """The status of an answer; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (own process)
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError):
        return 0


@pytest.fixture
def process(settings: Settings) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a process that is ready, and the process."""
    port = free_port()
    started = spawn(settings, port)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: status(f"{address}/api/v1/health/ready") == 200 or started.poll() is not None)
        yield address, started
    finally:
        started.kill()
        started.wait()


def test_it_serves_the_api_and_no_pages(process: tuple[str, subprocess.Popen[bytes]]) -> None:
    """Health, the catalogue and the API's own description answer; there is no page and no page's socket."""
    address, _started = process
    for path in ("/api/v1/health", "/api/v1/health/live", "/api/v1/chapters", "/api/v1/docs"):
        assert status(address + path) == 200, path
    for path in ("/", "/chapters", "/_stcore/health"):
        assert status(address + path) == 404, path


def test_it_stops_in_order_while_somebody_listens(
    process: tuple[str, subprocess.Popen[bytes]], settings: Settings, school: School
) -> None:
    """SIGTERM ends an open stream of events and then the process, with status 0."""
    address, started = process
    admin = school.admin()
    connection = HTTPConnection(address.removeprefix("http://"), timeout=60)
    with closing(connection):
        words = json.dumps({"email": admin.email, "password": PASSWORD})
        connection.request("POST", "/api/v1/auth/login", words, {"Content-Type": "application/json"})
        token = json.load(connection.getresponse())["data"]["accessToken"]
        connection.request("GET", "/api/v1/events?rooms=boards", headers={"Authorization": f"Bearer {token}"})
        with connection.getresponse() as stream:
            assert stream.status == 200
            started.send_signal(signal.SIGTERM)
            stream.read()
    assert started.wait(timeout=60) == 0, (settings.data_dir / "said").read_text()


def test_a_taken_port_is_said(settings: Settings) -> None:
    """Where something else listens already, one sentence says so and the status is 1."""
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        assert spawn(settings, port).wait(timeout=60) == 1
    said = (settings.data_dir / "said").read_text()
    assert f"Port {port} is not available" in said
    assert "Traceback" not in said


def test_it_takes_no_words(settings: Settings) -> None:
    """A word too many is answered by how to call it, with status 2."""
    started = spawn(settings, free_port(), "pages")
    assert started.wait(timeout=60) == 2
    assert "Usage: python -m backend.api_server" in (settings.data_dir / "said").read_text()
