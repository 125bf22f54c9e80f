"""Metrics: percentiles within 5 %, merging by addition, labels that cannot fill the memory."""

import math
import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kit.observability.metrics import (
    BUCKETS,
    GROWTH,
    LABELS_PER_KIND,
    LEAST_SECONDS,
    OTHER,
    RECENT_SECONDS,
    Histogram,
    Registry,
    bucket_of,
    merged,
    since,
)

SECONDS = st.floats(min_value=0.000_2, max_value=20.0)


@given(st.lists(SECONDS, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_close(values: list[float], share: float) -> None:
    """Of any observations the percentile lies within one bucket (10 %) of the true one, and never past the longest."""
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    rank = max(0, math.ceil(share * len(values)) - 1)
    exact = sorted(values)[rank]
    found = histogram.read().percentile(share)
    assert found is not None
    assert exact / GROWTH <= found * 1.000_001 <= max(values) * 1.000_002
    above = sorted(values)[min(rank + 1, len(values) - 1)]
    assert found <= above * GROWTH


def test_p99_of_many_is_within_five_percent() -> None:
    """Of 20,000 times as they occur in life the 50th, 95th and 99th percentiles are within 5 %."""
    dice, histogram = Random(7), Histogram()  # noqa: S311  (a repeatable sample, not a secret)
    values = sorted(dice.lognormvariate(-5, 1) for _each in range(20_000))
    for value in values:
        histogram.observe(value)
    for share in (0.5, 0.95, 0.99):
        assert histogram.read().percentile(share) == pytest.approx(values[int(share * len(values))], rel=0.05)


@given(st.lists(SECONDS, max_size=50), st.lists(SECONDS, max_size=50))
def test_merged_is_as_if_one_had_seen_all(first: list[float], second: list[float]) -> None:
    """Adding the figures of two processes gives those of one that saw everything."""
    one, two, both = Histogram(), Histogram(), Histogram()
    for value in first:
        one.observe(value)
        both.observe(value)
    for value in second:
        two.observe(value, failed=True)
        both.observe(value, failed=True)
    together, expected = merged([one.read(), two.read()]), both.read()
    assert together.buckets == expected.buckets
    assert (together.count, together.failed) == (expected.count, expected.failed)
    assert together.max_seconds == expected.max_seconds


@given(st.floats(min_value=0, max_value=1_000))
def test_every_time_has_its_bucket(seconds: float) -> None:
    """Any time falls into a bucket whose bounds hold it."""
    index = bucket_of(seconds)
    assert 0 <= index <= BUCKETS
    if 0 < index < BUCKETS:
        assert LEAST_SECONDS * GROWTH ** (index - 1) * 0.999_999 <= seconds <= LEAST_SECONDS * GROWTH**index * 1.000_001


def test_nothing_observed_is_no_data() -> None:
    """Before the first observation there is no percentile, which is not zero."""
    assert Histogram().read().percentile(0.5) is None
    assert merged([]).percentile(0.99) is None


def test_recent_figures_forget() -> None:
    """What was observed ten minutes ago is gone from the recent figures, and stays in those since the start."""
    now = [0.0]
    histogram = Histogram(lambda: now[0])
    histogram.observe(10.0, failed=True)
    now[0] = RECENT_SECONDS
    histogram.observe(0.01)
    assert (histogram.recent().count, histogram.recent().failed) == (2, 1)
    now[0] = 2 * RECENT_SECONDS
    histogram.observe(0.01)
    recent = histogram.recent()
    assert (recent.count, recent.failed, recent.max_seconds) == (2, 0, 0.01)
    now[0] = 10 * RECENT_SECONDS
    assert histogram.recent().count == 0
    assert histogram.read().count == 3


@given(st.lists(SECONDS, max_size=50), st.lists(SECONDS, min_size=1, max_size=50))
def test_what_came_between_two_readings(first: list[float], second: list[float]) -> None:
    """Taking one reading from a later one leaves what was observed between them."""
    histogram, alone = Histogram(), Histogram()
    for value in first:
        histogram.observe(value)
    before = histogram.read()
    for value in second:
        histogram.observe(value)
        alone.observe(value)
    between, expected = since(histogram.read(), before), alone.read()
    assert (between.count, between.buckets) == (expected.count, expected.buckets)


def test_labels_cannot_fill_the_memory() -> None:
    """However many labels are tried, a kind keeps 200 and counts the others together."""
    registry = Registry()
    for number in range(LABELS_PER_KIND + 50):
        registry.observe("requests", f"/path/{number}", 0.01)
    found = registry.read("requests")
    assert len(found) <= LABELS_PER_KIND + 1
    assert found[OTHER].count == 50


def test_threads_lose_no_count() -> None:
    """Observations from several threads are all counted."""
    registry = Registry()

    def observe() -> None:
        for _each in range(2_000):
            registry.observe("queries", "find users", 0.001)

    threads = [threading.Thread(target=observe) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = registry.read("queries")["find users"]
    assert figures.count == sum(figures.buckets) == 8_000


def test_a_block_that_raises_has_failed() -> None:
    """A timed block is counted once: as failed where it raised, and not where it was called off."""
    registry = Registry()
    with registry.timed("requests", "good"):
        pass
    with pytest.raises(ValueError, match="broken"), registry.timed("requests", "bad"):
        raise ValueError("broken")
    with pytest.raises(KeyboardInterrupt), registry.timed("requests", "called off"):
        raise KeyboardInterrupt
    found = registry.read("requests")
    assert {label: (each.count, each.failed) for label, each in found.items()} == {
        "good": (1, 0),
        "bad": (1, 1),
        "called off": (1, 0),
    }
