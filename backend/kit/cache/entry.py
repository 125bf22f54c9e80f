"""Requests to the cache, its answers, and the encoding of an entry. Nothing here talks to Redis."""

import math
import random
import re
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from backend.kit.read_log import Source

T = TypeVar("T")

EVERYTHING = "*"
"""The tag that every entry carries."""

KEPT_SECONDS = 900.0  # how old a value may be that stands in for a database out of reach
_SHORT_TTL_SECONDS = 10.0
_JITTER = 0.1
_REGION_NAME = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Region(Generic[T]):
    """Values of one kind that live equally long.

    `kind` is any type msgspec can decode (a Shape, tuple[Shape, ...], dict[str, int] …); values must be
    immutable in use, for the same object is handed to every reader of this process.
    `stale_seconds` is how long after its time a value may still be shown while one reader loads its
    successor; by default as long as it lived, and not at all in regions that live less than 10 s.
    """

    name: str
    kind: type[T]
    ttl_seconds: float
    stale_seconds: float | None = None
    decoder: msgspec.msgpack.Decoder[T] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _REGION_NAME.fullmatch(self.name) or self.ttl_seconds <= 0:
            raise ValueError(f"a region needs a plain name and a positive ttl, not {self.name!r}, {self.ttl_seconds}")
        object.__setattr__(self, "decoder", msgspec.msgpack.Decoder(self.kind))

    @property
    def grace_seconds(self) -> float:
        """How long after its time a value is kept to be shown meanwhile."""
        if self.stale_seconds is not None:
            return self.stale_seconds
        return self.ttl_seconds if self.ttl_seconds >= _SHORT_TTL_SECONDS else 0.0

    @property
    def kept_seconds(self) -> float:
        """How long after its time Redis keeps a value: for the grace, and for when the database is out of reach.

        What lives for moments is kept by the process that made it alone: there are too many of them.
        """
        return max(self.grace_seconds, KEPT_SECONDS if self.ttl_seconds >= _SHORT_TTL_SECONDS else 0.0)

    @property
    def tag(self) -> str:
        """The tag that all entries of this region carry."""
        return region_tag(self.name)


def region_tag(name: str) -> str:
    """The tag that all entries of the region `name` carry."""
    return f"region:{name}"


@dataclass(frozen=True)
class CacheAnswer(Generic[T]):
    """A value, where it came from, and how many seconds ago its loading began.

    `is_kept`: expired, given because the database is out of reach; pages and routes show its age.
    """

    value: T
    source: Source
    age_seconds: float
    is_kept: bool = False


@dataclass(frozen=True)
class CacheEntry(Generic[T]):
    """A value as both layers keep it; times are seconds since the epoch, for processes share them."""

    value: T
    created: float
    expires: float
    compute_seconds: float

    def is_fresh(self, now: float) -> bool:
        return now < self.expires

    def is_due_early(self, now: float) -> bool:
        """Whether this reader should renew the entry before its end, so that not all find it missing at once.

        Optimal probabilistic early expiration (XFetch): Vattani, Chierichetti, Lowenstein, VLDB 2015, beta 1.
        """
        ahead = -self.compute_seconds * math.log(1.0 - random.random())  # noqa: S311 - spreads load, hides nothing
        return now + ahead >= self.expires

    def answer(self, source: Source, now: float, *, is_kept: bool = False) -> CacheAnswer[T]:
        return CacheAnswer(self.value, source, max(0.0, now - self.created), is_kept)


def new_entry(region: Region[T], value: T, *, began: float, now: float) -> CacheEntry[T]:
    """An entry for `value`, loaded from `began` to `now`; it lives up to a tenth shorter than the region says."""
    ttl = region.ttl_seconds * (1.0 - _JITTER * random.random())  # noqa: S311 - spreads load, hides nothing
    return CacheEntry(value, created=began, expires=now + ttl, compute_seconds=max(0.0, now - began))


_Written = tuple[float, float, float, tuple[bytes, ...], msgspec.Raw]
_written = msgspec.msgpack.Decoder(_Written)


def encode(entry: CacheEntry[T], versions: tuple[bytes, ...]) -> bytes:
    """The entry and the versions of its tags in MessagePack. Raises TypeError or OverflowError for a foreign value."""
    return msgspec.msgpack.encode((entry.created, entry.expires, entry.compute_seconds, versions, entry.value))


def decode(region: Region[T], written: bytes, versions: tuple[bytes, ...]) -> CacheEntry[T] | None:
    """The entry in `written`; None if it was made under other versions of its tags.

    Raises msgspec.DecodeError or UnicodeDecodeError for bytes that are no entry of this region.
    """
    created, expires, compute_seconds, made_under, raw = _written.decode(written)
    if made_under != versions:
        return None
    return CacheEntry(region.decoder.decode(raw), created, expires, compute_seconds)
