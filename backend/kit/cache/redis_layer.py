"""The Redis layer: entries, tag versions, the lock of the one creator, and invalidations that outlive an outage.

Every tag has a random version; an entry is valid while all its tags have the versions it was made under. A tag
that Redis forgot (flushed, evicted, expired) gets another random version, so forgetting never revives a value."""

import secrets
import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import count
from time import monotonic
from typing import Any, NamedTuple, TypeVar

import msgspec
from redis import RedisCluster
from redis.exceptions import ClusterError, ConnectionError, RedisClusterException, TimeoutError

from backend.kit.cache.entry import EVERYTHING
from backend.kit.redis.client import FAILURES, Client, is_too_late, run_id

R = TypeVar("R")

_UNREACHABLE = (ConnectionError, TimeoutError, ClusterError, RedisClusterException, OSError)
_PROBE_SECONDS = 1.0
_TAG_TTL_SECONDS = 30 * 86_400  # so that tags of what is gone leave; a tag in use costs one more load a month
_STREAM_LENGTH = 10_000
_MAX_PENDING = 10_000
_RUN_LENGTH = 12

_ENSURE = """
local versions = {}
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[1], 'NX', 'EX', ARGV[2])
  versions[i] = redis.call('GET', key)
end
return versions
"""
_INVALIDATE = """
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'EX', ARGV[2]) end
local number = redis.call('INCR', KEYS[1])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'number', number, 'origin', ARGV[4], 'tags', ARGV[5])
"""
_TAKE = """
local taken = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {taken and 1 or 0, redis.call('GET', KEYS[1])}
"""
_FINISH = """
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
"""


class RedisAway(Exception):
    """Redis is not asked now: there is none, or it failed a moment ago."""


class RedisFailed(RedisAway):
    """Redis was asked and failed."""


class Reading(NamedTuple):
    """The versions of an entry's tags now, and its bytes if there are any."""

    versions: tuple[bytes, ...]
    written: bytes | None


class Turn(NamedTuple):
    """The result of asking for the load: a `token` if this process loads, and the entry's bytes at that moment."""

    token: str | None
    written: bytes | None


