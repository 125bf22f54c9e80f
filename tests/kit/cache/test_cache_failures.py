"""What readers may rely on when Redis is flushed, cut off, frozen, killed, or comes back with an older memory."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from backend.kit.cache import Cache
from tests.kit.cache.cache_readers import NUMBERS, Source
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually


@pytest.fixture
def make(valkey_or_redis: ValkeyProcess) -> Iterator[Callable[..., Cache]]:
    """Makes caches with connections of their own, as other processes would have."""
    with ExitStack() as closing:

        def make_one(*, listens: bool = True) -> Cache:
            cache = Cache(valkey_or_redis.client())
            closing.callback(cache.close)
            if listens:
                cache.start()
                assert eventually(lambda: cache.healthy)
            return cache

        yield make_one


def read(cache: Cache, source: Source) -> int:
    return cache.get_or_create(NUMBERS, "k", source, tags=("t",)).value


def source_of(cache: Cache, source: Source) -> str:
    return cache.get_or_create(NUMBERS, "k", source, tags=("t",)).source


def is_cached(cache: Cache, source: Source) -> bool:
    return source_of(cache, source) != "database"


@pytest.mark.parametrize("listens", [True, False])
def test_a_dead_server_costs_almost_nothing(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache], listens: bool
) -> None:
    """Without Redis every read loads, and two hundred reads pay less than four calls would wait."""
    cache, source = make(listens=listens), Source(5)
    read(cache, Source())
    valkey_or_redis.kill()
    assert eventually(lambda: not cache.healthy)
    began = time.monotonic()
    assert {read(cache, source) for _ in range(200)} == {5}
    assert source.loads == 200
    assert time.monotonic() - began < 10  # two hundred waits would be fifty seconds


def test_a_frozen_server_is_waited_for_once(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """A server that hangs costs the first readers a timeout, not each of them."""
    cache = make(listens=False)
    read(cache, Source())
    valkey_or_redis.freeze()
    source, began = Source(5), time.monotonic()
    assert {read(cache, source) for _ in range(50)} == {5}
    assert time.monotonic() - began < 6  # fifty waits would be twelve seconds
    valkey_or_redis.thaw()


@pytest.mark.parametrize("listens", [True, False])
def test_redis_is_used_again_when_it_is_back(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache], listens: bool
) -> None:
    """After an outage the shared layer serves again by itself."""
    cache, other = make(listens=listens), make(listens=False)
    valkey_or_redis.kill()
    assert source_of(cache, Source()) == "database"
    valkey_or_redis.start()
    assert eventually(lambda: source_of(cache, Source()) != "database")
    assert eventually(lambda: source_of(other, Source()) == "redis")


def test_an_absent_server_at_the_start_is_found_later(valkey_or_redis: ValkeyProcess) -> None:
    """A cache made and started while there is no server uses it once it comes."""
    valkey_or_redis.kill()
    cache = Cache(valkey_or_redis.client())
    cache.start()
    assert read(cache, Source(1)) == 1
    assert not cache.healthy
    valkey_or_redis.start()
    assert eventually(lambda: cache.healthy)
    assert eventually(lambda: source_of(cache, Source()) == "app")
    cache.close()


def test_an_unheard_invalidation_is_not_outlived_by_the_app_layer(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]
) -> None:
    """While the server hangs, what another process changed is not served from this process for over a second."""
    here, there, source = make(), make(), Source(1)
    assert read(here, source) == 1
    assert eventually(lambda: source_of(here, source) == "app")
    valkey_or_redis.freeze()
    source.value = 2
    there.invalidate("t")
    assert eventually(lambda: read(here, source) == 2)
    assert not here.healthy
    valkey_or_redis.thaw()
    assert eventually(lambda: here.healthy and there.healthy)
    assert eventually(lambda: source_of(here, source) == "app")
    assert read(here, source) == read(there, source) == 2


def test_a_listener_that_was_not_heard_of_for_a_second_is_not_trusted(make: Callable[..., Cache]) -> None:
    """A listener thread that got no turn (a busy or paused process) stops the app layer as a cut link does."""
    cache = make()
    assert cache._listener.hears(time.monotonic())
    assert not cache._listener.hears(time.monotonic() + 1)


@pytest.mark.parametrize("listens", [True, False])
def test_an_invalidation_that_redis_missed_is_told_before_it_is_read_again(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache], listens: bool
) -> None:
    """The old entry that waits in a server which was away never reaches the one who invalidated it."""
    cache, source = make(listens=listens), Source(1)
    read(cache, source)
    valkey_or_redis.freeze()
    source.value = 2
    cache.invalidate("t")
    assert read(cache, source) == 2
    valkey_or_redis.thaw()
    values: set[int] = set()

    def is_back() -> bool:
        answer = cache.get_or_create(NUMBERS, "k", source, tags=("t",))
        values.add(answer.value)
        return answer.source != "database"

    assert eventually(is_back)
    assert values == {2}
    assert read(make(listens=False), Source(3)) == 2


def test_very_many_missed_invalidations_become_one(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """However long the outage, what must be remembered is bounded; past the bound everything is dropped."""
    cache, source = make(listens=False), Source(1)
    read(cache, source)
    valkey_or_redis.kill()
    assert read(cache, Source(1)) == 1
    cache.invalidate("t")
    for number in range(30):
        cache.invalidate(*(f"{number}:{tag}" for tag in range(500)))
    assert len(cache._shared._pending) < 10_001
    valkey_or_redis.start()
    assert eventually(lambda: source_of(cache, Source(2)) == "redis")
    assert read(cache, source) == 2


def test_a_cut_link_empties_the_app_layer(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """After its link was cut a process believes nothing it held, and misses no invalidation of that time."""
    here, there, source = make(), make(), Source(1)
    client = valkey_or_redis.client()
    for value in range(2, 12):
        assert eventually(lambda: source_of(here, source) == "app")
        source.value = value
        client.client_kill_filter(_type="normal", skipme=True)
        there.invalidate("t")
        assert eventually(lambda: read(here, source) == source.value)


class FlushedAtOnce(Redis):
    """A client whose scripts are flushed away in the same transaction, before anybody can read what they wrote."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        with self.pipeline(transaction=True) as pipe:
            pipe.eval(script, numkeys, *keys_and_args)
            pipe.flushall()
            return pipe.execute()[0]


