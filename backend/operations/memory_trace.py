"""Tracing of memory by line of the program, for some seconds when an administrator asks."""

import threading
import tracemalloc
from datetime import datetime
from pathlib import Path

from backend.accounts.models import Viewer
from backend.audit.trail import AuditTrail
from backend.errors import Conflict, Invalid
from backend.kit.clock import SystemClock
from backend.kit.i18n import _
from backend.kit.model import Shape
from backend.policy import authorise

SHORTEST_SECONDS, LONGEST_SECONDS = 1, 60
SITES = 20
ROOT = Path(__file__).resolve().parents[2]


class Site(Shape, frozen=True, kw_only=True):
    """One line of the program: what is held now of what it allocated during the trace."""

    place: str
    held_bytes: int
    blocks: int


class MemoryTrace(Shape, frozen=True, kw_only=True):
    """The last trace of this process, or the one under way; the largest sites first."""

    is_running: bool
    seconds: int = 0
    started_at: datetime | None = None
    held_bytes: int = 0
    sites: tuple[Site, ...] = ()


NEVER = MemoryTrace(is_running=False)


class MemoryTracing:
    """Traces this process. Tracing makes allocations ten times slower, so it is short, one at a time, and audited."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._clock = SystemClock()
        self._last = NEVER

    def trace(self, viewer: Viewer) -> MemoryTrace:
        """The last trace. For admins."""
        authorise(viewer, "memory.trace")
        return self._last

    def start(self, viewer: Viewer, seconds: int) -> MemoryTrace:
        """Trace for 1 to 60 seconds. For admins. Raises Invalid, and Conflict while one is under way."""
        authorise(viewer, "memory.start")
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise Invalid(
                _("Trace for {least} to {most} seconds.").format(least=SHORTEST_SECONDS, most=LONGEST_SECONDS)
            )
        with self._lock:
            if self._last.is_running or tracemalloc.is_tracing():
                raise Conflict(_("Memory is being traced already."))
            self._trail.record(viewer, "memory.traced", "settings", "memory", after={"seconds": seconds})
            self._last = MemoryTrace(is_running=True, seconds=seconds, started_at=self._clock.now())
            threading.Thread(target=self._run, args=(seconds,), name="memory-trace", daemon=True).start()
            return self._last

    def close(self) -> None:
        """End a trace that is under way."""
        self._stop.set()

    def _run(self, seconds: int) -> None:
        tracemalloc.start(1)
        try:
            self._stop.wait(seconds)
            snapshot = tracemalloc.take_snapshot()
        finally:
            tracemalloc.stop()
        # Memory held by the tracing itself is not a leak.
        own = snapshot.filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)])
        statistics = own.statistics("lineno")
        self._last = MemoryTrace(
            is_running=False,
            seconds=seconds,
            started_at=self._last.started_at,
            held_bytes=sum(each.size for each in statistics),
            sites=tuple(_site(each) for each in statistics[:SITES]),
        )


def _site(found: tracemalloc.Statistic) -> Site:
    frame = found.traceback[0]
    return Site(place=f"{_short(frame.filename)}:{frame.lineno}", held_bytes=found.size, blocks=found.count)


def _short(file: str) -> str:
    """Return the file name without the folder where it is installed."""
    for marker in ("site-packages/", f"{ROOT}/", "/lib/python"):
        _before, found, after = file.rpartition(marker)
        if found:
            return after
    return file
