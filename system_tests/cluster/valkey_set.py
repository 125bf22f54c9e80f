"""A Redis Cluster of plain Valkey processes on this machine: masters that share the slots, and a replica of each.

For trials and tests: no password, so anyone who can open a socket on this machine can read it.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from backend.kit.embedded import valkey
from system_tests.cluster.ports import free_ports
from system_tests.cluster.process import Program
from system_tests.cluster.process_reaper import Leash
from system_tests.cluster.redis_cluster import answer, await_so, form, is_formed

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
        super().__init__(f"valkey-{number}", [str(valkey.find().path), *words], folder / "valkey.log", leash)

    def ask(self, *words: str) -> Any:
        """The node's own answer to a command, text as str. Raises RedisError."""
        client = redis.Redis(port=self.port, socket_timeout=2.0, socket_connect_timeout=2.0, decode_responses=True)
        return answer(client, *words)

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
        """The address of the cluster for the app."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def masters(self) -> list[Node]:
        """Those that lead now."""
        return [node for node in self.nodes if node.is_running and node.is_master()]

    def mend(self, seconds: float = FORM_SECONDS) -> None:
        """Thaw and start every node, and wait until all slots are served. Raises TimeoutError."""
        for node in self.nodes:
            node.thaw()
            node.start()
        await_so(lambda: is_formed(self.nodes), seconds)

    def stop(self) -> None:
        """Kill every node: nothing lives here alone. May be called again."""
        self._leash.end()
        for node in self.nodes:
            node.kill()

    def _form(self) -> None:
        for node in self.nodes:
            node.start()
        await_so(self._all_answer, FORM_SECONDS)
        form(self.nodes[: self._masters], self.nodes[self._masters :], FORM_SECONDS)

    def _all_answer(self) -> bool:
        for node in self.nodes:
            node.check_running()
        return all(node.answers() for node in self.nodes)
