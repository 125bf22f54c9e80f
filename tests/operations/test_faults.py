"""Checks that go bad for real: a certificate near its end, a clock that is wrong, a loop that hangs, an index that is
being built, a key that ends, a disk that is full, a breaker that is open."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pymongo.errors import PyMongoError

from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit.breaker import Breaker
from backend.kit.clock import SetClock, SystemClock
from backend.kit.limiter.load_governor import Governor, MachineProbe
from backend.kit.security import certificates
from backend.kit.security.keys import Key
from backend.operations import checks, machine_checks
from backend.operations.models import Instance
from backend.operations.server_queries import Behind, Oplog, ServerQueries
from backend.wiring.base import Load
from tests.waiting import until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def certificate(folder: Path, days: float) -> Path:
    """A key and a certificate signed with it, which ends in so many days, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{days}.pem"
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def https(tmp_path: Path) -> Iterator[Callable[[float], str]]:
    """Starts a server with a certificate that ends in so many days; its address."""
    listeners: list[socket.socket] = []

    def serve(days: float) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(tmp_path, days))
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    plain, _address = listener.accept()
                except OSError:
                    return
                with suppress(OSError), closing(plain):
                    context.wrap_socket(plain, server_side=True).close()

        threading.Thread(target=accept, daemon=True).start()
        return f"https://localhost:{listener.getsockname()[1]}"

    yield serve
    for each in listeners:
        each.close()


@pytest.mark.parametrize(("days", "state"), [(60, "info"), (15, "warning"), (3, "error"), (-1, "critical")])
def test_the_end_of_a_certificate_is_seen_in_time(https: Callable[[float], str], days: float, state: str) -> None:
    """A real server's certificate is read; the nearer its end the graver. One that browsers refuse says why."""
    found = certificates.of_address(https(days))
    check = machine_checks.certificate(found, SystemClock().now(), is_production=True)
    assert check.state == state
    assert check.fix
    assert found.names == ("localhost",)
    assert "self" in found.problem or "expired" in found.problem


def test_a_certificate_file_is_read_and_missing_https_is_told(tmp_path: Path) -> None:
    """A file serves where the address cannot be reached; production without https is a warning."""
    now = SystemClock().now()
    assert (
        machine_checks.certificate(certificates.of_file(certificate(tmp_path, 90)), now, is_production=True).state
        == "ok"
    )
    assert machine_checks.certificate(None, now, is_production=False).state == "ok"
    assert machine_checks.certificate(None, now, is_production=True).state == "warning"
    with pytest.raises(Unavailable):
        certificates.of_file(tmp_path / "nowhere")
    with pytest.raises(Unavailable):
        certificates.of_address("https://127.0.0.1:1")


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (5, "warning"), (-40, "error")])
def test_a_clock_that_is_wrong_is_noticed(backend: Backend, seconds: float, state: str) -> None:
    """This machine's time against the real server's: seconds apart are told, in either direction."""
    ours = SetClock(SystemClock().now() + timedelta(seconds=seconds))
    check = machine_checks.clock(ServerQueries(backend.mongo).skew_seconds(ours))
    assert (check.state, bool(check.fix)) == (state, state != "ok")
    assert check.value == pytest.approx(-seconds, abs=1.9)


def test_a_loop_that_hangs_is_noticed() -> None:
    """An event loop that is kept busy is a warning while it lasts, and well again afterwards."""
    loop, probe = asyncio.new_event_loop(), MachineProbe(lambda: 0.0)
    governor = Governor(probe)
    load = Load(probe, governor)
    assert machine_checks.loop(load.loop_delay()).state == "ok"
    threading.Thread(target=loop.run_forever, daemon=True).start()
    probe.watch(loop)
    governor.sample()
    release = threading.Event()
    loop.call_soon_threadsafe(release.wait, 30)

    def state() -> str:
        governor.sample()
        return machine_checks.loop(load.loop_delay()).state

    until(lambda: state() == "warning")
    release.set()
    until(lambda: state() == "ok")
    loop.call_soon_threadsafe(loop.stop)
    until(lambda: not loop.is_running())
    loop.close()


