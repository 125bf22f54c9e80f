"""The allowance follows the machine: down soon, back slowly, never below its floor, without swinging."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from backend.kit.limiter.load_governor import FLOOR, Governor, MachineProbe, Readings
from tests.waiting import until


class GivenReadings:
    """A probe that reads what a test sets."""

    def __init__(self) -> None:
        self.readings = Readings()

    def read(self) -> Readings:
        return self.readings


@pytest.fixture
def probe() -> GivenReadings:
    return GivenReadings()


def shares(governor: Governor, seconds: int) -> list[float]:
    return [governor.sample().share for _second in range(seconds)]


def test_a_calm_machine_gives_everything(probe: GivenReadings) -> None:
    """Three quarters of the processors busy is what they are for."""
    probe.readings = Readings(cpu=0.75, memory=0.8, loop_delay_seconds=0.05, pool_wait_seconds=0.01)
    governor = Governor(probe)
    assert shares(governor, 5) == [1.0] * 5
    assert governor.share == 1.0


@pytest.mark.parametrize(
    "pressed",
    [
        Readings(cpu=1.0),
        Readings(memory=0.99),
        Readings(loop_delay_seconds=2.0),
        Readings(pool_wait_seconds=1.5),
    ],
    ids=["cpu", "memory", "event loop", "database pool"],
)
def test_each_part_presses_down_to_the_floor_and_no_further(probe: GivenReadings, pressed: Readings) -> None:
    """Any one of them in full distress: a quarter is given within some seconds, step by step, and stays."""
    probe.readings = pressed
    way = shares(Governor(probe), 30)
    assert way == sorted(way, reverse=True)
    assert way[0] > 0.6  # not all at once
    assert way[8] < 0.3  # but soon
    assert way[-1] == FLOOR


def test_it_returns_slowly_and_in_full(probe: GivenReadings) -> None:
    """After the distress everything comes back, slower than it went."""
    governor = Governor(probe)
    probe.readings = Readings(cpu=1.0)
    shares(governor, 30)
    probe.readings = Readings()
    way = shares(governor, 90)
    assert way == sorted(way)
    assert way[8] < 0.75
    assert way[-1] == 1.0


def test_small_changes_move_nothing(probe: GivenReadings) -> None:
    """A reading that trembles around one value leaves the target where it is."""
    governor = Governor(probe)
    probe.readings = Readings(cpu=0.95)
    shares(governor, 40)
    held = governor.state.target
    for trembling in (0.94, 0.945, 0.95, 0.94, 0.949) * 4:
        probe.readings = Readings(cpu=trembling)
        assert governor.sample().target == held


def test_a_probe_that_fails_ends_nothing(probe: GivenReadings) -> None:
    """The thread goes on sampling after an error of the machine's readings."""
    failures = iter([OSError("no /proc")])

    class Failing(GivenReadings):
        def read(self) -> Readings:
            for failure in failures:
                raise failure
            return Readings(cpu=1.0)

    governor = Governor(Failing())
    governor.start()
    try:
        until(lambda: governor.share < 1.0)
    finally:
        governor.close()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own."""
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join(60)
    running.close()


def test_a_blocked_event_loop_is_noticed(loop: asyncio.AbstractEventLoop) -> None:
    """Something that holds the loop for a second and a half is read as a delay of more than half a second."""
    probe = MachineProbe(lambda: 0.0)
    probe.watch(loop)
    until(lambda: probe.read().loop_delay_seconds < 0.2)
    loop.call_soon_threadsafe(time.sleep, 1.5)
    until(lambda: probe.read().loop_delay_seconds > 0.5)
    until(lambda: probe.read().loop_delay_seconds < 0.2)


def test_a_loop_that_ended_does_not_slow_the_next_one(loop: asyncio.AbstractEventLoop) -> None:
    """What was sent to a loop that never came to it is no delay of the loop that is watched afterwards."""
    before, probe = asyncio.new_event_loop(), MachineProbe(lambda: 0.0)
    probe.watch(before)
    probe.read()
    before.close()
    probe.watch(loop)
    time.sleep(0.3)  # the delay that would be read, were it that of the first call
    probe.read()
    until(lambda: probe.read().loop_delay_seconds < 0.2)


def test_the_longest_wait_for_a_connection_counts() -> None:
    """What the pool of the database says is taken as it is, and once."""
    waits = iter([0.7, 0.0])
    probe = MachineProbe(lambda: next(waits))
    assert [probe.read().pool_wait_seconds for _second in range(2)] == [0.7, 0.0]
