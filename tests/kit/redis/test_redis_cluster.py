"""A Redis Cluster of six nodes that loses one: reads go on, nothing old is shown, and it comes back by itself.

Written for redis-py 8.1 (tests/kit/test_driver_versions.py).
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.kit.cache import Cache
from backend.kit.events.hub import MISSED, EventHub
from backend.kit.observability.metrics import Registry
from backend.kit.redis.client import FAILURES, describe, ping_by_value
from tests.kit.cache.cache_readers import NUMBERS, Source
from tests.kit.redis.valkey_nodes import ValkeyNodes
from tests.kit.redis.valkey_process import KINDS
from tests.waiting import eventually

KEYS = [str(number) for number in range(30)]  # spread over the slots of all masters


@pytest.fixture(params=KINDS)
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ValkeyNodes]:
    cluster = ValkeyNodes(tmp_path, replicated=True, kind=request.param)
    yield cluster
    cluster.stop()


def read_all(cache: Cache, source: Source) -> set[int]:
    return {cache.get_or_create(NUMBERS, key, source, tags=("t", f"number:{key}")).value for key in KEYS}


def test_a_lost_node_costs_time_and_nothing_else(nodes: ValkeyNodes) -> None:
    """The master that holds tags and streams is killed: every read is answered with the truth, before, while and after
    its replica takes over; then both processes listen again, share values again, and hear each other's events."""
    source = Source(1)
    with closing(Cache(nodes.client())) as here, closing(Cache(nodes.client())) as there:
        for cache in (here, there):
            cache.start()
        assert eventually(lambda: here.healthy and there.healthy)
        assert read_all(here, source) == read_all(there, source) == {1}

        nodes.holder("{cp}:invalidations").kill()
        source.value = 2
        here.invalidate("t")
        assert read_all(here, source) == {2}
        assert eventually(lambda: read_all(there, source) == {2})

        assert eventually(lambda: here.healthy and there.healthy)
        assert read_all(here, source) == read_all(there, source) == {2}
        source.value = 3
        there.invalidate("t")
        assert read_all(there, source) == {3}
        assert eventually(lambda: read_all(here, source) == {3})
        newcomer = Cache(nodes.client())
        assert eventually(lambda: read_all(newcomer, Source(4)) == {3})


def test_events_are_heard_again_after_a_lost_node(nodes: ValkeyNodes) -> None:
    """Who listened is told that something may have been missed, and hears the other process once the replica leads."""
    with (
        closing(EventHub(nodes.client(), Registry())) as here,
        closing(EventHub(nodes.client(), Registry())) as there,
    ):
        for hub in (here, there):
            hub.start()
        assert eventually(lambda: here.healthy and there.healthy)
        subscription = there.subscribe(["a"], lambda: None)
        nodes.holder("{cp}:events").kill()
        assert eventually(lambda: not there.healthy)
        assert eventually(lambda: here.healthy and there.healthy)
        assert MISSED in {event.name for event in subscription.take()}

        def is_heard() -> bool:
            here.publish("changed", {"a": {}})
            return any(event.name == "changed" for event in subscription.take())

        assert eventually(is_heard)


def test_a_cluster_is_described_as_a_whole(nodes: ValkeyNodes) -> None:
    """The health page counts its masters, and a value written comes back from any of them."""
    with closing(nodes.client()) as client:
        assert describe(client).nodes == 3
        assert all(ping_by_value(client) > 0 for _time in range(10))
        with pytest.raises(FAILURES):
            client.eval("return redis.call('GET', KEYS[1])", 2, "a", "b")  # what a careless caller would do
