"""Saving: 16 writers through the service against 16 that do the same transaction bare, the projector keeping up."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from statistics import median

from backend.bootstrap import Backend
from backend.chapters.models import Chapter
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange
from bench import bare
from bench.made import CHAPTERS, Made
from bench.measures import Measure, Result, Target
from bench.pairs import percentile
from bench.school import Bench, at_work, busy

WRITERS = 16
ROUNDS, ROUND_SECONDS, PAUSE_SECONDS = 4, 5.0, 0.5
PROBE_CHAPTER = CHAPTERS - 1  # the writers leave it alone, so that its statistics tell when a save has arrived
STUDENTS_EACH = 6
LOOK_SECONDS, LOST_SECONDS = 0.005, 30.0

Save = Callable[[int, Chapter], None]


@dataclass
class Found:
    """Saves a second of each round, and seconds from a commit to the statistics that show it."""

    ours: list[float] = field(default_factory=list)
    against: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)


def take_throughput(bench: Bench) -> Sequence[Result]:
    """Saves a second through the service for each bare one."""
    found = _found(bench)
    ours, theirs = median(found.ours), median(found.against)
    note = f"{ours:.0f} saves a second against {theirs:.0f}"
    return [Result(ours / theirs, "", 1 / ours, 1 / theirs, len(found.ours), note)]


def take_lag(bench: Bench) -> Sequence[Result]:
    """From a commit to the statistics, while the 16 write."""
    lags = _found(bench).lags
    return [Result(percentile(lags, 0.95), "p95", median(lags), None, len(lags), "ours is the median")]


@cache
def _found(bench: Bench) -> Found:
    with bench.scratch() as (backend, made), at_work(backend):
        return _rounds(backend, made)


def _rounds(backend: Backend, made: Made) -> Found:
    found, chapters = Found(), backend.chapters.active()[:PROBE_CHAPTER]
    ours, against = _through_service(backend, made), _bare(backend, made)
    for save in (ours, against):
        _saves_a_second(save, chapters, PAUSE_SECONDS)
    for turn in range(ROUNDS):
        for save in (ours, against) if turn % 2 == 0 else (against, ours):
            if save is ours:
                with busy(partial(_probe, backend, made, found.lags), 1):
                    found.ours.append(_saves_a_second(save, chapters, ROUND_SECONDS))
            else:
                found.against.append(_saves_a_second(save, chapters, ROUND_SECONDS))
            time.sleep(PAUSE_SECONDS)  # so that what one side left to do is not done on the other's time
    return found


def _through_service(backend: Backend, made: Made) -> Save:
    one_more = ProgressChange(questions_delta=1)

    def save(student: int, chapter: Chapter) -> None:
        backend.progress.change(made.student(student), chapter.id, one_more, key=new_id(), confirm=True)

    return save


def _bare(backend: Backend, made: Made) -> Save:
    def save(student: int, chapter: Chapter) -> None:
        bare.add_questions(backend.mongo, made.student(student).id, chapter, 1, backend.clock.now())

    return save


def _saves_a_second(save: Save, chapters: Sequence[Chapter], seconds: float) -> float:
    """Each writer has students of her own, as people have."""
    done = [0] * WRITERS

    def write(writer: int, stop: threading.Event) -> None:
        while not stop.is_set():
            turn = done[writer]
            save(writer + WRITERS * (turn % STUDENTS_EACH), chapters[(writer + turn) % len(chapters)])
            done[writer] += 1

    began = time.perf_counter()
    with busy(write, WRITERS):
        time.sleep(seconds)
    return sum(done) / (time.perf_counter() - began)


def _probe(backend: Backend, made: Made, lags: list[float], _number: int, stop: threading.Event) -> None:
    """Save on a chapter of one's own, see how long its statistics take to say so, and again."""
    student, chapter = made.student(made.size.students - 1), backend.chapters.active()[PROBE_CHAPTER]
    statistics = backend.mongo["chapterStatistics"]
    solved = backend.statistics.chapter(made.administrator(), chapter.id).solved
    while not stop.is_set():
        backend.progress.change(student, chapter.id, ProgressChange(questions_delta=1), key=new_id(), confirm=True)
        saved, solved = time.perf_counter(), solved + 1
        while (statistics.find_one({"_id": chapter.id}) or {"solved": 0})["solved"] < solved:
            if time.perf_counter() - saved > LOST_SECONDS:
                raise AssertionError("a save never reached the statistics")
            time.sleep(LOOK_SECONDS)
        lags.append(time.perf_counter() - saved)


MEASURES: tuple[Measure, ...] = (
    Measure(
        "writes",
        "data",
        f"Saving, {WRITERS} writers, through the service",
        "of bare pymongo doing the same transaction",
        Target("at least", 0.5),
        take_throughput,
    ),
    Measure(
        "projector-lag",
        "data",
        f"From a save to the statistics while {WRITERS} write",
        "",
        Target("at most", 1.0, "s"),
        take_lag,
    ),
)
