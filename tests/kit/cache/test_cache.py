"""What readers may rely on while Redis is well: one load, fresh values, honest sources, bounded memory."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.errors import NotFound
from backend.kit.cache import Cache, CacheAnswer, Region
from backend.kit.cache.early_renewal import AT_ONCE
from backend.kit.cache.entry import CacheEntry
from tests.kit.cache.cache_readers import NUMBERS, Source, all_at_once
from tests.kit.redis.valkey_nodes import ValkeyNodes
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually, until

Server = ValkeyProcess | ValkeyNodes


@pytest.fixture(scope="module", params=["valkey", "valkey cluster", "redis", "redis cluster"])
def any_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Everything here holds on one server and on a Cluster of three, which refuses commands across slots."""
    folder: Path = tmp_path_factory.mktemp("valkey")
    kind, _space, is_cluster = request.param.partition(" ")
    server = ValkeyNodes(folder, kind=kind) if is_cluster else ValkeyProcess(folder, kind=kind)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a thread may get no turn for a while: what that means is the subject of other tests."""
    monkeypatch.setattr("backend.kit.cache.cache._WAIT_SECONDS", 30.0)
    monkeypatch.setattr("backend.kit.cache.cache._LOCK_SECONDS", 60.0)
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._SILENCE_SECONDS", 20.0)
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._CALL_TIMEOUT_SECONDS", 10.0)


@pytest.fixture
def make(any_server: Server) -> Iterator[Callable[..., Cache]]:
    """Makes caches on an empty server, each with connections of its own, as another process would have."""
    caches: list[Cache] = []
    any_server.flush()

    def make_one(*, listens: bool = True, local_ttl_seconds: float = 30.0, local_max_entries: int = 2000) -> Cache:
        client = any_server.client()
        cache = Cache(client, local_ttl_seconds=local_ttl_seconds, local_max_entries=local_max_entries)
        caches.append(cache)
        if listens:
            cache.start()
            assert eventually(lambda: cache.healthy)
        return cache

    yield make_one
    for cache in caches:
        cache.close()


def test_sources_are_told(make: Callable[..., Cache]) -> None:
    """A value comes from the database, then from this process; another process has it from Redis."""
    here, there = make(), make()
    read = [here.get_or_create(NUMBERS, "k", Source(7)) for _ in range(2)]
    read += [there.get_or_create(NUMBERS, "k", Source(8)) for _ in range(2)]
    assert [(answer.value, answer.source) for answer in read] == [
        (7, "database"),
        (7, "app"),
        (7, "redis"),
        (7, "app"),
    ]


def test_age_counts_from_the_beginning_of_the_load(make: Callable[..., Cache]) -> None:
    """An answer is as old as its load's first moment, in every layer."""
    here, there = make(), make()
    assert here.get_or_create(NUMBERS, "k", Source(delay_seconds=0.05)).age_seconds >= 0.05
    for cache in (here, there):
        assert 0.05 <= cache.get_or_create(NUMBERS, "k", Source()).age_seconds < 5


def test_fifty_threads_make_one_load(make: Callable[..., Cache]) -> None:
    """However many miss at once in a process, one of them loads."""
    cache, source = make(), Source(delay_seconds=0.1)
    answers = all_at_once(50, lambda: cache.get_or_create(NUMBERS, "k", source, tags=("t",)))
    assert source.loads == 1
    assert {answer.value for answer in answers} == {1}


def test_four_processes_worth_of_threads_make_one_load(make: Callable[..., Cache]) -> None:
    """Readers with connections of their own, as processes have, wait for the one who loads."""
    caches, source = [make(listens=number % 2 == 0) for number in range(4)], Source(delay_seconds=0.2)
    turns = iter(range(40))
    all_at_once(40, lambda: caches[next(turns) % 4].get_or_create(NUMBERS, "k", source, tags=("t",)))
    assert source.loads == 1


def test_own_next_read_sees_the_change(make: Callable[..., Cache]) -> None:
    """Whoever invalidates reads the new value at once, and other values stay."""
    cache, source, other = make(), Source(1), Source(5)
    cache.get_or_create(NUMBERS, "k", source, tags=("student:1", "catalogue"))
    cache.get_or_create(NUMBERS, "other", other, tags=("student:2", "catalogue"))
    source.value = 2
    cache.invalidate("student:1")
    assert cache.get_or_create(NUMBERS, "k", source, tags=("student:1", "catalogue")).value == 2
    assert cache.get_or_create(NUMBERS, "other", other, tags=("student:2", "catalogue")).source == "app"


