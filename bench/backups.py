"""Memory of a process that backs a whole school up, reads the archive again and restores it beside the school."""

import multiprocessing
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter

from pydantic import SecretStr

from backend.bootstrap import build
from backend.config import Settings
from backend.kit.observability import log
from bench.clock import MovingClock
from bench.made import Made
from bench.measures import Measure, Result, Target
from bench.school import Bench

MIB = 2**20
_KEY_AS_SET = SecretStr("a key for the archives of a measure")  # sealed, as they should be

Found = tuple[str, int, float, int, int]  # what was done, peak bytes, seconds, documents, bytes as stored


def take(bench: Bench) -> Sequence[Result]:
    """The most memory that was resident at any moment of each step, all of the process counted."""
    school = bench.school(bench.largest)
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=bench.folder) as place:
        settings = school.settings.model_copy(update={"backup_url": place, "backup_journal": False})
        with ProcessPoolExecutor(1, mp_context=fresh) as pool:
            found = pool.submit(peaks, settings, school.made).result()
    return [
        Result(
            peak / MIB,
            f"{part} of {school.made.size.records:,} records",
            samples=1,
            note=f"{documents:,} documents, {stored / MIB:.0f} MiB stored, {seconds:.0f} s, sealed",
        )
        for part, peak, seconds, documents, stored in found
    ]


def peaks(settings: Settings, made: Made) -> list[Found]:
    """Each step in this very process, with the highest mark of its memory so far."""
    log.configure("ERROR")
    backend = build(settings.model_copy(update={"backup_key": _KEY_AS_SET}), clock=MovingClock(made.at))
    found: list[Found] = []
    try:
        taken = backend.backups.take()
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("backup", lambda: taken),
            ("verifying", lambda: backend.backups.verify(taken.id)),
            ("trial restore", lambda: backend.backups.drill(taken.id)),
        )
        for part, step in steps:
            started = perf_counter()
            step()
            seconds = taken.seconds if part == "backup" else perf_counter() - started
            found.append((part, _peak_bytes(), seconds, taken.documents, taken.stored_bytes))
    finally:
        backend.close()
    return found


def _peak_bytes() -> int:
    mark = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(mark[1]) * 1024 if mark else 0


MEASURES: tuple[Measure, ...] = (
    Measure(
        "backup-memory",
        "data",
        "Peak memory of a process that backs the largest school up",
        "",
        Target("at most", 300, "MiB"),
        take,
    ),
)
