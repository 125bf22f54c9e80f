"""Students who save, in a process of their own: in the reader's they would hold her interpreter and be measured too."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from itertools import count
from random import Random
from typing import Any

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.mongo.client import new_id
from backend.kit.observability import log
from backend.progress.models import ProgressChange
from bench import maker
from bench.made import Made, Size
from bench.people import CLASS_SIZE
from bench.school import School, busy

SAVERS, THINK_SECONDS = 30, (0.5, 1.5)  # between two saves of one student
START_SECONDS = 120.0
Saving = Callable[[], AbstractContextManager[None]]


@contextmanager
def savers(school: School) -> Iterator[Saving]:
    """`with saving():` thirty students of the first class save one question after the other within that block."""
    spawned = multiprocessing.get_context("spawn")
    ready, saves, is_over = spawned.Event(), spawned.Event(), spawned.Event()
    process = spawned.Process(
        target=_save_until, args=(school.settings, school.made.size, ready, saves, is_over), daemon=True
    )

    @contextmanager
    def saving() -> Iterator[None]:
        saves.set()
        try:
            yield
        finally:
            saves.clear()

    process.start()
    try:
        assert ready.wait(START_SECONDS), "the students did not come"  # noqa: S101 - as in a test
        yield saving
    finally:
        is_over.set()
        process.join(START_SECONDS)
    assert process.exitcode == 0, "a student could not save"  # noqa: S101 - as in a test


def _save_until(settings: Settings, size: Size, ready: Any, saves: Any, is_over: Any) -> None:
    """The process of the savers; the events say that it is there, when they save, and that it may go."""
    log.configure("ERROR")
    made = maker.made(settings, size, lambda _line: None)
    with closing(build(settings)) as backend, busy(partial(_save, backend, made, saves), SAVERS):
        ready.set()
        is_over.wait()


def _save(backend: Backend, made: Made, saves: Any, number: int, stop: threading.Event) -> None:
    dice, chapters = Random(number), backend.chapters.active()  # noqa: S311 - when somebody clicks, no secret
    student = made.student(number * CLASS_SIZE // SAVERS)
    for turn in count():
        if stop.wait(dice.uniform(*THINK_SECONDS)):
            return
        if saves.is_set():
            chapter = chapters[(number + turn) % len(chapters)]
            backend.progress.change(student, chapter.id, ProgressChange(questions_delta=1), key=new_id(), confirm=True)