def test_other_processes_see_the_change_within_a_second(make: Callable[..., Cache]) -> None:
    """An invalidation empties the in-process layer of others."""
    here, there, source = make(), make(), Source(1)
    read = [cache.get_or_create(NUMBERS, "k", source, tags=("t",)) for cache in (here, there, here, there)]
    assert [answer.source for answer in read[2:]] == ["app", "app"]
    source.value = 2
    here.invalidate("t")
    assert eventually(lambda: there.get_or_create(NUMBERS, "k", source, tags=("t",)).value == 2)
    assert here.get_or_create(NUMBERS, "k", source, tags=("t",)).value == 2


@pytest.mark.parametrize("who", ["here", "there"])
def test_an_invalidation_during_a_load_is_not_lost(make: Callable[..., Cache], who: str) -> None:
    """A value that was being loaded when its tag was invalidated is not kept by anybody."""
    here, there = make(), make()
    source = Source(1)
    source.may_end = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        old = thread.submit(here.get_or_create, NUMBERS, "k", source, tags=("t",))
        assert source.started.wait(60)
        source.value = 2
        (here if who == "here" else there).invalidate("t")
        source.may_end.set()
        assert old.result(10).value == 1
    assert there.get_or_create(NUMBERS, "k", Source(2), tags=("t",)).value == 2
    assert eventually(lambda: here.get_or_create(NUMBERS, "k", Source(2), tags=("t",)).value == 2)


def test_a_load_begun_before_a_change_is_not_shared_after_it(make: Callable[..., Cache]) -> None:
    """Who saved and then reads does not wait for an older load, but loads anew."""
    for cache in (make(), Cache(None)):
        slow = Source(1)
        slow.may_end = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            old = thread.submit(cache.get_or_create, NUMBERS, "k", slow, tags=("t",))
            assert slow.started.wait(60)
            cache.invalidate("t")
            assert cache.get_or_create(NUMBERS, "k", Source(2), tags=("t",)).value == 2
            slow.may_end.set()
            assert old.result(10).value == 1


def test_a_failed_load_is_told_to_all_and_not_kept(make: Callable[..., Cache]) -> None:
    """Everybody who waited for a load that failed gets its error; the next reader loads again at once."""
    cache, calls, arrived = make(), list[int](), list[int]()

    def fail() -> int:
        calls.append(1)
        until(lambda: len(arrived) == 10)
        time.sleep(0.3)  # who arrived waits by now
        raise NotFound("There is no such chapter.")

    def read_failing() -> CacheAnswer[int]:
        arrived.append(1)
        with pytest.raises(NotFound):
            cache.get_or_create(NUMBERS, "k", fail)
        return CacheAnswer(0, "database", 0)

    all_at_once(10, read_failing)
    assert len(calls) == 1
    began = time.monotonic()
    assert cache.get_or_create(NUMBERS, "k", Source(3)).value == 3
    assert time.monotonic() - began < 20  # less than the wait for another process


def test_a_stopped_reader_does_not_stop_the_others(make: Callable[..., Cache]) -> None:
    """When the one who loads is stopped from outside, those who waited load themselves."""
    cache, entered, go = make(), threading.Event(), threading.Event()

    def be_stopped() -> int:
        entered.set()
        assert go.wait(60)
        raise KeyboardInterrupt

    def read_stopped() -> None:
        with pytest.raises(KeyboardInterrupt):
            cache.get_or_create(NUMBERS, "k", be_stopped)

    with ThreadPoolExecutor(2) as threads:
        stopped = threads.submit(read_stopped)
        assert entered.wait(60)
        waiting = threads.submit(cache.get_or_create, NUMBERS, "k", Source(4))
        assert eventually(lambda: cache.statistics()[0].waits == 1)
        go.set()
        stopped.result(10)
        assert waiting.result(10).value == 4


def test_without_redis_concurrent_readers_share_one_load() -> None:
    """With no Redis at all, readers at the same moment still make one load, and nothing is kept after it."""
    cache, source = Cache(None), Source(delay_seconds=0.3)
    cache.start()
    assert {answer.source for answer in all_at_once(20, lambda: cache.get_or_create(NUMBERS, "k", source))} == {
        "database"
    }
    assert source.loads == 1
    cache.get_or_create(NUMBERS, "k", source)
    assert source.loads == 2
    assert not cache.healthy
    cache.close()