def test_a_flushed_server_loses_no_invalidation(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """An invalidation whose message is flushed before others could read it still reaches them within a second."""
    here, source = make(), Source(1)
    there = Cache(FlushedAtOnce(unix_socket_path=str(valkey_or_redis.socket)))
    for value in range(2, 6):
        assert eventually(lambda: source_of(here, source) == "app")
        source.value = value
        there.invalidate("t")
        assert eventually(lambda: read(here, source) == source.value)


def test_a_value_loaded_across_a_flush_and_a_change_is_not_believed(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]
) -> None:
    """Versions that a flushed server made anew never equal those that an older load began with."""
    cache, source = make(listens=False), Source(1)
    source.may_end = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        old = thread.submit(read, cache, source)
        assert source.started.wait(60)
        cache.invalidate("t")
        valkey_or_redis.flush()
        source.may_end.set()
        assert old.result(10) == 1
    assert read(cache, Source(2)) == 2


def test_an_older_memory_revives_nothing(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """A server restarted from a dump (or a replica that lagged) may hold entries from before an invalidation."""
    cache, other, source = make(), make(listens=False), Source(1)
    read(cache, source)
    valkey_or_redis.client().save()
    source.value = 2
    cache.invalidate("t")
    assert read(cache, source) == read(other, source) == 2
    valkey_or_redis.kill()
    assert read(cache, source) == read(other, source) == 2
    valkey_or_redis.start()
    assert valkey_or_redis.client().exists("cp:{numbers:k}")
    for reader in (cache, other):
        assert eventually(partial(is_cached, reader, source))
        assert read(reader, source) == 2


def test_a_quick_restart_is_noticed_before_the_next_read(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]
) -> None:
    """Nobody asked while the server was away; its older memory is found out all the same."""
    cache, source = make(), Source(1)
    read(cache, source)
    valkey_or_redis.client().save()
    source.value = 2
    cache.invalidate("t")
    valkey_or_redis.kill()
    valkey_or_redis.start()
    assert read(cache, source) == 2
    assert eventually(lambda: cache.healthy)
    assert read(cache, source) == 2


