"""The counts of a process as Prometheus reads them (text format 0.0.4). Pure: figures in, text out."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from backend.kit.observability.metrics import BUCKETS, GROWTH, LEAST_SECONDS, Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "chapter_performance"
EVERY = 4  # of the 130 buckets every fourth: each edge 1.46 times the one before, 34 lines a histogram
QUANTILES = (0.5, 0.95, 0.99)


class Sample(NamedTuple):
    """One value of a gauge or counter."""

    labels: Mapping[str, str]
    value: float


def histogram(name: str, about: str, label: str, figures: Mapping[str, Figures]) -> Iterator[str]:
    """Lines of times in seconds by one label, and how many of them failed."""
    full = f"{PREFIX}_{name}_seconds"
    yield from _head(full, about, "histogram")
    for value, found in sorted(figures.items()):
        seen, last = 0, 0
        for edge in range(0, BUCKETS, EVERY):
            seen += sum(found.buckets[last : edge + 1])
            last = edge + 1
            yield _line(f"{full}_bucket", {label: value, "le": f"{LEAST_SECONDS * math.pow(GROWTH, edge):.6g}"}, seen)
        yield _line(f"{full}_bucket", {label: value, "le": "+Inf"}, found.count)
        yield _line(f"{full}_sum", {label: value}, found.total_seconds)
        yield _line(f"{full}_count", {label: value}, found.count)
    failed = f"{PREFIX}_{name}_failed_total"
    yield from _head(failed, f"{about}: how many failed", "counter")
    for value, found in sorted(figures.items()):
        yield _line(failed, {label: value}, found.failed)


def quantiles(name: str, about: str, label: str, figures: Mapping[str, Figures]) -> Iterator[str]:
    """Lines of the 50th, 95th and 99th percentile in seconds; none for a label that was not observed."""
    full = f"{PREFIX}_{name}_recent_seconds"
    yield from _head(full, f"{about}: percentiles of the last five to ten minutes", "gauge")
    for value, found in sorted(figures.items()):
        for quantile in QUANTILES:
            seconds = found.percentile(quantile)
            if seconds is not None:
                yield _line(full, {label: value, "quantile": f"{quantile:g}"}, seconds)


def counter(name: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Lines of a number that only grows."""
    yield from _values(f"{PREFIX}_{name}_total", about, "counter", samples)


def gauge(name: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Lines of a number that goes up and down."""
    yield from _values(f"{PREFIX}_{name}", about, "gauge", samples)


def _values(full: str, about: str, kind: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield from _head(full, about, kind)
    for labels, value in samples:
        yield _line(full, labels, value)


def _head(full: str, about: str, kind: str) -> Iterator[str]:
    yield f"# HELP {full} {about}"
    yield f"# TYPE {full} {kind}"


def _line(full: str, labels: Mapping[str, str], value: float) -> str:
    said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{full}{{{said}}} {value:.15g}" if said else f"{full} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
