"""Memory of a process that answers service calls, ten thousand of them, in a process of its own."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.mongo.client import new_id
from backend.kit.observability import log
from backend.progress.models import ChapterFilters, ProgressChange
from bench.clock import MovingClock
from bench.made import SIZES, Made
from bench.measures import Measure, Result, Target
from bench.school import Bench

CALLS, WARM_UP = 10_000, 1_000
LOOK_EACH = 50  # calls between two looks
STUDENTS = 90
PAGE = os.sysconf("SC_PAGE_SIZE")


def take(bench: Bench) -> Sequence[Result]:
    """By how much resident memory grew after the first thousand calls."""
    school = bench.school(SIZES["10k"])
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        seen = pool.submit(resident, school.settings, school.made).result()
    early = median(seen[WARM_UP // LOOK_EACH : 2 * WARM_UP // LOOK_EACH])
    late = median(seen[-WARM_UP // LOOK_EACH :])
    note = f"{late / 2**20:.0f} MiB at the end, medians of a thousand calls each"
    return [Result((late - early) / 2**20, f"calls 1,000 to {CALLS:,}", samples=len(seen), note=note)]


def resident(settings: Settings, made: Made) -> list[int]:
    """Bytes of resident memory, looked at every 50 calls."""
    log.configure("ERROR")
    backend = build(settings, clock=MovingClock(made.at))
    seen = []
    try:
        for number, call in enumerate(islice(cycle(_calls(backend, made)), CALLS)):
            call()
            if number % LOOK_EACH == 0:
                seen.append(_resident_bytes())
    finally:
        backend.close()
    return seen


def _calls(backend: Backend, made: Made) -> Sequence[Callable[[], object]]:
    """What 90 students and their teacher do in turn: every page once, and one save each."""
    chapters = backend.chapters.active()
    each = [_visit(backend, made, number, chapters[number].id) for number in range(STUDENTS)]
    return [call for calls in each for call in calls]


def _visit(backend: Backend, made: Made, number: int, chapter_id: str) -> list[Callable[[], object]]:
    student, teacher, classroom = made.student(number), made.teacher(0), made.classroom(0).id
    one_more = ProgressChange(questions_delta=1)
    return [
        lambda: backend.overview.home(student),
        lambda: backend.overview.chapters(student, ChapterFilters(search="motion")),
        lambda: backend.overview.chapter(student, chapter_id),
        lambda: backend.overview.insights(student),
        lambda: backend.boards.board(student),
        lambda: backend.statistics.statistics(student, ("subject", "class")),
        lambda: backend.progress.change(student, chapter_id, one_more, key=new_id(), confirm=True),
        lambda: backend.reports.report(teacher, classroom),
        lambda: backend.reports.matrix(teacher, classroom),
    ]


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


MEASURES: tuple[Measure, ...] = (
    Measure(
        "memory",
        "data",
        "Resident memory of a process, growth in service calls",
        "",
        Target("at most", 2, "MiB"),
        take,
    ),
)
