"""The counts of a process as families of metrics, and as text (format 0.0.4) for Prometheus."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from backend.kit.observability.metrics import BUCKETS, GROWTH, LEAST_SECONDS, Figures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PREFIX = "chapter_performance"
EVERY = 4  # of the 130 buckets every fourth: each edge 1.46 times the one before, 34 lines a histogram
QUANTILES = (0.5, 0.95, 0.99)


class Sample(NamedTuple):
    """One value of a gauge or counter."""

    labels: Mapping[str, str]
    value: float


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def text(families: Iterable[Metric]) -> str:
    """Return the families as Prometheus reads them."""
    return generate_latest(_Families(families)).decode()


def histogram(name: str, about: str, label: str, figures: Mapping[str, Figures]) -> Iterator[Metric]:
    """Times in seconds by one label, and how many of them failed."""
    times = HistogramMetricFamily(f"{PREFIX}_{name}_seconds", about, labels=[label])
    for value, found in sorted(figures.items()):
        edges = ((f"{_edge(bucket):.6g}", sum(found.buckets[: bucket + 1])) for bucket in range(0, BUCKETS, EVERY))
        times.add_metric([value], [*edges, ("+Inf", found.count)], found.total_seconds)
    yield times
    failed = [Sample({label: value}, found.failed) for value, found in sorted(figures.items())]
    yield from counter(f"{name}_failed", f"{about}: how many failed", failed)


def quantiles(name: str, about: str, label: str, figures: Mapping[str, Figures]) -> Iterator[Metric]:
    """The 50th, 95th and 99th percentile in seconds; none for a label that was not observed."""
    samples = [
        Sample({label: value, "quantile": f"{quantile:g}"}, seconds)
        for value, found in sorted(figures.items())
        for quantile in QUANTILES
        if (seconds := found.percentile(quantile)) is not None
    ]
    yield from gauge(f"{name}_recent_seconds", f"{about}: percentiles of the last five to ten minutes", samples)


def counter(name: str, about: str, samples: Iterable[Sample]) -> Iterator[Metric]:
    """A number that only grows."""
    yield _family(name, about, "counter", "_total", samples)


def gauge(name: str, about: str, samples: Iterable[Sample]) -> Iterator[Metric]:
    """A number that goes up and down."""
    yield _family(name, about, "gauge", "", samples)


def _family(name: str, about: str, kind: str, suffix: str, samples: Iterable[Sample]) -> Metric:
    family = Metric(f"{PREFIX}_{name}", about, kind)
    for labels, value in samples:
        family.add_sample(f"{family.name}{suffix}", dict(labels), value)
    return family


def _edge(bucket: int) -> float:
    return LEAST_SECONDS * math.pow(GROWTH, bucket)
