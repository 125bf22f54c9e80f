"""A Redis Cluster of plain Valkey processes on this machine: masters that share the slots, and a replica of each.

For trials and tests: no password, so whoever may open a socket on this machine may read it.
"""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import redis

from backend.kit.embedded import valkey
from deploy.cluster.leash import Leash
from deploy.cluster.mongo_set import free_ports
from deploy.cluster.program import Program

SLOTS = 16_384
NODE_TIMEOUT_MILLISECONDS = 1_000
MEMORY = "64mb"
FORM_SECONDS = 60.0


class Node(Program):
    """One Valkey on a port of 127.0.0.1."""

    def __init__(self, number: int, folder: Path, port: int, bus_port: int, leash: Leash) -> None:
        folder.mkdir(parents=True)
        self.port = port
        self.bus_port = bus_port
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(folder),
            "save": "",
            "loglevel": "warning",
            "maxmemory": MEMORY,
            "maxmemory-policy": "allkeys-lru",
            "cluster-enabled": "yes",
            "cluster-port": str(bus_port),
            "cluster-node-timeout": str(NODE_TIMEOUT_MILLISECONDS),
            "repl-diskless-sync-delay": "0",
        }
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        super().__init__(f"valkey-{number}", [str(valkey.find()), *words], folder / "valkey.log", leash)

    def ask(self, *words: str) -> Any:
        """The node's own answer to a command, text as str. Raises RedisError."""
        client = redis.Redis(port=self.port, socket_timeout=2.0, socket_connect_timeout=2.0, decode_responses=True)
        with closing(client):
            connection = client.connection_pool.get_connection()
            try:
                connection.send_command(*words)  # type: ignore[no-untyped-call]  # redis-py does not annotate it
                return connection.read_response()
            finally:
                client.connection_pool.release(connection)
                client.connection_pool.disconnect()

    def answers(self) -> bool:
        """Whether it serves at this moment."""
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False

    def is_master(self) -> bool:
        """Whether it leads its slots, as far as it knows; False where it does not answer."""
        with suppress(redis.RedisError):
            return str(self.ask("ROLE")[0]) == "master"
        return False


class ValkeySet:
    """A Cluster of `masters` nodes with a replica each. Ends with the process that made it in any case."""

    def __init__(self, folder: Path, *, masters: int = 3) -> None:
        self._leash = Leash()
        self._masters = masters
        count = 2 * masters
        ports = free_ports(2 * count)
        self.nodes = [
            Node(number, folder / str(number), ports[number], ports[count + number], self._leash)
            for number in range(count)
        ]
        try:
            self._form()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """For the app."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def masters(self) -> list[Node]:
        """Those that lead now."""
        return [node for node in self.nodes if node.is_running and node.is_master()]

    def mend(self, seconds: float = FORM_SECONDS) -> None:
        """Thaw and start whoever needs it, and wait until all slots are served. Raises TimeoutError."""
        for node in self.nodes:
            node.thaw()
            node.start()
        _await(self._is_formed, seconds)

    def stop(self) -> None:
        """Kill every node: nothing lives here alone. May be called again."""
        self._leash.end()
        for node in self.nodes:
            node.kill()

    def _form(self) -> None:
        for node in self.nodes:
            node.start()
        _await(lambda: all(node.answers() for node in self.nodes), FORM_SECONDS)
        bounds = [(number * SLOTS + self._masters - 1) // self._masters for number in range(self._masters + 1)]
        for number, node in enumerate(self.nodes[: self._masters]):
            node.ask("CLUSTER", "ADDSLOTSRANGE", str(bounds[number]), str(bounds[number + 1] - 1))
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus_port))
        _await(lambda: all(_known(node) == len(self.nodes) for node in self.nodes), FORM_SECONDS)
        for master, replica in zip(self.nodes[: self._masters], self.nodes[self._masters :], strict=True):
            replica.ask("CLUSTER", "REPLICATE", str(master.ask("CLUSTER", "MYID")))
        _await(self._is_formed, FORM_SECONDS)

    def _is_formed(self) -> bool:
        try:
            states = [str(node.ask("CLUSTER", "INFO")) for node in self.nodes]
            links = [str(node.ask("INFO", "replication")) for node in self.nodes]
        except redis.RedisError:
            return False
        return all("cluster_state:ok" in state for state in states) and not any(
            "master_link_status:down" in link for link in links
        )


def _known(node: Node) -> int:
    """How many nodes this one knows and believes to be well."""
    lines = str(node.ask("CLUSTER", "NODES")).splitlines()
    return sum("handshake" not in line and "fail" not in line for line in lines)


def _await(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the Redis Cluster is not whole after {seconds} s")
        time.sleep(0.05)