def test_a_cache_that_does_not_listen_keeps_nothing_in_the_process(make: Callable[..., Cache]) -> None:
    """Before start() each answer comes from Redis, for nobody would tell of changes."""
    cache = make(listens=False)
    sources = [cache.get_or_create(NUMBERS, "k", Source()).source for _ in range(3)]
    assert sources == ["database", "redis", "redis"]


def test_a_region_is_cleared_everywhere(make: Callable[..., Cache]) -> None:
    """Clearing a region drops its values in all processes, and no other region's."""
    here, there = make(), make()
    others = Region("others", int, 60)
    for cache in (here, there):
        cache.get_or_create(NUMBERS, "k", Source(1))
        cache.get_or_create(others, "k", Source(1))
    assert here.clear_region("numbers") == 1
    assert here.clear_region("unheard-of") is None
    assert here.get_or_create(NUMBERS, "k", Source(2)).value == 2
    assert eventually(lambda: there.get_or_create(NUMBERS, "k", Source(3)).value == 2)
    assert here.get_or_create(others, "k", Source(2)).source == "app"


def test_an_old_value_serves_while_one_reader_loads(make: Callable[..., Cache]) -> None:
    """Past its time a value is still shown to those who come while its successor is being loaded."""
    region = Region("brief", int, 0.05, stale_seconds=60)
    here, there, slow = make(), make(), Source(2)
    slow.may_end = threading.Event()
    here.get_or_create(region, "k", Source(1))
    time.sleep(0.06)
    with ThreadPoolExecutor(1) as thread:
        new = thread.submit(here.get_or_create, region, "k", slow)
        assert slow.started.wait(60)
        for cache in (here, there):
            answer = cache.get_or_create(region, "k", Source(3))
            assert (answer.value, answer.source) == (1, "redis")
        slow.may_end.set()
        assert new.result(10).value == 2
    assert here.statistics()[0].stale == there.statistics()[0].stale == 1


def test_short_lived_regions_are_never_served_stale(make: Callable[..., Cache]) -> None:
    """A value of a region of under ten seconds is not shown past its time, even while another reader loads."""
    region = Region("sessions", int, 0.05)
    cache, slow = make(), Source(2)
    slow.may_end = threading.Event()
    cache.get_or_create(region, "k", Source(1))
    time.sleep(0.06)
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(cache.get_or_create, region, "k", slow) for _ in range(2)]
        assert eventually(lambda: cache.statistics()[0].waits == 1)
        slow.may_end.set()
        assert [answer.result(10).value for answer in answers] == [2, 2]


