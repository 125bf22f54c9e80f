"""How each region of the cache is read, as administrators are told."""

from backend.kit.cache import Cache
from backend.operations.models import CacheRegion


def regions(cache: Cache) -> tuple[CacheRegion, ...]:
    """Every region, in this process and since its start."""
    return tuple(
        CacheRegion(
            name=each.name,
            hits_app=each.hits_local,
            hits_redis=each.hits_redis,
            misses=each.misses,
            stale=each.stale,
            errors=each.errors,
            waits=each.waits,
            entries=each.entries,
        )
        for each in cache.statistics()
    )
