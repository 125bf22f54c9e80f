"""A Redis Cluster of several nodes, each of which a test may kill. Slower to form than one server: share it."""

from pathlib import Path
from typing import Any

import redis

from backend.kit.redis.client import Client, connect
from system_tests.cluster.ports import free_port
from system_tests.cluster.redis_cluster import answer, form, holder
from tests.kit.redis.valkey_process import Kind, ValkeyProcess

NODE_TIMEOUT_MILLISECONDS = 1_000
FORM_SECONDS = 60.0


class Node(ValkeyProcess):
    """One of them."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        folder.mkdir()
        self.bus_port = free_port()
        options = ("--cluster-enabled", "yes", "--cluster-port", str(self.bus_port))
        patience = ("--cluster-node-timeout", str(NODE_TIMEOUT_MILLISECONDS), "--repl-diskless-sync-delay", "0")
        super().__init__(folder, *options, *patience, kind=kind)

    def ask(self, *words: str) -> Any:
        return answer(redis.Redis(unix_socket_path=str(self.socket), decode_responses=True), *words)


class ValkeyNodes:
    """`masters` nodes that share the slots, and a replica of each if asked for."""

    def __init__(self, folder: Path, *, masters: int = 3, replicated: bool = False, kind: Kind = "valkey") -> None:
        self._masters = masters
        self.nodes: list[Node] = []
        try:
            for number in range(masters * (2 if replicated else 1)):
                self.nodes.append(Node(folder / str(number), kind))
            form(self.nodes[:masters], self.nodes[masters:], FORM_SECONDS)
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def client(self) -> Client:
        return connect(self.url)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def flush(self) -> None:
        """Empty every master."""
        for node in self.nodes[: self._masters]:
            node.ask("FLUSHALL")

    def holder(self, key: str) -> Node:
        """The master that held this key's slot when the cluster was formed."""
        slot = int(self.nodes[0].ask("CLUSTER", "KEYSLOT", key))
        return self.nodes[holder(slot, self._masters)]
