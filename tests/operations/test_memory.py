"""Memory: growth without end is told from a cache that fills, and the line that keeps memory is found."""

import time
import tracemalloc

import pytest

from backend.bootstrap import Backend
from backend.errors import Conflict, Invalid
from backend.kit.observability.trend import FEWEST, HOUR_SECONDS, Growth
from backend.operations import machine, machine_checks
from tests.school import School
from tests.waiting import until

MB = 1_000_000


def test_a_process_that_keeps_what_it_allocates_is_noticed() -> None:
    """A real rise of this process's memory, steady over the whole span, is a warning with the slope; flat is well."""
    growth, kept = Growth(span_seconds=0.2), []
    for _step in range(2 * FEWEST):
        kept.append(bytearray(b"x" * 4 * MB))
        growth.add(time.monotonic(), machine.memory().own_bytes)
        time.sleep(0.01)
    found = machine_checks.growth(growth.slope(), machine.handles())
    assert (found.state, bool(found.fix)) == ("warning", True)
    assert found.value is not None
    assert found.value > 100 * MB
    calm = Growth(span_seconds=0.2)
    for step in range(2 * FEWEST):
        calm.add(float(step), 300.0 * MB)
    assert machine_checks.growth(calm.slope(), machine.handles()).state == "ok"
    assert len(kept) == 2 * FEWEST


def test_growth_needs_time_and_steadiness() -> None:
    """Too few samples say nothing; a rise that ends, as of a cache that has filled, and single peaks are no growth."""
    young, filled, peaks = (Growth(span_seconds=1_000) for _each in range(3))
    for step in range(FEWEST - 1):
        young.add(step * 100.0, step * 100.0 * MB)
    assert young.slope() is None
    for step in range(120):
        filled.add(step * 30.0, min(step, 30) * 10.0 * MB)
        peaks.add(step * 30.0, (900 if step % 17 == 0 else 300) * MB)
    level, flat = filled.slope(), peaks.slope()
    assert level is not None
    assert flat is not None
    assert level.per_hour == 0
    assert flat.per_hour == 0


def test_the_slope_is_that_of_the_line() -> None:
    """Ten megabytes more every half minute are 1.2 GB an hour, whatever single samples say."""
    growth = Growth()
    for step in range(100):
        growth.add(step * 30.0, (200 + step * 10 + (50 if step % 9 == 0 else 0)) * MB)
    slope = growth.slope()
    assert slope is not None
    assert slope.is_steady
    assert slope.per_hour == pytest.approx(10 * MB * HOUR_SECONDS / 30, rel=0.05)


def test_a_trace_names_the_line_that_keeps_memory(backend: Backend, school: School) -> None:
    """While it runs, what is allocated and kept is found at its line; one at a time, bounded, and written down."""
    admin = school.admin()
    with pytest.raises(Invalid):
        backend.memory.start(admin, 61)
    assert backend.memory.start(admin, 1).is_running
    with pytest.raises(Conflict):
        backend.memory.start(admin, 1)
    until(tracemalloc.is_tracing)
    kept = [bytearray(MB) for _piece in range(8)]
    until(lambda: not backend.memory.trace(admin).is_running)
    trace = backend.memory.trace(admin)
    assert not tracemalloc.is_tracing()
    largest = trace.sites[0]
    assert "tests/operations/test_memory.py" in largest.place
    assert largest.held_bytes >= 8 * MB == sum(map(len, kept))
    assert [entry.act for entry in backend.audit.entries(admin).entries].count("memory.traced") == 1
