"""Percentiles of requests, script runs and queries of the last minutes, from the registry. Nothing is measured here."""

from collections.abc import Mapping

from backend.kit.observability.metrics import FRAGMENT_RUNS, QUERIES, REQUESTS, SCRIPT_RUNS, Figures, Registry, merged
from backend.operations.models import Timing

SHOWN_QUERIES = 8
MILLISECONDS = 1_000


def by_kind(registry: Registry) -> tuple[Timing, ...]:
    """One line for each kind over all its labels, also for a kind that never happened."""
    return tuple(
        timing(kind, "", _all(registry.recent(kind)), _all(registry.read(kind)))
        for kind in (REQUESTS, SCRIPT_RUNS, FRAGMENT_RUNS, QUERIES)
    )


def slowest_queries(registry: Registry) -> tuple[Timing, ...]:
    """The queries that took the most time lately, all their runs together, the most expensive first."""
    ever = registry.read(QUERIES)
    figures = sorted(registry.recent(QUERIES).items(), key=lambda item: -item[1].total_seconds)
    return tuple(timing(QUERIES, label, found, ever[label]) for label, found in figures[:SHOWN_QUERIES] if found.count)


def timing(kind: str, label: str, found: Figures, ever: Figures) -> Timing:
    """Recent figures of one label in milliseconds, and how many there were ever."""
    return Timing(
        kind=kind,
        label=label,
        total=ever.count,
        count=found.count,
        failed=found.failed,
        p50_ms=_ms(found.percentile(0.50)),
        p95_ms=_ms(found.percentile(0.95)),
        p99_ms=_ms(found.percentile(0.99)),
        max_ms=_ms(found.max_seconds if found.count else None),
    )


def _all(figures: Mapping[str, Figures]) -> Figures:
    return merged(list(figures.values()))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * MILLISECONDS, 2)
