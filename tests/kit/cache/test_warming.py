"""Values that everybody needs are loaded before they are asked for, within a budget, and known to all processes."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from backend.errors import Unavailable
from backend.kit.cache import Cache, CacheAnswer, Region, Warmer
from tests.kit.cache.cache_readers import NUMBERS, Source
from tests.kit.redis.valkey_process import ValkeyCluster, ValkeyProcess
from tests.waiting import eventually

WORDS = Region("words", str, 60)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a listener may get no turn for a while, which empties the app layer; not the subject here."""
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._SILENCE_SECONDS", 20.0)
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._CALL_TIMEOUT_SECONDS", 10.0)


@pytest.fixture(scope="module", params=["single", "cluster"])
def single_or_cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ValkeyProcess]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    server = ValkeyCluster(folder) if request.param == "cluster" else ValkeyProcess(folder)
    yield server
    server.stop()


class Reader:
    """A process with a service that reads numbers, and names a, b and c as the keys to warm."""

    def __init__(self, valkey: ValkeyProcess) -> None:
        self.cache = Cache(valkey.client())
        self.source = Source(7)
        self.warmer = Warmer(self.cache)
        self.warmer.add(NUMBERS, {key: partial(self.read, key) for key in "abc"}, wide_tags=["all numbers"])

    def read(self, key: str) -> CacheAnswer[int]:
        return self.cache.get_or_create(NUMBERS, key, self.source, tags=("all numbers", f"number:{key}"))


@pytest.fixture
def make(single_or_cluster: ValkeyProcess) -> Iterator[Callable[[], Reader]]:
    made: list[Reader] = []
    single_or_cluster.flush()

    def reader() -> Reader:
        made.append(Reader(single_or_cluster))
        made[-1].cache.start()
        assert eventually(lambda: made[-1].cache.healthy)
        return made[-1]

    yield reader
    for each in made:
        each.cache.close()


def test_the_next_read_after_an_invalidation_is_a_hit(make: Callable[[], Reader]) -> None:
    """Keys that a region names are loaded by warming in one process, and a read in another finds them."""
    here, there = make(), make()
    here.read("a")
    here.cache.invalidate("all numbers")
    done = there.warmer.run()
    assert (done.loaded, done.left, done.failed) == (3, 0, 0)
    assert {here.read(key).source for key in "abc"} == {"redis"}
    assert here.source.loads == 1


def test_a_second_round_loads_nothing(make: Callable[[], Reader]) -> None:
    """Values that are there already are counted as present, and their loaders are not called."""
    reader = make()
    assert reader.warmer.run().loaded == 3
    done = reader.warmer.run()
    assert (done.loaded, done.present) == (0, 3)
    assert reader.source.loads == 3


def test_the_time_is_bounded(make: Callable[[], Reader]) -> None:
    """Once its time is over a round begins no further load, and says how many it left."""
    reader = make()
    reader.source.delay_seconds = 0.3
    done = reader.warmer.run(most_seconds=0.1)
    assert (done.loaded, done.left) == (1, 2)
    assert reader.warmer.run(should_stop=lambda: True).left == 3


def test_a_key_that_fails_leaves_the_others_warm(make: Callable[[], Reader]) -> None:
    """A failed load of one key, expected or not, is counted, and the others are loaded."""
    reader = make()

    def fail(error: Exception) -> CacheAnswer[str]:
        raise error

    reader.warmer.add(
        WORDS, {"away": partial(fail, Unavailable("The database is away.")), "odd": partial(fail, KeyError())}
    )
    done = reader.warmer.run()
    assert (done.loaded, done.failed) == (3, 2)


def test_what_empties_a_region_asks_for_warming_everywhere(make: Callable[[], Reader]) -> None:
    """An invalidation of a whole region is told to each process that would warm; one of a single key is not."""
    here, there = make(), make()
    asked: list[str] = []
    for name, reader in (("here", here), ("there", there)):
        reader.warmer.when_cold(partial(asked.append, name))
    here.cache.invalidate("number:a")
    assert asked == []
    here.cache.invalidate("all numbers")
    assert eventually(lambda: set(asked) == {"here", "there"})
    asked.clear()
    here.cache.clear_region("numbers")
    assert eventually(lambda: set(asked) == {"here", "there"})


def test_without_redis_nothing_is_warmed_and_nothing_fails() -> None:
    """A round with no Redis at all ends at once, with nothing loaded that could not be kept."""
    cache, source = Cache(None), Source()
    warmer = Warmer(cache)
    warmer.add(NUMBERS, {"a": lambda: cache.get_or_create(NUMBERS, "a", source)})
    assert warmer.run().left == 1
    assert source.loads == 0
