"""Samples that each instance takes every half minute, and their totals over all instances by minute. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.kit.model import Shape
from backend.kit.observability.metrics import BUCKETS, Figures, merged
from backend.operations.models import Point

MINUTE = timedelta(minutes=1)
MILLISECONDS = 1_000


class Times(Shape, frozen=True, kw_only=True):
    """Times of one kind of work: how many, how many failed, and the buckets that are not empty (index, count, …)."""

    count: int = 0
    failed: int = 0
    longest_seconds: float = 0.0
    buckets: tuple[int, ...] = ()


NO_TIMES = Times()


class Vital(Shape, frozen=True, kw_only=True):
    """One sample of one instance. Unknown values are None."""

    at: datetime
    instance: str
    requests: Times = NO_TIMES
    runs: Times = NO_TIMES
    memory_bytes: int = 0
    loop_delay_seconds: float | None = None
    cache_hits: int = 0
    cache_reads: int = 0
    lag_seconds: float | None = None


def packed(figures: Figures) -> Times:
    """Return figures in compact form."""
    pairs = [(index, count) for index, count in enumerate(figures.buckets) if count]
    return Times(
        count=figures.count,
        failed=figures.failed,
        longest_seconds=figures.max_seconds,
        buckets=tuple(number for pair in pairs for number in pair),
    )


def unpacked(times: Times) -> Figures:
    """Return the figures of a compact form; their sum of seconds is lost."""
    buckets = [0] * (BUCKETS + 1)
    for index, count in zip(times.buckets[::2], times.buckets[1::2], strict=True):
        if 0 <= index <= BUCKETS:
            buckets[index] = count
    return Figures(times.count, times.failed, 0.0, times.longest_seconds, tuple(buckets))


def by_minute(vitals: Sequence[Vital]) -> tuple[Point, ...]:
    """A point for every minute from the first to the last, those without a sample included."""
    if not vitals:
        return ()
    minutes: dict[datetime, list[Vital]] = {}
    for each in vitals:
        minutes.setdefault(each.at.replace(second=0, microsecond=0), []).append(each)
    first, last = min(minutes), max(minutes)
    count = round((last - first) / MINUTE) + 1
    return tuple(_point(first + index * MINUTE, minutes.get(first + index * MINUTE, ())) for index in range(count))


def _point(at: datetime, vitals: Sequence[Vital]) -> Point:
    if not vitals:
        return Point(at=at)
    requests = merged([unpacked(each.requests) for each in vitals])
    runs = merged([unpacked(each.runs) for each in vitals])
    reads = sum(each.cache_reads for each in vitals)
    return Point(
        at=at,
        requests=requests.count,
        failed=requests.failed + runs.failed,
        request_p95_ms=_p95(requests),
        runs=runs.count,
        run_p95_ms=_p95(runs),
        memory_bytes=max(each.memory_bytes for each in vitals),
        loop_delay_ms=_most([each.loop_delay_seconds for each in vitals], MILLISECONDS),
        hit_share=sum(each.cache_hits for each in vitals) / reads if reads else None,
        lag_seconds=_most([each.lag_seconds for each in vitals]),
    )


def _p95(figures: Figures) -> float | None:
    seconds = figures.percentile(0.95)
    return None if seconds is None else round(seconds * MILLISECONDS, 2)


def _most(values: Sequence[float | None], times: int = 1) -> float | None:
    known = [value for value in values if value is not None]
    return round(max(known) * times, 3) if known else None
