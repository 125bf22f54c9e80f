"""What a process keeps of itself: the last hour by minutes, put together over processes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from backend.bootstrap import Backend
from backend.kit.clock import SystemClock
from backend.kit.observability import log
from backend.kit.observability.metrics import BUCKETS, REQUESTS, SCRIPT_RUNS, Figures, Histogram, Registry
from backend.kit.observability.trend import Growth
from backend.operations.heartbeat import Heartbeat, HeartbeatInputs
from backend.operations.models import Check, State
from backend.operations.vital_queries import VitalQueries
from backend.operations.vitals import Vital, by_minute, packed, unpacked
from tests.school import School
from tests.waiting import until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def heartbeat(backend: Backend, registry: Registry, checks: list[Check]) -> Heartbeat:
    inputs = HeartbeatInputs(look=lambda: tuple(checks), loop_delay=lambda: 0.02, growth=Growth())
    return Heartbeat(VitalQueries(backend.mongo), registry, backend.cache, SystemClock(), inputs, version="test")


def found(name: str, state: State, value: float | None = None) -> Check:
    return Check(name=name, title=name, state=state, summary="So it is.", value=value)


def times(*seconds: float, failed: bool = False) -> Figures:
    histogram = Histogram()
    for each in seconds:
        histogram.observe(each, failed=failed)
    return histogram.read()


def test_the_hour_is_made_of_what_happened(backend: Backend, school: School) -> None:
    """Requests and runs since the last sample, their percentiles, the lag and the memory stand in the newest minute."""
    admin, registry = school.admin(), Registry()
    one = heartbeat(backend, registry, [found("worker", "ok", 0.5)])
    for _request in range(20):
        registry.observe(REQUESTS, "GET /chapters", 0.1)
    registry.observe(SCRIPT_RUNS, "home", 0.2, failed=True)
    one.sample()
    registry.observe(REQUESTS, "GET /chapters", 0.1)
    one.sample()
    points = backend.operations.history(admin).points
    assert sum(point.requests or 0 for point in points) == 21
    assert sum(point.runs or 0 for point in points) == 1
    assert sum(point.failed or 0 for point in points) == 1
    first = next(point for point in points if point.requests)
    assert first.request_p95_ms == pytest.approx(100, rel=0.05)
    assert first.lag_seconds == 0.5
    assert (first.memory_bytes or 0) > 1_000_000


def test_before_the_first_sample_there_is_no_data(backend: Backend, school: School) -> None:
    """An hour without a sample is empty, which is not a line of zeros."""
    assert backend.operations.history(school.admin()).points == ()


def test_an_hour_is_an_hour(backend: Backend, school: School) -> None:
    """What was measured up to an hour ago is shown; what is older is kept for a while, and not shown."""
    admin, now, vitals = school.admin(), SystemClock().now(), VitalQueries(backend.mongo)
    for minutes, bytes_ in ((61, 1), (58, 2), (1, 3)):
        vitals.keep(Vital(at=now - timedelta(minutes=minutes), instance="a", memory_bytes=bytes_))
    shown = [point.memory_bytes for point in backend.operations.history(admin).points if point.memory_bytes]
    assert shown == [2, 3]


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(days=1)], ids=str)
def test_who_was_seen_in_the_future_is_not_there(backend: Backend, ahead: timedelta) -> None:
    """A process that died under a clock that ran ahead is not taken for one that lives."""
    heartbeat(backend, Registry(), []).beat()
    vitals = VitalQueries(backend.mongo)
    (there,) = vitals.instances()
    assert there.is_alive
    backend.mongo["instances"].update_one({"_id": there.id}, {"$set": {"seenAt": backend.runs.now() + ahead}})
    assert vitals.instances() == ()


def test_who_has_left_does_not_come_back(backend: Backend) -> None:
    """A heartbeat that was slow to be written is not written after the goodbye."""
    one = heartbeat(backend, Registry(), [])
    one.start("web")
    until(lambda: [each.id for each in one.everyone()] == [one.id])
    one.close()
    one.beat()
    assert one.everyone() == ()


def test_processes_are_put_together() -> None:
    """Counts are added, percentiles are those of all, memory that of the largest; a silent minute is empty."""
    fast = Vital(at=NOON, instance="a", requests=packed(times(*[0.01] * 95)), memory_bytes=100, loop_delay_seconds=0.1,
                 cache_hits=9, cache_reads=10)  # fmt: skip
    slow = Vital(at=NOON + timedelta(seconds=30), instance="b", requests=packed(times(*[1.0] * 10, failed=True)),
                 memory_bytes=300, lag_seconds=2.0, cache_hits=0, cache_reads=10)  # fmt: skip
    later = Vital(at=NOON + timedelta(minutes=2), instance="a")
    first, silent, last = by_minute([fast, slow, later])
    assert (first.requests, first.failed, first.memory_bytes) == (105, 10, 300)
    assert first.request_p95_ms == pytest.approx(1_000, rel=0.06)
    assert (first.loop_delay_ms, first.lag_seconds, first.hit_share) == (100, 2.0, 0.45)
    assert (silent.requests, silent.memory_bytes) == (None, None)
    assert (last.requests, last.request_p95_ms, last.hit_share) == (0, None, None)


def test_times_are_kept_whole() -> None:
    """Packing loses no bucket, the last one included."""
    figures = times(0.000_01, 0.5, 0.5, 100.0)
    again = unpacked(packed(figures))
    assert (again.buckets, again.count) == (figures.buckets, 4)
    assert again.buckets[BUCKETS] == 1


@pytest.fixture
def logged() -> Iterator[None]:
    log.configure("INFO")
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logged")
def test_a_check_that_changes_is_logged_once(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    """The log says when something broke and when it was well again, not every half minute in between."""
    checks = [found("redis", "ok")]
    one = heartbeat(backend, Registry(), checks)
    for state in ("ok", "warning", "warning", "ok", "info"):
        checks[:] = [found("redis", state)]
        one.sample()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "check_changed" in line]
    assert [(line["was"], line["state"], line["level"]) for line in lines] == [
        ("ok", "warning", "warning"),
        ("warning", "ok", "info"),
    ]