def test_an_index_that_is_being_built_is_told(backend: Backend) -> None:
    """While a build waits for writers, its collection is named; once it is there, nothing is."""
    queries = ServerQueries(backend.mongo)

    def build() -> None:
        with suppress(PyMongoError):
            backend.mongo["users"].create_index("name", name="test_building")

    with backend.mongo.client.start_session() as session, session.start_transaction():
        backend.mongo["users"].insert_one({"_id": "held", "emailKey": "held"}, session=session)
        thread = threading.Thread(target=build)
        thread.start()
        until(lambda: queries.building() == ("users",))
        check = checks.indexes((), building=queries.building())
        assert (check.state, "users" in check.summary) == ("info", True)
        session.abort_transaction()
    thread.join(60)
    until(lambda: queries.building() == ())


def test_the_oplog_of_the_server_is_read(backend: Backend) -> None:
    """A young server has room left, which is well whatever its reach; a full one with an hour less is a warning."""
    found = ServerQueries(backend.mongo).oplog()
    assert found is not None
    assert not found.is_full
    assert checks.oplog(found, keeps_journal=True).state == "ok"
    assert checks.oplog(Oplog(1_800, is_full=True), keeps_journal=True).state == "warning"
    assert checks.oplog(Oplog(120, is_full=True), keeps_journal=True).state == "error"
    assert checks.oplog(Oplog(120, is_full=True), keeps_journal=False).state == "warning"
    assert checks.oplog(Oplog(90_000, is_full=True), keeps_journal=True).value == 90_000
    assert checks.oplog(None, keeps_journal=True).state == "ok"


def test_copies_that_are_behind_are_named() -> None:
    """The slowest copy decides, and is named in what to do."""
    found = (Behind("a:1", 1.0), Behind("b:1", 30.0))
    check = checks.replicas(found)
    assert (check.state, check.value) == ("warning", 30.0)
    assert "b:1" in check.fix
    assert checks.replicas((Behind("a:1", 90.0),)).state == "error"
    assert checks.replicas(()).state == checks.replicas(None).state == "ok"


def test_an_open_breaker_is_a_warning() -> None:
    """Calls that fail open the breaker, and the check says which and why."""

    def fails() -> None:
        raise ConnectionError("nobody there")

    breaker = Breaker("redis", weigh=lambda _error: 1, refusal=Unavailable, limit=2)
    assert checks.breakers([breaker.read()]).state == "ok"
    for _call in range(2):
        with pytest.raises(ConnectionError):
            breaker.call(fails)
    check = checks.breakers([breaker.read()])
    assert check.state == "warning"
    assert "redis" in check.summary
    assert "nobody there" in check.detail


@pytest.mark.parametrize(
    ("until_day", "age", "summary"),
    [
        (date(2026, 11, 30), None, "A key expires soon: old"),
        (date(2026, 11, 1), None, "A key has expired: old"),
        (None, 500, "The key is 500 days old"),
        (date(2027, 11, 1), 100, "Strong, and readable by the user who runs the app alone"),
    ],
)
def test_keys_are_watched(until_day: date | None, age: int | None, summary: str) -> None:
    """A key near its last day, past it or very old is told in time."""
    keys = (Key("new", "x" * 40), Key("old", "y" * 40, until_day))
    check = machine_checks.secrets((), keys, NOW.date(), age)
    assert check.summary == summary
    assert check.state == ("ok" if not check.fix else "info")


def test_processes_of_two_versions_are_told() -> None:
    """During an upgrade the versions stand side by side; nobody at all is unknown."""
    one = Instance(
        id="1", role="web", version="1", host="a", pid=1, started_at=NOW, seen_at=NOW, is_alive=True,
        silent_seconds=0, cpu_share=0, memory_bytes=1, threads=1, requests_per_minute=0,
    )  # fmt: skip
    other = Instance(
        id="2", role="api", version="2", host="a", pid=2, started_at=NOW, seen_at=NOW, is_alive=True,
        silent_seconds=0, cpu_share=0, memory_bytes=1, threads=1, requests_per_minute=0,
    )  # fmt: skip
    assert checks.instances((one,)).state == "ok"
    assert checks.instances((one, other)).state == "info"
    assert checks.instances(()).state == "unknown"
