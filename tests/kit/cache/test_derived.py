"""A value made of held values stands exactly as long as all of them, and nothing else is kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import Context, copy_context

import pytest

from backend.kit import read_log
from backend.kit.cache import Cache, Region
from backend.kit.cache.waiting import WouldWait, without_waiting
from backend.kit.redis.client import Client
from tests.kit.cache.cache_readers import NUMBERS
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually

BRIEF = Region("brief", int, 0.4, stale_seconds=0.0)
NAME, KEY = "sums", ("a", 1)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a listener may get no turn for a while, which empties the app layer; not the subject here."""
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._SILENCE_SECONDS", 20.0)
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._CALL_TIMEOUT_SECONDS", 10.0)


@pytest.fixture
def make(valkey: ValkeyProcess) -> Iterator[Callable[[], Cache]]:
    with ExitStack() as closing:

        def made() -> Cache:
            cache = Cache(valkey.client())
            closing.callback(cache.close)
            cache.start()
            assert eventually(lambda: cache.healthy)
            return cache

        yield made


@pytest.fixture
def cache(make: Callable[[], Cache]) -> Cache:
    return make()


def read(cache: Cache, key: str, region: Region[int] = NUMBERS) -> int:
    return cache.get_or_create(region, key, lambda: 1, tags=(f"number:{key}",)).value


def kept(cache: Cache, *keys: str, region: Region[int] = NUMBERS) -> object:
    """Return what is kept of a sum of these numbers, once each is held by this process."""
    for key in keys:
        read(cache, key, region)
    log = cache.begin_log()
    total = sum(read(cache, key, region) for key in keys)
    cache.keep_derived(NAME, KEY, total, log)
    return cache.derived(NAME, KEY)


def test_a_value_made_of_held_values_is_kept(cache: Cache) -> None:
    """It is given back for its own name and key alone, and counted as a hit of the process."""
    assert kept(cache, "a", "b") == 2
    assert cache.derived(NAME, ("a", 2)) is cache.derived("others", KEY) is None
    counts = {each.name: each.hits_app for each in cache.statistics()}
    assert counts[NAME] == 1


@pytest.mark.parametrize("tag", ["number:a", "number:b", "region:numbers", "region:sums", "*"])
def test_a_tag_of_any_part_ends_it_in_every_process(make: Callable[[], Cache], tag: str) -> None:
    """Once any part is invalidated, here or by another process, the value made of it is gone."""
    here, there = make(), make()
    assert kept(here, "a", "b") == 2
    here.invalidate("number:c")
    assert here.derived(NAME, KEY) == 2
    there.invalidate(tag)
    assert eventually(lambda: here.derived(NAME, KEY) is None)
    assert kept(here, "a", "b") == 2
    here.invalidate(tag)
    assert here.derived(NAME, KEY) is None


def test_it_ends_with_its_first_part(cache: Cache) -> None:
    """Of a part that lives for a moment it does not live longer."""
    assert kept(cache, "a", region=BRIEF) == 1
    assert eventually(lambda: cache.derived(NAME, KEY) is None, seconds=5)


def test_an_invalidation_while_it_is_made_wins(cache: Cache) -> None:
    """A part that was invalidated after it was read leaves nothing that could be kept."""
    read(cache, "a")
    log = cache.begin_log()
    total = read(cache, "a")
    cache.invalidate("number:a")
    cache.keep_derived(NAME, KEY, total, log)
    assert cache.derived(NAME, KEY) is None


def test_nothing_is_kept_where_a_server_was_asked(cache: Cache, valkey: ValkeyProcess) -> None:
    """A value that was loaded, an asked Redis or no cached read at all: each disqualifies; so does a thread's read."""
    client: Client = valkey.client()

    def kept_after(work: Callable[[], object]) -> object:
        log = cache.begin_log()
        work()
        cache.keep_derived(NAME, KEY, 1, log)
        return cache.derived(NAME, KEY)

    read(cache, "a")
    assert kept_after(lambda: read(cache, "missing")) is None
    assert kept_after(lambda: None) is None
    assert kept_after(lambda: (read(cache, "a"), client.get("x"))) is None
    with ThreadPoolExecutor(1) as thread:
        assert kept_after(lambda: (read(cache, "a"), thread.submit(_in_context(client)).result())) is None
    assert kept_after(lambda: read(cache, "a")) == 1


def _in_context(client: Client) -> Callable[[], object]:
    context = copy_context()
    return lambda: context.run(client.get, "x")


def test_nothing_is_given_while_others_are_not_heard(cache: Cache, valkey: ValkeyProcess) -> None:
    """A kept value is not served while an invalidation could be missed."""
    assert kept(cache, "a") == 1
    cache.close()
    assert cache.derived(NAME, KEY) is None


def test_a_read_that_may_not_wait_takes_what_is_held(cache: Cache) -> None:
    """Inside `without_waiting` a held value is given, and any other ends the read before a server is asked."""
    read(cache, "a")
    with without_waiting():
        assert read(cache, "a") == 1
        with pytest.raises(WouldWait):
            read(cache, "b")
    assert read(cache, "b") == 1


def test_without_a_log_nothing_is_noted(cache: Cache) -> None:
    """Pages and jobs begin no log, and have none of another's."""

    def page() -> object:
        copy_context().run(cache.begin_log)
        read(cache, "a")
        return read_log.farthest_source()

    assert Context().run(page) is None
