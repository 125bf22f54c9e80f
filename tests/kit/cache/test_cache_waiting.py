"""Who waits for another's load: no longer than her own time, and not for a reader whose time was over."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.errors import Unavailable
from backend.kit import deadline
from backend.kit.cache import Cache, CacheAnswer
from backend.kit.cache.early_renewal import Renewals
from backend.kit.embedded import Servers
from backend.kit.redis.client import connect, disconnect
from tests.kit.cache.cache_readers import NUMBERS, Source
from tests.waiting import until


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would give up by himself while a test runs."""
    monkeypatch.setattr("backend.kit.cache.cache._WAIT_SECONDS", 120.0)
    monkeypatch.setattr("backend.kit.cache.cache._LOCK_SECONDS", 120.0)


@pytest.fixture
def two_caches(servers: Servers) -> Iterator[tuple[Cache, Cache]]:
    """Two processes over one server."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    clients = [connect(str(servers.redis_url)) for _process in range(2)]
    yield Cache(clients[0], namespace=namespace), Cache(clients[1], namespace=namespace)
    for client in clients:
        disconnect(client)


def read_within(cache: Cache, seconds: float, source: Source) -> CacheAnswer[int]:
    with deadline.within(seconds):
        return cache.get_or_create(NUMBERS, "k", source)


def test_who_has_little_time_does_not_wait_for_a_neighbours_load() -> None:
    """A reader of the same process loads herself once her time is over, where waiting would be longer."""
    cache, slow = Cache(None), Source(1)
    slow.may_end = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        leading = thread.submit(cache.get_or_create, NUMBERS, "k", slow)
        assert slow.started.wait(60)
        began = time.monotonic()
        assert read_within(cache, 0.2, Source(2)).value == 2
        assert time.monotonic() - began < 60
        slow.may_end.set()
        assert leading.result(20).value == 1


def test_who_has_little_time_does_not_wait_for_another_process(two_caches: tuple[Cache, Cache]) -> None:
    """The same where the load goes on elsewhere."""
    here, there = two_caches
    slow = Source(1)
    slow.may_end = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        leading = thread.submit(here.get_or_create, NUMBERS, "k", slow)
        assert slow.started.wait(60)
        began = time.monotonic()
        assert read_within(there, 0.3, Source(2)).value == 2
        assert time.monotonic() - began < 60
        slow.may_end.set()
        assert leading.result(20).value == 1


def test_who_had_no_time_fails_alone() -> None:
    """A load that failed because its reader's deadline was over is no answer to those who have time: they load."""
    cache, entered, go = Cache(None), threading.Event(), threading.Event()

    def run_out_of_time() -> int:
        entered.set()
        assert go.wait(60)
        until(lambda: (deadline.remaining() or 0.0) <= 0)
        raise Unavailable("MongoDB was not asked.")

    def read_in_haste() -> None:
        with deadline.within(0.1), pytest.raises(Unavailable):
            cache.get_or_create(NUMBERS, "k", run_out_of_time)

    with ThreadPoolExecutor(2) as threads:
        hasty = threads.submit(read_in_haste)
        assert entered.wait(60)
        waiting = threads.submit(cache.get_or_create, NUMBERS, "k", Source(4))
        until(lambda: cache.statistics()[0].waits == 1)
        go.set()
        hasty.result(20)
        assert waiting.result(20).value == 4


def test_a_failure_in_good_time_is_everybodys() -> None:
    """A deadline that is far off takes no error from those who waited: the database is away for them as well."""
    cache, entered, go = Cache(None), threading.Event(), threading.Event()

    def fail() -> int:
        entered.set()
        assert go.wait(60)
        raise Unavailable("MongoDB is away.")

    def read_at_leisure() -> None:
        with deadline.within(600), pytest.raises(Unavailable):
            cache.get_or_create(NUMBERS, "k", fail)

    with ThreadPoolExecutor(2) as threads:
        leading = threads.submit(read_at_leisure)
        assert entered.wait(60)
        waiting = threads.submit(cache.get_or_create, NUMBERS, "k", Source(4))
        until(lambda: cache.statistics()[0].waits == 1)
        go.set()
        leading.result(20)
        with pytest.raises(Unavailable):
            waiting.result(20)


def test_a_machine_without_threads_renews_nothing_and_loses_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the caller is told so, and the place is free for the next renewal."""
    renewals, done = Renewals(at_once=1), threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _no_thread)
        assert not renewals.begin(done.set)
    assert renewals.begin(done.set)
    assert done.wait(60)
    renewals.close()


def _no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
