"""How long whoever waits will still wait, and that calls to servers, and transactions repeated whole, end with it."""

import socket
import threading
from collections.abc import Iterator
from contextvars import copy_context

import anyio
import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure
from starlette.types import Receive, Scope, Send

from backend.api.middleware.deadlines import FILE_SECONDS, REQUEST_SECONDS, Deadlines
from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit import deadline
from backend.kit.mongo.client import Mongo
from backend.kit.mongo.guarded_client import on_its_own, reading_from_any
from backend.kit.redis import client as redis
from backend.kit.redis.connections import TooLate

FOR_EVER = 600_000  # milliseconds that a test would wait if nothing heeded the deadline


def _left() -> float:
    left = deadline.remaining()
    assert left is not None
    return left


def test_it_only_shrinks_on_the_way_down() -> None:
    """A callee may take less time than its caller has, never more; afterwards the caller has its own again."""
    assert deadline.remaining() is None
    with deadline.within(100):
        with deadline.within(5):
            assert _left() <= 5
        with deadline.within(1000):
            assert 5 < _left() <= 100
        assert deadline.clamped(7) == 7
        assert deadline.clamped(200) <= 100
    assert deadline.remaining() is None


def test_long_work_may_lift_it() -> None:
    """What says how far it is, such as an import, takes the time that it takes."""
    with deadline.within(1), deadline.lifted():
        assert deadline.remaining() is None


def test_a_thread_of_its_own_has_none() -> None:
    """Nobody waits for what goes on beside the readers."""
    found: list[float | None] = []
    with deadline.within(1):
        thread = threading.Thread(target=lambda: found.append(deadline.remaining()))
        thread.start()
        thread.join(60)
    assert found == [None]


def test_work_that_a_door_only_begins_is_on_its_own() -> None:
    """A backup, begun by a click on a thread with the click's context, does not end with the click's patience."""
    found: list[float | None] = []

    def work() -> None:
        with on_its_own():
            found.append(deadline.remaining())

    with deadline.within(1), reading_from_any():
        thread = threading.Thread(target=copy_context().run, args=(work,))
        thread.start()
        thread.join(60)
    assert found == [None]


@pytest.fixture
def nobody() -> Iterator[Mongo]:
    """A database at an address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        mongo = Mongo(
            f"mongodb://127.0.0.1:{port}/?timeoutMS={FOR_EVER}&serverSelectionTimeoutMS={FOR_EVER}", "nothing"
        )
        yield mongo
        mongo.close()


@pytest.mark.timeout(60)
def test_a_database_that_never_answers_is_left_in_time(nobody: Mongo) -> None:
    """The call ends with its caller's patience, not with the ten minutes that the driver would wait."""
    with deadline.within(0.5), pytest.raises(Unavailable):
        nobody.check_server()


@pytest.mark.timeout(60)
def test_a_transaction_is_repeated_until_the_deadline(backend: Backend) -> None:
    """Transient errors make the driver repeat a transaction for two minutes; whoever waits less is told sooner."""
    tries = []

    def work(_session: ClientSession) -> None:
        tries.append(1)
        error = OperationFailure("again")
        error._add_error_label("TransientTransactionError")
        raise error

    with deadline.within(0.5), pytest.raises((Unavailable, OperationFailure)):
        backend.mongo.transaction(work)
    assert tries


def test_nothing_is_asked_after_it(backend: Backend) -> None:
    """Once nobody waits any more, neither MongoDB nor Redis is bothered, and their breakers stay closed."""
    with deadline.within(0):
        with pytest.raises(Unavailable):
            backend.mongo.check_server()
        with pytest.raises(TooLate):
            backend.redis_client.get("a")
    assert all(breaker.is_closed for breaker in backend.mongo.breakers.values())
    assert redis.breaker_of(backend.redis_client).is_closed


@pytest.mark.parametrize(
    ("path", "longest"),
    [
        ("/api/v1/chapters", REQUEST_SECONDS),
        ("/api/v1/chapters/import", FILE_SECONDS),
        ("/api/v1/events", None),
        ("/api/v1/chapters/1/progress-stream", None),
    ],
)
def test_each_request_has_its_own(path: str, longest: float | None) -> None:
    """A request has ten seconds, a file five minutes, and a stream goes on."""
    found: list[float | None] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append(deadline.remaining())

    async def ask() -> None:
        scope = {"type": "http", "method": "GET", "path": path}
        await Deadlines(app)(scope, None, None)  # type: ignore[arg-type]  # nothing is received or sent

    anyio.run(ask)
    left = found[0]
    assert left is None if longest is None else left is not None and longest - 10 < left <= longest
