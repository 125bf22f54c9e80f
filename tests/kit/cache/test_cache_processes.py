"""What holds between real processes: one load for all of them, and changes that travel."""

import multiprocessing
import time
from multiprocessing.synchronize import Barrier, Event

import pytest

from backend.kit.cache import Cache
from backend.kit.redis.client import connect
from tests.kit.cache.cache_readers import NUMBERS, all_at_once, be_patient
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually

PROCESSES = 3
THREADS = 20


def read_cold(url: str, ready: Barrier) -> None:
    """One process of readers; every load of any process is counted on the server."""
    be_patient()
    client = connect(url)
    cache = Cache(client)
    cache.start()

    def load() -> int:
        time.sleep(0.3)
        return int(client.incr("loads"))

    ready.wait(60)
    answers = all_at_once(THREADS, lambda: cache.get_or_create(NUMBERS, "k", load, tags=("t",)))
    client.rpush("values", *(answer.value for answer in answers))
    cache.close()


def read_until_told(url: str, holds: Event, sees: Event) -> None:
    """A process that holds the truth in its app layer, and says when it reads another one."""
    be_patient()
    client = connect(url)
    cache = Cache(client)
    cache.start()

    def load() -> int:
        return int(client.get("truth") or 0)

    def source() -> str:
        return cache.get_or_create(NUMBERS, "k", load, tags=("t",)).source

    assert eventually(lambda: source() == "app")
    holds.set()
    assert eventually(lambda: cache.get_or_create(NUMBERS, "k", load, tags=("t",)).value == 1)
    sees.set()
    cache.close()


def hold_the_lock(url: str, holds: Event) -> None:
    """A process that begins to load and never ends."""
    cache = Cache(connect(url))

    def load() -> int:
        holds.set()
        time.sleep(60)
        return 1

    cache.get_or_create(NUMBERS, "k", load)


def test_sixty_readers_in_three_processes_make_one_load(valkey_or_redis: ValkeyProcess) -> None:
    """However many processes miss at once, one thread of one of them loads, and all get its value."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(PROCESSES)
    processes = [spawn.Process(target=read_cold, args=(valkey_or_redis.url, ready)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    client = valkey_or_redis.client()
    assert client.get("loads") == b"1"
    assert client.lrange("values", 0, -1) == [b"1"] * PROCESSES * THREADS


def test_another_process_sees_a_change_within_a_second(valkey_or_redis: ValkeyProcess) -> None:
    """What one process invalidates leaves the app layer of another."""
    spawn = multiprocessing.get_context("spawn")
    holds, sees = spawn.Event(), spawn.Event()
    process = spawn.Process(target=read_until_told, args=(valkey_or_redis.url, holds, sees))
    process.start()
    assert holds.wait(60)
    client = valkey_or_redis.client()
    client.set("truth", 1)
    Cache(client).invalidate("t")
    assert sees.wait(25)  # by itself the app layer would believe it for thirty seconds
    process.join(60)
    assert process.exitcode == 0


def test_a_killed_creator_does_not_lock_others_out(
    valkey_or_redis: ValkeyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process killed in the midst of its load delays the others by a bounded wait."""
    monkeypatch.setattr("backend.kit.cache.cache._WAIT_SECONDS", 0.3)
    spawn = multiprocessing.get_context("spawn")
    holds = spawn.Event()
    process = spawn.Process(target=hold_the_lock, args=(valkey_or_redis.url, holds))
    process.start()
    assert holds.wait(60)
    process.kill()
    process.join(60)
    cache = Cache(valkey_or_redis.client())
    began = time.monotonic()
    assert cache.get_or_create(NUMBERS, "k", lambda: 2).value == 2
    assert time.monotonic() - began < 8  # the lock itself would hold for ten seconds
    assert cache.statistics()[0].waits == 1
