"""Connections to Valkey or Redis, single or Cluster: how they are made, proven alive and described.

Redis is soft everywhere: a call fails within half a second, or sooner where its caller has less time left, and the
caller decides what to do without it."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec
from redis import BlockingConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import (
    ClusterError,
    ConnectionError,
    MaxConnectionsError,
    RedisClusterException,
    RedisError,
    TimeoutError,
)
from redis.retry import Retry

from backend.errors import Unavailable
from backend.kit import deadline, read_log
from backend.kit.breaker import Breaker
from backend.kit.i18n import _
from backend.kit.redis.connections import HeedingPool, heed_deadline, without_timeout

Client = Redis | RedisCluster
BREAKER = "redis"

FAILURES = (RedisError, RedisClusterException, OSError)
"""Errors of a command when the server fails or refuses (cluster errors are not a RedisError)."""

MAX_CONNECTIONS = 50
CALL_SECONDS = 0.5
CLUSTER_CALL_SECONDS = 0.25  # asked twice: a node that is silent may have been replaced
CONNECT_SECONDS = 0.25
_POOL_WAIT_SECONDS = 1.0
_RESET_SECONDS = 0.5  # a probe costs its caller one call's time
_FAILURES_IN_A_ROW = 3
_AWAY = (ConnectionError, TimeoutError, ClusterError, RedisClusterException, OSError)
_SILENT = (TimeoutError, RedisClusterException)  # the second where a Cluster's slots were asked for in vain
_POOL_EMPTY = "No connection available."  # all our own connections are in use; the driver has no class for it
_DEFAULT_PORT = 6379


class RedisRefused(ConnectionError):
    """Redis was not asked: it has just failed again and again."""


class _Guarded(Redis):
    """A client whose commands pass a breaker and heed the deadline."""

    def __init__(self, pool: HeedingPool, breaker: Breaker) -> None:
        self.breaker = breaker
        super().__init__(connection_pool=pool)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        read_log.note_server()
        heed_deadline()
        return self.breaker.call(super().execute_command, *args, **options)


class _GuardedCluster(RedisCluster):
    """The same for a Cluster, of which one breaker guards all: successes of other nodes keep it closed.

    The driver wants to learn the slots at once. Where no node answers yet, that is done with the first call that finds
    one, so that an app starts without its Redis.
    """

    def __init__(self, breaker: Breaker, **settings: Any) -> None:
        self.breaker = breaker
        self._settings = settings
        self._joining = threading.RLock()
        self._is_joining = self._has_joined = False
        with suppress(*FAILURES):
            self._join()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        read_log.note_server()
        heed_deadline()
        if not (self._has_joined or self._is_joining):
            self.breaker.call(self._join)
        return self.breaker.call(super().execute_command, *args, **options)

    def _join(self) -> None:
        with self._joining:
            if self._has_joined:
                return
            self._is_joining = True
            try:
                super().__init__(**self._settings)
                self._has_joined = True
            finally:
                self._is_joining = False

    def __getattr__(self, name: str) -> Any:
        """Join the cluster when `nodes_manager` is first read before the driver has connected."""
        if name != "nodes_manager" or self._is_joining:
            raise AttributeError(name)
        self._join()
        return self.__dict__[name]


class ServerDescription(msgspec.Struct, frozen=True):
    """The server's figures for a health page; those of a Cluster are summed over its masters."""

    name: str
    version: str
    uptime_seconds: int
    used_memory_bytes: int
    clients: int
    nodes: int


def connect(url: str) -> Client:
    """A client for redis://, rediss://, unix://, redis+cluster:// or rediss+cluster:// (hosts by commas).

    A single server is contacted at the first command; a Cluster at once, to learn its slots, or later where no node
    answers. Raises ValueError for another kind of URL.
    """
    parts = urlsplit(url)
    if parts.scheme in ("redis+cluster", "rediss+cluster"):
        return _connect_cluster(parts)
    pool = HeedingPool.from_url(url, timeout=_POOL_WAIT_SECONDS, **_connection_settings(CALL_SECONDS))
    return _Guarded(pool, _new_breaker())


def breaker_of(client: Client) -> Breaker:
    """The breaker of a client that `connect` made."""
    assert isinstance(client, _Guarded | _GuardedCluster)  # noqa: S101  (nobody else makes clients)
    return client.breaker


def _new_breaker() -> Breaker:
    return Breaker(
        BREAKER,
        weigh=_weight,
        refusal=lambda reason: RedisRefused(f"not asked, because it failed a moment ago: {reason}"),
        limit=_FAILURES_IN_A_ROW,
        reset_seconds=_RESET_SECONDS,
    )


def is_too_late(error: Exception) -> bool:
    """Whether a call ended because its caller's time was over: of the server that tells nothing."""
    left = deadline.remaining()
    return left is not None and left <= 0 and isinstance(error, _SILENT)


def _weight(error: BaseException) -> int | None:
    """Only a server that cannot be reached counts; one that refuses a command answers."""
    if not isinstance(error, Exception) or isinstance(error, MaxConnectionsError) or str(error) == _POOL_EMPTY:
        return None
    return None if is_too_late(error) else int(isinstance(error, _AWAY))


