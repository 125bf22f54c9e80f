"""Connections of a Redis client: how many are open and how many in use. Asks no server."""

from typing import Any

from redis import RedisCluster

from backend.kit.redis.client import Client


def connections(client: Client) -> tuple[int, int]:
    """How many connections are open (to all nodes together), and how many of them are in use."""
    pools = [pool for pool in map(_pool, _clients(client)) if pool is not None]
    counted = [_counted(pool) for pool in pools]
    return sum(every for every, _busy in counted), sum(busy for _every, busy in counted)


def _clients(client: Client) -> list[Any]:
    if isinstance(client, RedisCluster):
        return [node.redis_connection for node in client.nodes_manager.nodes_cache.values()]
    return [client]


def _pool(client: Any) -> Any:
    return getattr(client, "connection_pool", None)


def _counted(pool: Any) -> tuple[int, int]:
    # Private names: redis-py tells neither number; a version without them is read as no connection.
    every = len(getattr(pool, "_connections", ()))
    waiting = getattr(getattr(pool, "pool", None), "queue", ())
    return every, max(0, every - sum(connection is not None for connection in tuple(waiting)))
