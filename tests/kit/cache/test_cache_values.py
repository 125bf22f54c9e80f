"""What the cache writes and believes: values and times that hold for all inputs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.kit.cache import Cache, Region
from backend.kit.cache.entry import CacheEntry, decode, encode, new_entry
from backend.kit.cache.local_layer import LocalLayer
from backend.kit.model import Shape
from backend.kit.redis.client import Client
from tests.kit.cache.cache_readers import NUMBERS, Source
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually


class Part(Shape, frozen=True):
    solved_on: datetime
    tags: tuple[str, ...] = ()


class Whole(Shape, frozen=True):
    name: str
    parts: tuple[Part, ...]
    best: Part | None = None
    share: float = 0.0


EARLIEST = datetime.fromisoformat("1971-01-01")
LATEST = datetime.fromisoformat("2200-01-01")
WHOLES = Region("wholes", tuple[Whole, ...], 60)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    server = ValkeyProcess(tmp_path_factory.mktemp("valkey"))
    yield server.client()
    server.stop()


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=60))
def test_foreign_bytes_are_a_miss(client: Client, noise: bytes) -> None:
    """Whatever bytes somebody put under a key, the loader's value is served and the error counted."""
    cache = Cache(client)
    client.set("cp:{numbers:noise}", noise)
    assert cache.get_or_create(NUMBERS, "noise", Source(9)).value == 9
    assert cache.statistics()[0].errors == 1
    assert cache.get_or_create(NUMBERS, "noise", Source(1)).value == 9


def test_an_entry_of_another_shape_is_a_miss(client: Client) -> None:
    """After a deployment that changed a shape, old entries are loaded anew."""
    cache = Cache(client)
    cache.get_or_create(Region("shapes", str, 60), "k", lambda: "word")
    assert cache.get_or_create(Region("shapes", int, 60), "k", Source(3)).value == 3
    assert cache.get_or_create(Region("shapes", int, 60), "k", Source(4)).value == 3


def test_shapes_come_back_from_redis_and_from_the_process_alike(client: Client) -> None:
    """The same value and types, whichever layer answers."""
    value = (Whole(name="x", parts=(Part(solved_on=datetime(2026, 1, 2, tzinfo=UTC), tags=("a",)),)),)
    here, there = Cache(client), Cache(client)
    here.start()
    assert eventually(lambda: here.healthy)
    read = [cache.get_or_create(WHOLES, "k", lambda: value) for cache in (here, here, there)]
    here.close()
    assert [answer.source for answer in read] == ["database", "app", "redis"]
    assert [answer.value for answer in read] == [value] * 3
    assert {type(answer.value) for answer in read} == {tuple}


zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(timezones=zones, min_value=EARLIEST, max_value=LATEST)
parts = st.builds(Part, solved_on=moments, tags=st.lists(st.text()).map(tuple))
wholes = st.builds(
    Whole,
    name=st.text(),
    parts=st.lists(parts, max_size=3).map(tuple),
    best=st.none() | parts,
    share=st.floats(allow_nan=False),
)


@given(values=st.lists(wholes, max_size=3).map(tuple), versions=st.lists(st.binary()).map(tuple))
def test_values_come_back_equal(values: tuple[Whole, ...], versions: tuple[bytes, ...]) -> None:
    """Nested shapes, tuples and aware moments survive Redis, and only under the same versions."""
    entry = new_entry(WHOLES, values, began=1.0, now=2.0)
    written = encode(entry, versions)
    assert decode(WHOLES, written, versions) == entry
    assert decode(WHOLES, written, (*versions, b"more")) is None


@given(compute=st.floats(0, 5), remaining=st.floats(-5, 500))
def test_early_renewal_starts_near_the_end(compute: float, remaining: float) -> None:
    """An entry past its time is always due; one that is a hundred loads away from it never is."""
    entry = CacheEntry(1, created=0.0, expires=1000.0, compute_seconds=compute)
    if remaining <= 0:
        assert entry.is_due_early(1000.0 - remaining)
    if remaining > 100 * compute + 1e-6:
        assert not entry.is_due_early(1000.0 - remaining)


@given(ttl=st.floats(0.1, 1e6), began=st.floats(0, 1e9), took=st.floats(0, 10))
def test_time_to_live_is_jittered_downwards(ttl: float, began: float, took: float) -> None:
    """An entry lives between nine tenths of its region's time and all of it."""
    entry = new_entry(Region("r", int, ttl), 1, began=began, now=began + took)
    assert 0.9 * ttl - 1e-3 <= entry.expires - (began + took) <= ttl + 1e-3


tags = st.sampled_from(["a", "b", "c"])
steps = st.lists(st.tuples(st.sampled_from(["invalidate", "begin", "put"]), tags, tags), max_size=40)


@given(steps=steps)
def test_the_local_layer_never_serves_what_was_read_before_an_invalidation(
    steps: list[tuple[str, str, str]],
) -> None:
    """For any order of reads, puts and invalidations, a value is served only if no tag changed since its read."""
    layer, clock = LocalLayer(100), 0
    begun: dict[tuple[str, str], tuple[int, int]] = {}
    changed: dict[str, int] = {}
    for clock, (act, tag, other) in enumerate(steps):
        if act == "invalidate":
            layer.invalidate([tag])
            changed[tag] = clock
        elif act == "begin":
            begun[tag, other] = (layer.generation, clock)
        elif (tag, other) in begun:
            generation, at = begun[tag, other]
            entry = CacheEntry(at, 0, 1e12, 0)
            layer.put(f"{tag}{other}", entry, "r", ("*", tag, other), generation=generation, until=1e12)
        for (one, two), _ in begun.items():
            held = layer.get(f"{one}{two}", 0)
            assert held is None or held.entry.value >= max(changed.get(one, -1), changed.get(two, -1))


@pytest.mark.parametrize("name", ["", "two words", "{slot}", "9"])
def test_region_names_are_plain(name: str) -> None:
    """A name that could break a key is refused where the region is declared."""
    with pytest.raises(ValueError, match="region"):
        Region(name, int, 60)