def test_a_full_server_is_not_believed_after_a_change(
    valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]
) -> None:
    """When Redis refuses to write an invalidation, its old entry is not served to who invalidated it."""
    cache, source = make(listens=False), Source(1)
    read(cache, source)
    client = valkey_or_redis.client()
    client.config_set("maxmemory", "1")
    source.value = 2
    cache.invalidate("t")
    assert [read(cache, source) for _ in range(2)] == [2, 2]
    client.config_set("maxmemory", "0")
    assert read(cache, Source(3)) == 3


def test_one_load_though_the_server_dies_meanwhile(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """Threads that wait for a load get its value even if Redis dies before it ends."""
    cache, source = make(listens=False), Source(4)
    source.may_end = threading.Event()
    with ThreadPoolExecutor(20) as threads:
        answers = [threads.submit(read, cache, source) for _ in range(20)]
        assert source.started.wait(60)
        assert eventually(lambda: cache.statistics()[0].waits == 19)
        valkey_or_redis.kill()
        source.may_end.set()
        assert {answer.result(10) for answer in answers} == {4}
    assert source.loads == 1


ACTS = ("write", "read", "flush", "forget tag", "forget region", "forget all", "forget entry", "cut links")
acts = st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from("ab"), st.booleans()), max_size=30)


@pytest.fixture(scope="module")
def server_and_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ValkeyProcess, Cache, Cache]]:
    server = ValkeyProcess(tmp_path_factory.mktemp("valkey"))
    yield server, Cache(server.client()), Cache(server.client())
    server.stop()


@settings(max_examples=40, deadline=None)
@given(acts=acts)
def test_no_order_of_accidents_shows_an_old_value(
    server_and_caches: tuple[ValkeyProcess, Cache, Cache], acts: list[tuple[str, str, bool]]
) -> None:
    """For any order of changes, flushes, evictions and cut links, both processes read the latest value."""
    server, *caches = server_and_caches
    server.flush()
    client, truth = server.client(), {"a": 0, "b": 0}
    for act, key, second in acts:
        if act == "write":
            truth[key] += 1
            caches[second].invalidate(key)
        elif act == "flush":
            client.flushall()
        elif act == "cut links":
            client.client_kill_filter(_type="normal", skipme=True)
        elif act != "read":
            client.delete(
                {
                    "forget tag": f"{{cp}}:tag:{key}",
                    "forget region": "{cp}:tag:region:numbers",
                    "forget all": "{cp}:tag:*",
                    "forget entry": f"cp:{{numbers:{key}}}",
                }[act]
            )
        answer = caches[second].get_or_create(NUMBERS, key, partial(truth.__getitem__, key), tags=(key,))
        assert answer.value == truth[key]
    client.close()


def test_many_readers_meet_an_outage_together(valkey_or_redis: ValkeyProcess, make: Callable[..., Cache]) -> None:
    """Fifty readers at the moment of an outage are all served, each within a second."""
    cache = make()
    valkey_or_redis.freeze()
    took: list[float] = []

    def timed() -> None:
        began = time.monotonic()
        cache.get_or_create(NUMBERS, "cold", Source(1))
        took.append(time.monotonic() - began)

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(lambda _number: timed(), range(50)))
    assert max(took) < 6
    valkey_or_redis.thaw()
