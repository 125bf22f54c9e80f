"""A Redis Cluster of several nodes, each of which a test may kill. Slower to form than one server: share it."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import redis

from backend.kit.redis import Client, connect
from tests.kit.valkey_process import Kind, ValkeyProcess, eventually, free_port

SLOTS = 16_384
NODE_TIMEOUT_MILLISECONDS = 1_000
_FORM_SECONDS = 30.0


class ValkeyNodes:
    """`masters` nodes that share the slots, and a replica of each if asked for."""

    def __init__(self, folder: Path, *, masters: int = 3, replicated: bool = False, kind: Kind = "valkey") -> None:
        self._masters = masters
        self.nodes: list[ValkeyProcess] = []
        try:
            for number in range(masters * (2 if replicated else 1)):
                self.nodes.append(_node(folder / str(number), kind))
            self._join()
            for master, replica in zip(self.nodes[:masters], self.nodes[masters:], strict=False):
                self._follow(replica, master)
            assert eventually(self._is_formed, seconds=_FORM_SECONDS), "the cluster did not form"
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
            _ask(node, "FLUSHALL")

    def holder(self, key: str) -> ValkeyProcess:
        """The master that held this key's slot when the cluster was formed."""
        slot = int(_ask(self.nodes[0], "CLUSTER", "KEYSLOT", key))
        return self.nodes[slot * self._masters // SLOTS]

    def _join(self) -> None:
        bounds = [(number * SLOTS + self._masters - 1) // self._masters for number in range(self._masters + 1)]
        for number, node in enumerate(self.nodes[: self._masters]):
            _ask(node, "CLUSTER", "ADDSLOTSRANGE", str(bounds[number]), str(bounds[number + 1] - 1))
            _ask(node, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            _ask(self.nodes[0], "CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus_port))
        everybody = len(self.nodes)
        assert eventually(lambda: all(len(_known(node)) == everybody for node in self.nodes), seconds=_FORM_SECONDS)

    def _follow(self, replica: ValkeyProcess, master: ValkeyProcess) -> None:
        _ask(replica, "CLUSTER", "REPLICATE", _text(_ask(master, "CLUSTER", "MYID")))

    def _is_formed(self) -> bool:
        states = all("cluster_state:ok" in _text(_ask(node, "CLUSTER", "INFO")) for node in self.nodes)
        return states and all("master_link_status:down" not in _text(_ask(node, "INFO")) for node in self.nodes)


def _node(folder: Path, kind: Kind) -> ValkeyProcess:
    folder.mkdir()
    bus_port = free_port()
    options = ("--cluster-enabled", "yes", "--cluster-port", str(bus_port))
    patience = ("--cluster-node-timeout", str(NODE_TIMEOUT_MILLISECONDS), "--repl-diskless-sync-delay", "0")
    node = ValkeyProcess(folder, *options, *patience, kind=kind)
    node.bus_port = bus_port
    return node


def _known(node: ValkeyProcess) -> Sequence[str]:
    lines = _text(_ask(node, "CLUSTER", "NODES")).splitlines()
    return [line for line in lines if "handshake" not in line and "fail" not in line]


def _ask(node: ValkeyProcess, *words: str) -> Any:
    with closing(redis.Redis(unix_socket_path=str(node.socket))) as client:
        connection = client.connection_pool.get_connection()
        try:
            connection.send_command(*words)  # type: ignore[no-untyped-call]  # redis-py does not annotate it
            return connection.read_response()
        finally:
            client.connection_pool.release(connection)
            client.connection_pool.disconnect()


def _text(answer: Any) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)
