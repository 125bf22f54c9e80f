"""What the cache does where the loader finds the database out of reach, or behind."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack
from time import time

import pytest

from backend.errors import Unavailable
from backend.kit import staleness
from backend.kit.cache import Cache, CacheAnswer, Region
from backend.kit.cache import cache as cache_module
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually, until

SHORT = Region("short", int, 0.05, stale_seconds=0.0)
LONG = Region("long", int, 10.0, stale_seconds=0.0)


class Truth:
    """A database whose primary may be lost."""

    def __init__(self) -> None:
        self.primary: Hashable | None = "first"
        self.lost_at: float | None = None

    def truth(self) -> Hashable | None:
        return self.primary

    def behind_since(self) -> float | None:
        return self.lost_at


@pytest.fixture
def make(valkey: ValkeyProcess) -> Iterator[Callable[..., Cache]]:
    """Makes caches that hear each other, as processes do."""
    with ExitStack() as closing:

        def made(truth: Truth | None = None) -> Cache:
            cache = Cache(valkey.client(), truth=truth)
            closing.callback(cache.close)
            cache.start()
            assert eventually(lambda: cache.healthy)
            return cache

        yield made


def away() -> int:
    raise Unavailable("away")


def read(cache: Cache, load: Callable[[], int], region: Region[int] = SHORT) -> CacheAnswer[int]:
    return cache.get_or_create(region, "k", load, tags=("t",))


def read_once_past_its_time(cache: Cache) -> CacheAnswer[int]:
    """The first answer that does not come from a value in its time."""
    found: list[CacheAnswer[int]] = []

    def is_kept() -> bool:
        found.append(read(cache, away))
        return found[-1].is_kept

    until(is_kept)
    return found[-1]


def test_an_old_value_stands_in_and_says_so(make: Callable[..., Cache]) -> None:
    """Past its time it is given all the same, with its age, and the reader's context knows."""
    cache = make()
    read(cache, lambda: 7)
    with staleness.apart():
        answer = read_once_past_its_time(cache)
        oldest = staleness.oldest_seconds()
    assert (answer.value, answer.is_kept) == (7, True)
    assert answer.age_seconds >= 0.04
    assert oldest is not None
    assert oldest >= 0.04


def test_what_was_invalidated_never_stands_in(make: Callable[..., Cache]) -> None:
    """A value known to be wrong is not shown, whatever is away: its readers hear the truth."""
    cache, other = make(), make()
    read(cache, lambda: 7)
    other.invalidate("t")
    until(lambda: cache._local.kept("short:k") is None)
    with pytest.raises(Unavailable):
        read(cache, away)


def test_it_may_come_from_another_process(make: Callable[..., Cache]) -> None:
    """Values that live for long are kept in Redis past their time, for a process that never held them."""
    first, second = make(), make()
    region = Region("long", int, 10.0, stale_seconds=0.0)
    read(first, lambda: 7, region)
    assert valkey_keeps(first, region) > 10_000
    assert read(second, away, region).value == 7


def valkey_keeps(cache: Cache, region: Region[int]) -> int:
    """Milliseconds that Redis keeps the value."""
    client = cache._shared.client
    assert client is not None
    return int(client.pttl(cache._shared._value_key(f"{region.name}:k")))


def test_too_old_is_no_answer(make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a quarter of an hour nobody is told what was once so."""
    cache = make()
    read(cache, lambda: 7)
    read_once_past_its_time(cache)
    monkeypatch.setattr(cache_module, "KEPT_SECONDS", 0.01)
    with pytest.raises(Unavailable):
        read(cache, away)


def test_what_redis_kept_for_hours_is_no_answer_either(
    make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regions that live for an hour are in Redis for two: a process that finds one there looks at its age as well."""
    first, second = make(), make()
    region = Region("long", int, 3600.0)
    read(first, lambda: 7, region)
    monkeypatch.setattr(cache_module, "time", lambda: time() + 7100.0)
    assert valkey_keeps(first, region) > 3_600_000
    with pytest.raises(Unavailable):
        read(second, away, region)


def test_nothing_old_is_shown_while_changes_may_go_unheard(make: Callable[..., Cache], valkey: ValkeyProcess) -> None:
    """Without Redis too, another process may have changed it: the reader is told that it cannot be known."""
    cache = make()
    read(cache, lambda: 7)
    valkey.kill()
    until(lambda: not cache.healthy)
    with pytest.raises(Unavailable):
        read(cache, away)


def test_what_a_secondary_said_is_not_kept(make: Callable[..., Cache]) -> None:
    """A value read while there was no primary, or across a change of primaries, is given once, with its age, and
    read again by the next one: it may lack what its reader has saved."""
    truth = Truth()
    cache = make(truth)
    truth.primary, truth.lost_at = None, 1_000.0
    behind = read(cache, lambda: 1, LONG)

    def across() -> int:
        truth.primary, truth.lost_at = "second", None
        return 2

    truth.primary, truth.lost_at = "first", None
    changed = read(cache, across, LONG)
    newest = read(cache, lambda: 3, LONG)
    assert (behind.value, behind.is_kept) == (1, True)
    assert behind.age_seconds > 1_000
    assert (changed.value, changed.is_kept) == (2, False)
    assert newest.value == 3
    assert read(cache, away, LONG).value == 3