class SharedLayer:
    """All methods raise RedisAway instead of waiting on a server that failed within the last second."""

    def __init__(self, client: Client | None, namespace: str, *, lock_seconds: float) -> None:
        self.client = client
        self.origin = secrets.token_hex(8)
        self.number_key = f"{{{namespace}}}:invalidations:number"
        self.stream_key = f"{{{namespace}}}:invalidations"
        self.everything_key = self._tag_key_of(namespace, EVERYTHING)
        self._namespace = namespace
        self._lock_milliseconds = int(lock_seconds * 1000)
        self._run = ""
        self._open = False
        self._tried = False
        self._supervised = False
        self._next_probe = 0.0
        self._probing = threading.Lock()
        self._sending = threading.Lock()
        self._remembering = threading.Lock()
        self._order = count()
        self._pending: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        """Whether the last call reached the server."""
        return self._open

    def supervise(self, supervised: bool) -> None:
        """While supervised, somebody else calls verify() after a failure, so that no reader has to."""
        self._supervised = supervised

    def read(self, key: str, watched: Sequence[str]) -> Reading:
        """The entry's bytes with the versions of the tags it watches, in one round trip."""
        self._make_ready()
        tag_keys = [self._tag_key(tag) for tag in watched]
        written, *versions = self._call(lambda client: _mget(client, [self._value_key(key), *tag_keys]))
        if None in versions:
            arguments: list[str | int] = [self._new_version(), _TAG_TTL_SECONDS]
            versions = self._call(lambda client: client.eval(_ENSURE, len(tag_keys), *tag_keys, *arguments))
        return Reading(tuple(versions), written)

    def take_turn(self, key: str, versions: tuple[bytes, ...]) -> Turn:
        """Try to become the one who loads `key` under these versions; look at the entry in the same moment."""
        token = secrets.token_hex(8)
        keys = [self._value_key(key), self._lock_key(key, versions)]
        self._make_ready()
        taken, written = self._call(lambda client: client.eval(_TAKE, 2, *keys, token, self._lock_milliseconds))
        return Turn(token if taken else None, written)

    def finish(
        self, key: str, versions: tuple[bytes, ...], token: str | None, written: bytes, ttl_seconds: float
    ) -> None:
        """Store the bytes, if any, for `ttl_seconds`, and give the turn back if it is still ours."""
        keys = [self._value_key(key), self._lock_key(key, versions)]
        milliseconds = max(1, int(ttl_seconds * 1000))
        if self._open:
            self._call(lambda client: client.eval(_FINISH, 2, *keys, token or "-", written, milliseconds))

    def invalidate(self, tags: Sequence[str]) -> None:
        """Give the tags new versions and tell every process. What cannot be told now is told before the next read."""
        if self.client is None:
            return
        self._remember(tags)
        self._make_ready()

    def doubt(self) -> None:
        """Let no reader in until verify() has found out whether it is still the same server."""
        self._open = False

    def verify(self) -> None:
        """Find the server again: if it is another process than the entries were written under, drop them all
        (it may have lost invalidations), tell what is pending, and only then let readers in."""
        key = self.everything_key
        self._run = run = self._call(lambda client: run_id(client, key))[:_RUN_LENGTH]
        version = self._call(lambda client: client.get(key))
        if version is None:
            version = self._call(lambda client: client.eval(_ENSURE, 1, key, self._new_version(), _TAG_TTL_SECONDS))[0]
        if not bytes(version).startswith(run.encode() + b":"):
            self._remember([EVERYTHING])
        self._send_pending()
        self._open = self._tried = True

    def _make_ready(self) -> None:
        if not self._open:
            self._probe()
        if self._pending:
            self._send_pending()

    def _probe(self) -> None:
        first = not self._tried
        if self.client is None or (self._supervised and not first):
            raise RedisAway
        if not self._probing.acquire(blocking=first):
            raise RedisAway
        try:
            self._probe_once()
        finally:
            self._tried = True
            self._probing.release()

    def _probe_once(self) -> None:
        if self._open:
            return
        if monotonic() < self._next_probe:
            raise RedisAway
        self._next_probe = monotonic() + _PROBE_SECONDS
        self.verify()

    def _remember(self, tags: Sequence[str]) -> None:
        with self._remembering:
            self._pending.update((tag, next(self._order)) for tag in tags)
            if len(self._pending) > _MAX_PENDING:
                self._pending = {EVERYTHING: next(self._order)}

    def _send_pending(self) -> None:
        with self._sending:
            pending = dict(self._pending)
            if not pending:
                return
            self._send([EVERYTHING] if EVERYTHING in pending else list(pending))
            with self._remembering:  # a tag that was invalidated again meanwhile must be sent again
                for tag in [tag for tag, order in pending.items() if self._pending.get(tag) == order]:
                    del self._pending[tag]

    def _send(self, tags: list[str]) -> None:
        keys = [self.number_key, self.stream_key, *(self._tag_key(tag) for tag in tags)]
        version, words = self._new_version(), msgspec.msgpack.encode(tags)
        arguments: list[str | int | bytes] = [version, _TAG_TTL_SECONDS, _STREAM_LENGTH, self.origin, words]
        self._call(lambda client: client.eval(_INVALIDATE, len(keys), *keys, *arguments))

    def _call(self, call: Callable[[Client], Any]) -> Any:
        if self.client is None:
            raise RedisAway
        try:
            return call(self.client)
        except _UNREACHABLE as error:
            if not is_too_late(error):
                self._open = False
                self._next_probe = monotonic() + _PROBE_SECONDS
            raise RedisFailed from error
        except FAILURES as error:
            raise RedisFailed from error

    def _new_version(self) -> str:
        return f"{self._run}:{secrets.token_hex(8)}"

    def _value_key(self, key: str) -> str:
        return f"{self._namespace}:{{{key}}}"

    def _lock_key(self, key: str, versions: tuple[bytes, ...]) -> str:
        return f"{self._value_key(key)}:lock:{blake2b(b' '.join(versions), digest_size=8).hexdigest()}"

    def _tag_key(self, tag: str) -> str:
        return self._tag_key_of(self._namespace, tag)

    @staticmethod
    def _tag_key_of(namespace: str, tag: str) -> str:
        return f"{{{namespace}}}:tag:{tag}"


def _mget(client: Client, keys: list[str]) -> list[Any]:
    """Values of keys that on a Cluster may live in different slots."""
    values: list[Any] = client.mget_nonatomic(keys) if isinstance(client, RedisCluster) else client.mget(keys)
    return values
