"""Connections: bounded, quick to fail, and the same on one server and on a Cluster.

Written for redis-py 8.1 (tests/kit/test_driver_versions.py).
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import BlockingConnectionPool, Redis, RedisCluster
from redis.exceptions import RedisError

from backend.errors import Unavailable
from backend.kit.redis.client import FAILURES, connect, describe, disconnect, ping_by_value, run_id, sibling
from tests.kit.redis.valkey_process import ValkeyCluster, ValkeyProcess
from tests.waiting import eventually


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ValkeyCluster]:
    server = ValkeyCluster(tmp_path)
    yield server
    server.stop()


def test_socket_and_tcp_lead_to_the_same_server(valkey_or_redis: ValkeyProcess) -> None:
    """A unix:// and a redis:// URL of one server give clients that see the same values."""
    connect(valkey_or_redis.url).set("k", "v")
    assert connect(f"redis://127.0.0.1:{valkey_or_redis.port}/0").get("k") == b"v"


def test_more_threads_than_connections_wait_for_their_turn(valkey_or_redis: ValkeyProcess) -> None:
    """150 threads at once over at most 50 connections meet no error."""
    client = valkey_or_redis.client()
    assert isinstance(client, Redis)
    assert isinstance(client.connection_pool, BlockingConnectionPool)
    with ThreadPoolExecutor(150) as threads:
        assert sum(threads.map(lambda _: client.incrby("n", 1) > 0, range(1500))) == 1500
    assert int(client.info("clients")["connected_clients"]) <= 51


def test_an_absent_server_is_told_at_once(valkey_or_redis: ValkeyProcess) -> None:
    """A call to a server that refuses connections fails well before redis-py's own 3 s of retries."""
    client = valkey_or_redis.client()
    valkey_or_redis.kill()
    began = time.monotonic()
    with pytest.raises(RedisError):
        client.get("k")
    assert time.monotonic() - began < 3.0


def test_a_frozen_server_costs_one_timeout(valkey_or_redis: ValkeyProcess) -> None:
    """A call to a server that accepts and never answers ends, and is not sent again: it may have been done."""
    client = valkey_or_redis.client()
    client.ping()
    valkey_or_redis.freeze()
    began = time.monotonic()
    with pytest.raises(RedisError):
        client.get("k")
    assert time.monotonic() - began < 5.0


def test_ping_writes_and_reads_a_value(valkey_or_redis: ValkeyProcess) -> None:
    """A ping tells the seconds of a round trip by value, and leaves nothing behind."""
    client = valkey_or_redis.client()
    assert 0 < ping_by_value(client) < 1
    assert client.dbsize() == 0


def test_ping_fails_when_nothing_can_be_written(valkey_or_redis: ValkeyProcess) -> None:
    """A server that answers PING but takes no writes is not reported as well."""
    client = valkey_or_redis.client()
    client.config_set("maxmemory", "1")
    assert client.ping()
    with pytest.raises(Unavailable):
        ping_by_value(client)


def test_ping_and_description_of_an_absent_server_are_unavailable(valkey_or_redis: ValkeyProcess) -> None:
    """What cannot be asked raises Unavailable, not an error of the driver."""
    client = valkey_or_redis.client()
    valkey_or_redis.kill()
    with pytest.raises(Unavailable):
        ping_by_value(client)
    with pytest.raises(Unavailable):
        describe(client)


def test_description_names_the_server(valkey_or_redis: ValkeyProcess) -> None:
    """The health page learns name, version, memory and clients."""
    found = describe(valkey_or_redis.client())
    assert found.name in ("Valkey", "Redis")
    assert found.version[0].isdigit()
    assert found.used_memory_bytes > 0
    assert found.uptime_seconds >= 0
    assert (found.clients, found.nodes) == (1, 1)


def test_a_sibling_may_wait_longer_than_the_client(valkey_or_redis: ValkeyProcess) -> None:
    """A blocking read of 0.9 s ends in peace on a sibling, though the client's calls may end sooner."""
    link = sibling(valkey_or_redis.client(), "stream", timeout_seconds=2.0)
    assert not link.xread({"stream": "0"}, block=900)
    link.close()
    link.connection_pool.disconnect()


def test_a_sibling_tells_of_a_cut_link(valkey_or_redis: ValkeyProcess) -> None:
    """A link that was cut between two calls of a sibling is not mended in silence."""
    client = valkey_or_redis.client()
    link = sibling(client, "stream", timeout_seconds=2.0)
    link.ping()
    client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(RedisError):
        link.ping()
    link.close()
    link.connection_pool.disconnect()


def test_a_restart_changes_the_run_id(valkey_or_redis: ValkeyProcess) -> None:
    """A server that was restarted is known as another one."""
    client = valkey_or_redis.client()
    before = run_id(client, "k")
    assert before
    assert run_id(client, "k") == before
    valkey_or_redis.kill()
    valkey_or_redis.start()
    assert run_id(client, "k") != before


def test_a_cluster_is_reached_by_any_of_its_hosts(cluster: ValkeyCluster) -> None:
    """A redis+cluster:// URL may name several hosts, of which one answers."""
    client = connect(f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster.port}")
    assert isinstance(client, RedisCluster)
    assert ping_by_value(client) > 0
    assert describe(client).nodes == 1
    assert run_id(client, "k")
    client.close()


def test_a_cluster_that_died_is_told_at_once(cluster: ValkeyCluster) -> None:
    """A call to a dead Cluster fails within two seconds, with one of the failures that callers expect."""
    client = connect(f"redis+cluster://127.0.0.1:{cluster.port}")
    client.set("k", "v")
    cluster.kill()
    began = time.monotonic()
    with pytest.raises(FAILURES):
        client.get("k")
    assert time.monotonic() - began < 5.0
    client.close()


def test_a_cluster_may_be_reached_later(tmp_path: Path) -> None:
    """An app starts while no node of its Cluster answers; calls fail as always, until one does."""
    cluster = ValkeyCluster(tmp_path)
    cluster.kill()
    client = connect(cluster.url)
    try:
        assert isinstance(client, RedisCluster)
        for call in (lambda: client.get("k"), lambda: run_id(client, "k"), lambda: describe(client)):
            with pytest.raises((*FAILURES, Unavailable)):
                call()
        cluster.start()

        def answers() -> bool:
            try:
                return client.set("k", "v") is True and bool(run_id(client, "k"))
            except FAILURES:
                return False

        assert eventually(answers)
    finally:
        disconnect(client)
        cluster.stop()


def test_a_cluster_that_was_never_reached_can_be_let_go() -> None:
    """Who stops before it answered is not held up."""
    disconnect(connect("redis+cluster://127.0.0.1:1"))


def test_a_foreign_url_is_refused() -> None:
    """Another scheme than the five is a mistake of the settings."""
    with pytest.raises(ValueError, match="scheme"):
        connect("memcached://localhost")