def test_an_early_renewal_that_fails_costs_nobody_the_value(
    make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a value is in its time, a failing renewal is counted and the value served."""
    cache = make(listens=False)
    cache.get_or_create(NUMBERS, "k", Source(1))
    monkeypatch.setattr(CacheEntry, "is_due_early", lambda _self, _now: True)

    def fail() -> int:
        raise NotFound("The database is away.")

    assert cache.get_or_create(NUMBERS, "k", fail).value == 1
    assert eventually(lambda: cache.statistics()[0].errors == 1)
    assert eventually(lambda: cache.get_or_create(NUMBERS, "k", Source(2)).value == 2)


def test_nobody_waits_for_an_early_renewal(make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader who begins it has the old value at once; one load runs beside, and its value is served after it."""
    cache, slow = make(listens=False), Source(2)
    slow.may_end = threading.Event()
    cache.get_or_create(NUMBERS, "k", Source(1))
    monkeypatch.setattr(CacheEntry, "is_due_early", lambda _self, _now: True)
    assert [cache.get_or_create(NUMBERS, "k", slow).value for _ in range(10)] == [1] * 10
    assert slow.started.wait(60)
    assert slow.loads == 1
    slow.may_end.set()
    assert eventually(lambda: cache.get_or_create(NUMBERS, "k", slow).value == 2)
    assert eventually(lambda: cache.statistics()[0].renewals >= 1)
    assert cache.statistics()[0].misses == 1


def test_few_renewals_run_at_once(make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many values near their end are read at once, four are being renewed; the others serve and wait."""
    cache, slow = make(listens=False), Source(2)
    slow.may_end = threading.Event()
    for number in range(12):
        cache.get_or_create(NUMBERS, str(number), Source(1))
    monkeypatch.setattr(CacheEntry, "is_due_early", lambda _self, _now: True)
    assert {cache.get_or_create(NUMBERS, str(number), slow).value for number in range(12)} == {1}
    assert eventually(lambda: slow.loads == AT_ONCE)
    assert {cache.get_or_create(NUMBERS, str(number), slow).value for number in range(12)} == {1}
    assert slow.loads == AT_ONCE
    slow.may_end.set()


def test_a_renewal_across_a_change_is_not_kept(make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a renewal loaded before an invalidation is believed by nobody after it."""
    cache, old = make(), Source(1)
    cache.get_or_create(NUMBERS, "k", Source(1), tags=("t",))
    cache._local.invalidate(["t"])  # so that the next read meets the entry in Redis
    old.may_end = threading.Event()
    with monkeypatch.context() as due:
        due.setattr(CacheEntry, "is_due_early", lambda _self, _now: True)
        assert cache.get_or_create(NUMBERS, "k", old, tags=("t",)).value == 1
        assert old.started.wait(60)
    cache.invalidate("t")
    assert cache.get_or_create(NUMBERS, "k", Source(2), tags=("t",)).value == 2
    old.may_end.set()
    assert eventually(lambda: not cache._renewals._running)
    assert cache.get_or_create(NUMBERS, "k", Source(3), tags=("t",)).value == 2


def test_a_creator_that_died_delays_the_others_only_so_long(
    make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for a load that never ends loads after a bounded wait."""
    monkeypatch.setattr("backend.kit.cache.cache._WAIT_SECONDS", 0.2)
    here, there, lost = make(), make(), Source(1)
    lost.may_end = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        hanging = thread.submit(here.get_or_create, NUMBERS, "k", lost)
        assert lost.started.wait(60)
        began = time.monotonic()
        assert there.get_or_create(NUMBERS, "k", Source(2)).value == 2
        assert 0.2 <= time.monotonic() - began < 5
        lost.may_end.set()
        hanging.result(10)


def test_memory_is_bounded_and_the_least_used_leaves(make: Callable[..., Cache]) -> None:
    """The process holds at most so many entries; what was used last stays."""
    cache = make(local_max_entries=10)
    for number in range(10):
        cache.get_or_create(NUMBERS, str(number), Source(number))
    cache.get_or_create(NUMBERS, "0", Source())
    cache.get_or_create(NUMBERS, "new", Source())
    assert cache.statistics()[0].entries == 10
    assert cache.get_or_create(NUMBERS, "0", Source()).source == "app"
    assert cache.get_or_create(NUMBERS, "1", Source()).source == "redis"


def test_a_local_value_is_asked_for_again_after_its_time(make: Callable[..., Cache]) -> None:
    """The in-process layer believes a value for its own, shorter time."""
    cache = make(local_ttl_seconds=0.05)
    cache.get_or_create(NUMBERS, "k", Source())
    time.sleep(0.06)
    assert cache.get_or_create(NUMBERS, "k", Source()).source == "redis"


def test_statistics_add_up(make: Callable[..., Cache]) -> None:
    """Hits and misses together are the reads, by region."""
    here, there = make(), make(listens=False)
    for cache in (here, there, here, there, here):
        cache.get_or_create(NUMBERS, "k", Source())
    (mine,), (others,) = here.statistics(), there.statistics()
    assert (mine.name, mine.hits_app, mine.hits_redis, mine.misses, mine.entries) == ("numbers", 2, 0, 1, 1)
    assert (others.hits_app, others.hits_redis, others.misses, others.entries) == (0, 2, 0, 0)
    assert mine.errors == mine.waits == mine.stale == 0


def test_a_value_that_cannot_be_written_is_served_and_counted(make: Callable[..., Cache]) -> None:
    """A loader that returns what MessagePack cannot hold costs the caching, not the page."""
    cache = make()
    region: Region[object] = Region("things", object, 60)
    thing = object()
    assert cache.get_or_create(region, "k", lambda: thing).value is thing
    assert cache.get_or_create(region, "k", lambda: 5).value == 5
    assert cache.statistics()[0].errors == 1
