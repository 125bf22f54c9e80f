"""Calls to Redis end with their caller's time, and nobody is given the answer that somebody else waited for in vain.

Written for redis-py 8.1 (tests/kit/test_driver_versions.py).
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import TimeoutError

from backend.kit import deadline
from backend.kit.redis import client as redis
from backend.kit.redis.client import Client, breaker_of, connect, disconnect, sibling
from tests.kit.redis.valkey_process import ValkeyCluster, ValkeyProcess
from tests.waiting import eventually

LEFT_SECONDS = 0.06
FOR_EVER = 600.0  # what a test would wait if nothing heeded the deadline

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients made from now on have all the time in the world."""
    for name in ("CALL_SECONDS", "CLUSTER_CALL_SECONDS", "CONNECT_SECONDS", "_POOL_WAIT_SECONDS"):
        monkeypatch.setattr(redis, name, FOR_EVER)


@pytest.fixture
def client(valkey: ValkeyProcess, patient: None) -> Iterator[Client]:
    made = valkey.client()
    yield made
    disconnect(made)


def _in_vain(call: Callable[[], object], *, seconds: float = LEFT_SECONDS) -> None:
    """Make a call that nobody answers while there is time."""
    with deadline.within(seconds), pytest.raises(TimeoutError):
        call()


def test_a_server_that_falls_silent_is_left_in_time(valkey: ValkeyProcess, client: Client) -> None:
    """A call over an open connection ends with what its caller has left, not after the ten minutes it might take."""
    client.ping()
    valkey.freeze()
    _in_vain(lambda: client.get("k"))


def test_a_silent_server_is_left_while_connecting(valkey: ValkeyProcess, client: Client) -> None:
    """The first words over a new connection end with the caller's time as well."""
    valkey.freeze()
    _in_vain(lambda: client.get("k"))


def test_a_silent_node_of_a_cluster_is_left_in_time(tmp_path: Path, patient: None) -> None:
    """The same in a Cluster: neither the call nor the question who holds the slots now takes longer."""
    cluster = ValkeyCluster(tmp_path)
    client = connect(cluster.url)
    try:
        client.set("k", "v")
        cluster.freeze()
        with deadline.within(LEFT_SECONDS), pytest.raises(redis.FAILURES):
            client.get("k")
        cluster.thaw()
        assert client.get("k") == b"v"
    finally:
        disconnect(client)
        cluster.stop()


def test_a_late_answer_is_given_to_nobody(valkey: ValkeyProcess, client: Client) -> None:
    """Who asks next, while the first answer is still to come, gets his own value."""
    client.set("hers", "1")
    client.set("his", "2")
    valkey.freeze()
    _in_vain(lambda: client.get("hers"))
    thaw = threading.Timer(0.3, valkey.thaw)
    thaw.start()
    assert client.get("his") == b"2"
    assert client.get("hers") == b"1"
    thaw.join(60)


def test_what_was_not_answered_is_not_sent_again(valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A count of which nobody heard was made once: a second sending would have counted twice."""
    monkeypatch.setattr(redis, "CALL_SECONDS", 0.5)
    client = valkey.client()
    client.set("n", "0")
    valkey.freeze()
    with pytest.raises(TimeoutError):
        client.incr("n")
    valkey.thaw()
    assert eventually(lambda: valkey.client().get("n") == b"1")
    assert client.incr("n") == 2
    disconnect(client)


def test_nobody_waits_too_long_for_a_connection(
    valkey: ValkeyProcess, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every connection in use, the wait for a free one ends with the caller's time."""
    monkeypatch.setattr(redis, "MAX_CONNECTIONS", 1)
    client = valkey.client()
    assert isinstance(client, Redis)
    taken = client.connection_pool.get_connection()
    with deadline.within(LEFT_SECONDS), pytest.raises(redis.FAILURES):
        client.get("k")
    client.connection_pool.release(taken)
    assert client.ping()
    disconnect(client)


def test_callers_in_a_hurry_say_nothing_of_the_server(valkey: ValkeyProcess, client: Client) -> None:
    """However many give up before a server could answer, the others are not refused."""
    client.ping()
    valkey.freeze()
    for _time in range(6):
        _in_vain(lambda: client.get("k"))
    assert breaker_of(client).is_closed


def test_a_listener_waits_on_purpose(valkey: ValkeyProcess, client: Client) -> None:
    """A blocking read of a sibling, made by somebody with little time, takes its own."""
    with deadline.within(FOR_EVER / 60):
        link = sibling(client, "stream", timeout_seconds=FOR_EVER)
    with deadline.within(LEFT_SECONDS):
        assert not link.xread({"stream": "0"}, block=300)
    link.close()
    link.connection_pool.disconnect()


def test_with_time_enough_nothing_is_cut_short(valkey: ValkeyProcess) -> None:
    """After a call in a hurry, the same connection has its usual time again for whoever has no deadline."""
    client = valkey.client()
    with deadline.within(LEFT_SECONDS * 100):
        client.set("k", "v")
    valkey.freeze()
    threading.Timer(LEFT_SECONDS, valkey.thaw).start()
    assert client.get("k") == b"v"
    disconnect(client)