def disconnect(client: Client) -> None:
    """Close every connection of the client; the owner's last act with it."""
    if isinstance(client, RedisCluster):
        with suppress(*FAILURES):  # one that was never reached has nothing to close
            client.close()
    else:
        client.connection_pool.disconnect()


def sibling(client: Client, key: str, *, timeout_seconds: float) -> Redis:
    """A client of its own, of one connection, to the server that holds `key`: for calls that wait longer.

    A cut link raises once, always: between calls too it is never mended in silence. Meant for one thread.
    Connects at once, so raises what a command raises. Close it and disconnect its pool after use.
    """
    with _moved_when_lost(client):
        return _sibling(_node(client, key).connection_pool, timeout_seconds)


def _sibling(pool: Any, timeout_seconds: float) -> Redis:
    settings: dict[str, Any] = {
        **pool.connection_kwargs,
        "socket_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),  # a cut link must be heard of, not mended in silence
        "protocol": 2,
    }
    own = BlockingConnectionPool(  # type: ignore[no-untyped-call]  # redis-py annotates it in part
        connection_class=without_timeout(pool), max_connections=1, timeout=timeout_seconds, **settings
    )
    return Redis(connection_pool=own, single_connection_client=True)


def run_id(client: Client, key: str) -> str:
    """Identity of the server process that holds `key`; another one after every restart and failover."""
    with _moved_when_lost(client):
        info: dict[str, Any] = _node(client, key).info("server")
    return str(info.get("run_id", ""))


def ping_by_value(client: Client) -> float:
    """Seconds that it took to write a value and read the same value back. Raises Unavailable otherwise."""
    key, value = f"ping:{secrets.token_hex(8)}", secrets.token_bytes(16)
    started = perf_counter()
    try:
        client.set(key, value, px=5000)
        returned = client.get(key)
        elapsed = perf_counter() - started
        client.delete(key)
    except FAILURES as error:
        raise Unavailable(_("Redis does not answer."), code="redis_unavailable") from error
    if returned not in (value, value.decode("latin-1")):
        raise Unavailable(_("Redis did not return what was written to it."), code="redis_unavailable")
    return elapsed


def describe(client: Client) -> ServerDescription:
    """Name, version, uptime (of the youngest node), memory and clients of the server. Raises Unavailable."""
    try:
        with _moved_when_lost(client):
            infos = [node.info() for node in _masters(client)]
    except FAILURES as error:
        raise Unavailable(_("Redis does not answer."), code="redis_unavailable") from error
    first = infos[0]
    name = "Valkey" if "valkey_version" in first else "Redis"
    return ServerDescription(
        name=name,
        version=str(first.get("valkey_version") or first.get("redis_version", "")),
        uptime_seconds=min(int(info.get("uptime_in_seconds", 0)) for info in infos),
        used_memory_bytes=sum(int(info.get("used_memory", 0)) for info in infos),
        clients=sum(int(info.get("connected_clients", 0)) for info in infos),
        nodes=len(infos),
    )


def _connection_settings(call_seconds: float) -> dict[str, Any]:
    return {
        "max_connections": MAX_CONNECTIONS,
        # redis-py's own default blocks a caller for seconds. A broken link is mended once; what nobody answered in time
        # may have been done, so it is not sent again.
        "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        "socket_timeout": call_seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "protocol": 2,  # answers of one shape, whatever the server and the version of redis-py
    }


def _connect_cluster(parts: SplitResult) -> RedisCluster:
    credentials, at, hosts = parts.netloc.rpartition("@")
    first, *others = hosts.split(",")
    scheme = parts.scheme.removesuffix("+cluster")
    return _GuardedCluster(  # with a URL, for only then does redis-py use the class of pool that is asked for
        _new_breaker(),
        url=urlunsplit((scheme, credentials + at + first, parts.path, parts.query, "")),
        startup_nodes=[_cluster_node(host) for host in others],
        connection_pool_class=HeedingPool,
        timeout=_POOL_WAIT_SECONDS,
        **_connection_settings(CLUSTER_CALL_SECONDS),
    )


def _cluster_node(address: str) -> ClusterNode:
    parts = urlsplit(f"//{address}")
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORT
    return ClusterNode(host, port)  # type: ignore[no-untyped-call]  # redis-py does not annotate it


def _node(client: Client, key: str) -> Redis:
    if isinstance(client, RedisCluster):
        node = client.get_node_from_key(key)  # type: ignore[no-untyped-call]  # redis-py does not annotate it
        return client.get_redis_connection(node)
    return client


@contextmanager
def _moved_when_lost(client: Client) -> Iterator[None]:
    """Reload the slot table when a node that was addressed directly fails, so that the next call finds its successor.

    The driver does this by itself only for commands that it routes by key.
    """
    try:
        yield
    except FAILURES:
        if isinstance(client, RedisCluster):
            with suppress(*FAILURES):
                client.nodes_manager.initialize()
        raise


def _masters(client: Client) -> list[Redis]:
    if isinstance(client, RedisCluster):
        primaries = client.get_primaries()  # type: ignore[no-untyped-call]  # redis-py does not annotate it
        return [client.get_redis_connection(node) for node in primaries]
    return [client]
