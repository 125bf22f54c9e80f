"""Limits kept in Redis: one script call decides and says all that headers need, by the server's own clock."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from backend.kit.limiter.gcra import Delay, Grant, Rule
from backend.kit.redis.client import Client

ALIVE_SECONDS = 10

_NOW = """
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
"""
_TAKE = (
    _NOW
    + """
local taken, refund, count = tonumber(ARGV[2]), tonumber(ARGV[3]), (#ARGV - 3) / 3
local counters, intervals, quotas, after, free = {}, {}, {}, {}, {}
for i = 1, count do
  counters[i], intervals[i], quotas[i] = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
end
local kept = redis.call('HMGET', KEYS[1], unpack(counters))
for i = 1, count do
  local whole = now + quotas[i] * intervals[i]
  local forgotten = math.min(tonumber(kept[i] or now), whole)
  after[i] = math.max(now, forgotten - refund * intervals[i])
  free[i] = math.floor((whole - after[i]) / intervals[i])
  taken = math.min(taken, free[i])
end
local answer, changes, retry, lives = {taken, 0}, {}, 0, redis.call('PTTL', KEYS[1])
for i = 1, count do
  after[i] = after[i] + taken * intervals[i]
  retry = math.max(retry, after[i] + intervals[i] - now - quotas[i] * intervals[i])
  lives = math.max(lives, math.ceil((after[i] - now) / 1000) + 1)
  changes[2 * i - 1], changes[2 * i] = counters[i], string.format('%.0f', after[i])
  answer[2 * i + 1], answer[2 * i + 2] = free[i] - taken, after[i] - now
end
if taken == 0 then answer[2] = retry end
redis.call('HSET', KEYS[1], unpack(changes))
redis.call('PEXPIRE', KEYS[1], lives)
return answer
"""
)
_ATTEMPT = (
    _NOW
    + """
local count, not_before = unpack(redis.call('HMGET', KEYS[1], 'count', 'notBefore'))
count, not_before = tonumber(count or 0), tonumber(not_before or 0)
if now < not_before then return not_before - now end
count = count + 1
local free, first, most, forget = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local wait = 0
if count >= free then wait = math.min(first * 2 ^ math.min(count - free, 30), most) * 1000000 end
redis.call('HSET', KEYS[1], 'count', count, 'notBefore', string.format('%.0f', now + wait))
redis.call('PEXPIRE', KEYS[1], forget * 1000 + wait / 1000)
return 0
"""
)
_ALIVE = """
local now = redis.call('TIME')[1]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2] * 2)
return redis.call('ZCARD', KEYS[1])
"""


class RedisLimits:
    """Every method raises what the driver raises; `now` is given by tests alone, in microseconds."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = secrets.token_hex(8)
        self._alive_key = f"{{{namespace}}}:limits:processes"

    def take(self, subject: str, rules: Sequence[Rule], *, wanted: int = 1, refund: int = 0, now: int = 0) -> Grant:
        """Up to `wanted` permits of `subject`, after giving back `refund` of them."""
        arguments: list[str | int] = [now, wanted, refund]
        for rule in rules:
            arguments += [rule.kept_as, rule.interval, rule.quota]
        taken, retry, *pairs = self._run(_TAKE, self._key("limit", subject), arguments)
        return Grant(taken, retry, tuple(pairs[::2]), tuple(pairs[1::2]))

    def attempt(self, subject: str, delay: Delay, *, now: int = 0) -> int:
        """Microseconds that the next attempt must wait; 0 counts one."""
        numbers: list[str | int] = [now, delay.free, delay.first_seconds, delay.most_seconds, delay.forget_seconds]
        waits: int = self._run(_ATTEMPT, self._key("attempts", subject), numbers)
        return waits

    def forgive(self, subject: str) -> None:
        """Forget the attempts of `subject`."""
        self._client.delete(self._key("attempts", subject))

    def forget(self, subject: str) -> None:
        """Forget all that is kept of `subject`: what it took, and its attempts."""
        for kind in ("limit", "attempts"):
            self._client.delete(self._key(kind, subject))

    def alive(self) -> int:
        """Say that this process lives; how many did so within the last ten seconds."""
        processes: int = self._run(_ALIVE, self._alive_key, [self._name, ALIVE_SECONDS])
        return processes

    def leave(self) -> None:
        """This process counts no longer."""
        self._client.zrem(self._alive_key, self._name)

    def _key(self, kind: str, subject: str) -> str:
        """Names neither the limit nor, in the clear, the person. The braces keep all of a subject in one slot."""
        digest = hashlib.blake2b(subject.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"{self._namespace}:{kind}:{{{digest}}}"

    def _run(self, script: str, key: str, arguments: list[str | int]) -> Any:
        try:
            return self._client.evalsha(_SHAS[script], 1, key, *arguments)
        except NoScriptError:
            return self._client.eval(script, 1, key, *arguments)


_SHAS = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (_TAKE, _ATTEMPT, _ALIVE)
}
