"""How loaded this machine is, and what share of the allowances that leaves. Knows neither limits nor requests."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import psutil

from backend.kit.observability import log

FLOOR = 0.25
SAMPLE_SECONDS = 1.0
DEAD_BAND = 0.1  # pressure must fall by so much before anything is given back
DOWN, UP = 0.4, 0.1  # part of the way that is gone each second: soon down, slowly back

_log = log.get(__name__)


@dataclass(frozen=True)
class Readings:
    """Shares of the machine (0 to 1), and seconds that work had to wait before it began."""

    cpu: float = 0.0
    memory: float = 0.0
    loop_delay_seconds: float = 0.0
    pool_wait_seconds: float = 0.0


CALM = Readings(cpu=0.85, memory=0.85, loop_delay_seconds=0.1, pool_wait_seconds=0.05)
FULL = Readings(cpu=1.0, memory=0.97, loop_delay_seconds=1.0, pool_wait_seconds=1.0)
PARTS = ("cpu", "memory", "loop_delay_seconds", "pool_wait_seconds")


class Probe(Protocol):
    def read(self) -> Readings:
        """The present readings."""
        ...


@dataclass(frozen=True)
class LoadState:
    """The share of the allowances that is given, what it is drawn to, and why."""

    share: float
    target: float
    readings: Readings
    pressures: dict[str, float]


class Governor:
    """Follows a probe: each part presses from its calm reading on, and the hardest pressed one decides.

    The share goes to 1 - (1 - floor) × pressure by a part of the way each second, so that callers are slowed and
    given room smoothly; within the dead band nothing moves, so that it does not swing.
    """

    def __init__(self, probe: Probe, *, floor: float = FLOOR) -> None:
        self._probe = probe
        self._floor = floor
        self._held_pressure = 0.0
        self._state = LoadState(1.0, 1.0, Readings(), dict.fromkeys(PARTS, 0.0))
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> LoadState:
        """As of the last sample."""
        return self._state

    @property
    def share(self) -> float:
        """The share of the allowances that is given now, from the floor to 1, in steps of a twentieth."""
        return max(self._floor, round(self._state.share * 20) / 20)

    def start(self) -> None:
        """Begin to sample once a second (a daemon thread)."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="load", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop sampling."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
            self._thread = None

    def sample(self) -> LoadState:
        """Take one sample and move one second's part of the way."""
        readings = self._probe.read()
        pressures = {part: _pressure(part, readings) for part in PARTS}
        self._hold(max(pressures.values()))
        target = 1.0 - (1.0 - self._floor) * self._held_pressure
        share = self._state.share
        share += (target - share) * (DOWN if target < share else UP)
        if abs(target - share) < 0.01:  # noqa: PLR2004  (there, as far as anybody can tell)
            share = target
        self._state = LoadState(share, target, readings, pressures)
        return self._state

    def _hold(self, pressure: float) -> None:
        if pressure > self._held_pressure or pressure < self._held_pressure - DEAD_BAND or not pressure:
            self._held_pressure = pressure

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_SECONDS):
            try:
                self.sample()
            except Exception as error:  # noqa: BLE001  (a reading that fails must not end the sampling)
                _log.warning("load_not_read", reason=repr(error))


def _pressure(part: str, readings: Readings) -> float:
    now, calm, full = (float(getattr(of, part)) for of in (readings, CALM, FULL))
    return min(1.0, max(0.0, (now - calm) / (full - calm)))


class MachineProbe:
    """Reads this machine; `pool_wait` says the longest wait for a database connection since it was last asked."""

    def __init__(self, pool_wait: Callable[[], float]) -> None:
        self._pool_wait = pool_wait
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._sent_at: float | None = None
        self._slowest = 0.0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure from now on how long this loop lets its work wait."""
        with self._lock:  # a call that the loop before it never came to is no delay of this one
            self._loop, self._sent_at, self._slowest = loop, None, 0.0

    @property
    def is_watching(self) -> bool:
        """Whether there is a loop to measure."""
        return self._loop is not None and not self._loop.is_closed()

    def read(self) -> Readings:
        return Readings(
            cpu=psutil.cpu_percent(None) / 100,
            memory=psutil.virtual_memory().percent / 100,
            loop_delay_seconds=self._loop_delay(),
            pool_wait_seconds=self._pool_wait(),
        )

    def _loop_delay(self) -> float:
        """How long the loop took to come to the call of the last sample; so far, where it has not come to it."""
        loop, now = self._loop, monotonic()
        if loop is None or loop.is_closed():
            return 0.0
        with self._lock:
            if self._sent_at is not None:
                return now - self._sent_at
            slowest, self._slowest, self._sent_at = self._slowest, 0.0, now
        try:
            loop.call_soon_threadsafe(self._heard)
        except RuntimeError:  # the loop was closed between the two lines
            return 0.0
        return slowest

    def _heard(self) -> None:
        with self._lock:
            if self._sent_at is not None:
                self._slowest = max(self._slowest, monotonic() - self._sent_at)
                self._sent_at = None
