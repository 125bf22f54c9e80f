"""Taking one person's id out of everything that a namespace of Redis holds, and leaving what is others'."""

from collections.abc import Callable, Iterator
from typing import Any

from backend.kit.redis.client import FAILURES, Client

SCANNED_AT_ONCE = 1_000


def forget(client: Client, namespace: str, person_id: str) -> int | None:
    """Take out what names this id; how many keys and entries, None where Redis cannot be reached.

    Kept values go whatever they hold, for they are packed and can all be made again. Of other keys the entries with
    the id go: of boards of every generation, streams and counts. Limits are kept under hashes: see Limiter.forget.
    """
    try:
        return sum(_forget_in(client, namespace, key, person_id.encode()) for key in _keys(client, namespace))
    except FAILURES:
        return None


def _keys(client: Client, namespace: str) -> Iterator[bytes]:
    for pattern in (f"{namespace}:*", f"{{{namespace}}}:*", f"{{{namespace}:*"):  # braces: all keys on one node
        yield from client.scan_iter(match=pattern, count=SCANNED_AT_ONCE)


def _forget_in(client: Client, namespace: str, key: bytes, person_id: bytes) -> int:
    if key.startswith((f"{namespace}:limit:".encode(), f"{namespace}:attempts:".encode())):
        return 0
    if key.startswith(f"{namespace}:{{".encode()) or person_id in key:
        return int(client.unlink(key))
    kind: Any = client.type(key)
    take_out = _BY_TYPE.get(kind)
    return take_out(client, key, person_id) if take_out else 0


def _of_hash(client: Any, key: bytes, person_id: bytes) -> int:
    found = [name for name, value in client.hscan_iter(key, count=SCANNED_AT_ONCE) if person_id in name + b" " + value]
    return int(client.hdel(key, *found)) if found else 0


def _of_sorted_set(client: Any, key: bytes, person_id: bytes) -> int:
    found = [member for member, _score in client.zscan_iter(key, count=SCANNED_AT_ONCE) if person_id in member]
    return int(client.zrem(key, *found)) if found else 0


def _of_set(client: Any, key: bytes, person_id: bytes) -> int:
    found = [member for member in client.sscan_iter(key, count=SCANNED_AT_ONCE) if person_id in member]
    return int(client.srem(key, *found)) if found else 0


def _of_stream(client: Any, key: bytes, person_id: bytes) -> int:
    found = [entry for entry, fields in client.xrange(key) if person_id in b" ".join((*fields, *fields.values()))]
    return int(client.xdel(key, *found)) if found else 0


def _of_text(client: Any, key: bytes, person_id: bytes) -> int:
    return int(client.unlink(key)) if person_id in (client.get(key) or b"") else 0


_BY_TYPE: dict[bytes, Callable[[Any, bytes, bytes], int]] = {
    b"hash": _of_hash,
    b"zset": _of_sorted_set,
    b"set": _of_set,
    b"stream": _of_stream,
    b"string": _of_text,
}
