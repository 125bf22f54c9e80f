"""How nodes of Valkey or Redis become one Cluster: masters that share the slots, and replicas that follow them."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Protocol

import redis

SLOTS = 16_384
LOOK_SECONDS = 0.02


class Node(Protocol):
    """One server that was started with cluster-enabled, on loopback."""

    port: int
    bus_port: int

    def ask(self, *words: str) -> Any:
        """Its own answer to a command, text as str. Raises RedisError."""


def form(masters: Sequence[Node], replicas: Sequence[Node], seconds: float) -> None:
    """Join them; the first replica follows the first master, and so on. Raises RedisError, TimeoutError."""
    nodes = [*masters, *replicas]
    for number, node in enumerate(masters):
        node.ask("CLUSTER", "ADDSLOTSRANGE", *map(str, _slots(number, len(masters))))
        node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    for node in nodes[1:]:
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus_port))
    await_so(lambda: all(_known(node) == len(nodes) for node in nodes), seconds)
    for master, replica in zip(masters, replicas, strict=False):
        replica.ask("CLUSTER", "REPLICATE", str(master.ask("CLUSTER", "MYID")))
    await_so(lambda: is_formed(nodes), seconds)


def is_formed(nodes: Sequence[Node]) -> bool:
    """Whether each of them answers, finds all slots served, and has its master's data where it follows one."""
    try:
        states = [str(node.ask("CLUSTER", "INFO")) for node in nodes]
        links = [str(node.ask("INFO", "replication")) for node in nodes]
    except redis.RedisError:
        return False
    return all("cluster_state:ok" in each for each in states) and not any(
        "master_link_status:down" in each for each in links
    )


def holder(slot: int, masters: int) -> int:
    """Which of so many masters was given this slot when they were joined."""
    return slot * masters // SLOTS


def await_so(is_so: Callable[[], bool], seconds: float) -> None:
    """Return once it is so. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the Redis Cluster is not whole after {seconds} s")
        time.sleep(LOOK_SECONDS)


def answer(client: redis.Redis, *words: str) -> Any:
    """Return the reply to a command for which the client has no method; close the client. Raises RedisError."""
    with closing(client):
        connection = client.connection_pool.get_connection()
        try:
            connection.send_command(*words)  # type: ignore[no-untyped-call]  # redis-py does not annotate it
            return connection.read_response()
        finally:
            client.connection_pool.release(connection)
            client.connection_pool.disconnect()


def _slots(number: int, masters: int) -> tuple[int, int]:
    """The first and the last slot of a master."""
    begins = [(each * SLOTS + masters - 1) // masters for each in (number, number + 1)]
    return begins[0], begins[1] - 1


def _known(node: Node) -> int:
    """Return how many nodes this node knows and believes healthy."""
    lines = str(node.ask("CLUSTER", "NODES")).splitlines()
    return sum("handshake" not in line and "fail" not in line for line in lines)
