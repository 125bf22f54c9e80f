"""The servers that this process knows to be unreachable, and since when. Makes no call."""

from dataclasses import dataclass
from datetime import datetime

from backend.kit.mongo.client import Mongo
from backend.kit.mongo.guarded_client import READS
from backend.kit.redis import client as redis


@dataclass(frozen=True)
class Absences:
    """Since when nothing can be read, nothing be written, and Redis not be used; None where it can."""

    reads: datetime | None
    writes: datetime | None
    redis: datetime | None

    def __bool__(self) -> bool:
        return bool(self.reads or self.writes or self.redis)


PRESENT = Absences(None, None, None)


def absences(mongo: Mongo, client: redis.Client) -> Absences:
    """Return the servers that are away. Costs a few comparisons."""
    standing, cache, reading = mongo.standing, redis.breaker_of(client), mongo.breakers[READS]
    # A breaker that waits for a probe is no absence: a caller that counted it as one would never send the probe.
    reads = standing.all_lost_at or (reading.read().since if reading.retry_after_seconds else None)
    writes = reads or standing.primary_lost_at
    lost_redis = None if cache.is_closed else cache.read().since
    return Absences(reads, writes, lost_redis) if writes or lost_redis else PRESENT
