"""A class as its teacher's page asks for it, while nobody saves and while thirty do."""

import threading
from collections.abc import Sequence
from functools import partial
from itertools import count
from random import Random

from backend.bootstrap import Backend
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange
from bench.made import CHAPTERS, Made
from bench.measures import Measure, Result, Target
from bench.pairs import percentile, seconds
from bench.people import CLASS_SIZE
from bench.school import Bench, at_work, busy

SAVERS = 30
THINK_SECONDS = (1.0, 3.0)  # between two saves of one student: faster than anybody solves a question
PHASES, READS_EACH, BETWEEN_SECONDS = 3, 50, 0.05  # a teacher's page asks again when news comes, so often at most
REPORT, MATRIX, WEEKS = "learners", "chapter by chapter", "over time"


def take(bench: Bench) -> Sequence[Result]:
    """p95 of each view of the page, with savers and without, in turns."""
    with bench.scratch() as (backend, made), at_work(backend):
        quiet: dict[str, list[float]] = {REPORT: [], MATRIX: [], WEEKS: []}
        saving: dict[str, list[float]] = {REPORT: [], MATRIX: [], WEEKS: []}
        _read(backend, made, {REPORT: [], MATRIX: [], WEEKS: []}, 5)
        for _phase in range(PHASES):
            _read(backend, made, quiet, READS_EACH)
            with busy(partial(_save, backend, made), SAVERS):
                _read(backend, made, saving, READS_EACH)
    return [_result(part, saving[part], quiet[part]) for part in quiet]


def _result(part: str, saving: list[float], quiet: list[float]) -> Result:
    ours, against = percentile(saving, 0.95), percentile(quiet, 0.95)
    return Result(ours / against, part, ours, against, len(saving), "p95 of both")


def _read(backend: Backend, made: Made, kept: dict[str, list[float]], times: int) -> None:
    teacher, classroom = made.teacher(0), made.classroom(0).id
    pause = threading.Event()
    for _turn in range(times):
        kept[REPORT].append(seconds(lambda: backend.reports.report(teacher, classroom)))
        kept[MATRIX].append(seconds(lambda: backend.reports.matrix(teacher, classroom)))
        kept[WEEKS].append(seconds(lambda: backend.reports.completions_over_time(teacher, classroom)))
        pause.wait(BETWEEN_SECONDS)


def _save(backend: Backend, made: Made, number: int, stop: threading.Event) -> None:
    dice, chapters = Random(number), backend.chapters.active()  # noqa: S311 - when somebody clicks, no secret
    student = made.student(number * CLASS_SIZE // SAVERS)
    for turn in count():
        if stop.wait(dice.uniform(*THINK_SECONDS)):
            return
        chapter = chapters[(number + turn) % len(chapters)]
        backend.progress.change(student, chapter.id, ProgressChange(questions_delta=1), key=new_id(), confirm=True)


MEASURES: tuple[Measure, ...] = (
    Measure(
        "class-report",
        "data",
        f"A class of {CLASS_SIZE} with {CHAPTERS} chapters each, while {SAVERS} students save",
        "of the same while nobody saves",
        Target("at most", 2),
        take,
    ),
)
