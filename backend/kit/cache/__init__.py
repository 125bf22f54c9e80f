"""The two-layer cache, in-process over Redis. Here is what its users name; how it works is in cache.py."""

from backend.kit.cache.cache import Cache
from backend.kit.cache.entry import CacheAnswer, Region
from backend.kit.cache.statistics import CacheRegion
from backend.kit.cache.warming import Warmed, Warmer
from backend.kit.read_log import Source

__all__ = ["Cache", "CacheAnswer", "CacheRegion", "Region", "Source", "Warmed", "Warmer"]
