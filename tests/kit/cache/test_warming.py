"""What was asked for is there before it is asked for again: learned, within a budget, and known to no other process."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.errors import Unavailable
from backend.kit.cache import Answer, Cache, Region, Warmer
from backend.kit.cache import popularity as asked_module
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
    """A process with a service that reads numbers, lets them be warmed, and tells which keys still mean something."""

    def __init__(self, valkey: ValkeyProcess) -> None:
        self.cache = Cache(valkey.client())
        self.source = Source(7)
        self.gone: set[str] = set()
        self.warmer = Warmer(self.cache)
        self.warmer.add(NUMBERS, self.warmed, wide_tags=["all numbers"])

    def read(self, key: str) -> Answer[int]:
        return self.cache.get_or_create(NUMBERS, key, self.source, tags=("all numbers", f"number:{key}"))

    def warmed(self, key: str) -> Answer[int] | None:
        return None if key in self.gone else self.read(key)


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
    """Keys that were read are loaded by warming in one process, and a read in another finds them."""
    here, there = make(), make()
    for key in "abc":
        here.read(key)
    here.cache.popularity.send()
    here.cache.invalidate("all numbers")
    done = there.warmer.run()
    assert (done.loaded, done.left, done.failed) == (3, 0, 0)
    assert {here.read(key).source for key in "abc"} == {"redis"}
    assert here.source.loads == 3


def test_the_record_outlives_the_process(single_or_cluster: ValkeyProcess, make: Callable[[], Reader]) -> None:
    """What a process that ended was asked for is warmed by one that starts later."""
    first = make()
    first.read("a")
    first.cache.close()
    first.cache.invalidate("all numbers")
    later = Reader(single_or_cluster)
    assert later.warmer.run().loaded == 1
    assert later.read("a").source == "redis"


def test_the_most_wanted_come_first_within_the_budget(make: Callable[[], Reader]) -> None:
    """A budget of two keys warms the two that were asked for most, and no third."""
    reader = make()
    for key, times in {"rare": 1, "often": 3, "most": 5}.items():
        for _time in range(times):
            reader.read(key)
            reader.cache.invalidate(f"number:{key}")
    reader.cache.invalidate("all numbers")
    assert reader.warmer.run(most_keys=2).loaded == 2
    assert [reader.read(key).source for key in ("most", "often", "rare")] == ["app", "app", "database"]


def test_the_time_is_bounded(make: Callable[[], Reader]) -> None:
    """Once its time is over a round begins no further load, and says how many it left."""
    reader = make()
    for number in range(5):
        reader.read(str(number))
    reader.cache.invalidate("all numbers")
    reader.source.delay_seconds = 0.3
    done = reader.warmer.run(most_seconds=0.1)
    assert (done.loaded, done.left) == (1, 4)
    assert reader.warmer.run(should_stop=lambda: True).left == 5


def test_warming_does_not_make_popular(make: Callable[[], Reader]) -> None:
    """However often a key is warmed, its weight stays what readers gave it."""
    reader = make()
    reader.read("a")
    reader.cache.popularity.send()
    before = reader.cache.popularity.most(5)
    for _time in range(3):
        reader.cache.invalidate("all numbers")
        assert reader.warmer.run().loaded == 1
    assert reader.cache.popularity.most(5) == before


def test_what_means_nothing_any_more_is_forgotten(make: Callable[[], Reader]) -> None:
    """A key that its service no longer knows is not loaded, and not looked at a second time."""
    reader = make()
    for key in "ab":
        reader.read(key)
    reader.gone = {"a"}
    assert reader.warmer.run().forgotten == 1
    assert [each.key for each in reader.cache.popularity.most(5)] == ["b"]


def test_only_regions_that_offer_themselves_are_warmed(make: Callable[[], Reader]) -> None:
    """A region that belongs to single viewers and says nothing to the warmer is neither counted nor read."""
    reader = make()
    reader.cache.get_or_create(WORDS, "hers", lambda: "private")
    reader.read("a")
    reader.warmer.run()
    assert [(each.region, each.key) for each in reader.cache.popularity.most(5)] == [("numbers", "a")]


def test_a_key_that_fails_leaves_the_others_warm(make: Callable[[], Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    """One loader's failure is counted and costs nobody else his value."""
    reader = make()
    for key in "ab":
        reader.read(key)
    reader.cache.invalidate("all numbers")

    def warmed(key: str) -> Answer[int]:
        if key == "a":
            raise Unavailable("The database is away.")
        return reader.read(key)

    reader.warmer.add(NUMBERS, warmed)
    done = reader.warmer.run()
    assert (done.loaded, done.failed) == (1, 1)


def test_what_empties_a_region_asks_for_warming_everywhere(make: Callable[[], Reader]) -> None:
    """An invalidation of a whole region is told to each process that would warm; one of a single key is not."""
    here, there = make(), make()
    asked: list[str] = []
    for name, reader in (("here", here), ("there", there)):
        reader.warmer.when_cold(lambda name=name: asked.append(name))  # type: ignore[misc]  # a default argument
    here.cache.invalidate("number:a")
    assert asked == []
    here.cache.invalidate("all numbers")
    assert eventually(lambda: set(asked) == {"here", "there"})
    asked.clear()
    here.cache.clear_region("numbers")
    assert eventually(lambda: set(asked) == {"here", "there"})


def test_the_record_is_bounded(make: Callable[[], Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys are asked for, so many are held here, so many are kept in Redis, and old periods leave."""
    monkeypatch.setattr(asked_module, "HELD_KEYS", 50)
    monkeypatch.setattr(asked_module, "KEPT_KEYS", 30)
    reader = make()
    for number in range(80):
        reader.cache.popularity.note("numbers", str(number))
    assert len(reader.cache.popularity._held) == 50
    reader.cache.popularity.send()
    assert len(reader.cache.popularity.most(1000)) == 30
    monkeypatch.setattr(asked_module, "time", lambda: time.time() + 5 * asked_module.PERIOD_SECONDS)
    assert reader.cache.popularity.most(1000) == ()


def test_older_periods_weigh_less(make: Callable[[], Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for six hours ago weighs half of what is asked for now."""
    reader = make()
    reader.cache.popularity.note("numbers", "old")
    reader.cache.popularity.send()
    monkeypatch.setattr(asked_module, "time", lambda: time.time() + asked_module.PERIOD_SECONDS)
    reader.cache.popularity.note("numbers", "new")
    reader.cache.popularity.send()
    assert [(each.key, each.weight) for each in reader.cache.popularity.most(5)] == [("new", 1.0), ("old", 0.5)]


def test_without_redis_nothing_is_warmed_and_nothing_fails(single_or_cluster: ValkeyProcess) -> None:
    """A round with no Redis at all ends at once, with nothing done."""
    cache = Cache(None)
    warmer = Warmer(cache)
    warmer.add(NUMBERS, lambda key: cache.get_or_create(NUMBERS, key, Source()))
    cache.get_or_create(NUMBERS, "a", Source())
    done = warmer.run()
    assert (done.loaded, done.left) == (0, 0)
