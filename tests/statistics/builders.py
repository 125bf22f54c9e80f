"""Projectors over a test's backend, started and stopped, and the truth they are compared with."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from backend.statistics.models import ChapterStatistics
from backend.statistics.projector import Projector
from backend.statistics.queries import ProjectorQueries, StatisticsQueries
from backend.statistics.shared_figures import RENEWED_AFTER, SETTLED, STUDIED_DAYS
from tests.classrooms.builders import save
from tests.waiting import PATIENCE_SECONDS, eventually


def projector(backend: Backend) -> Projector:
    return Projector(ProjectorQueries(backend.mongo), backend.cache)


@contextmanager
def running(of: Projector) -> Iterator[Projector]:
    """The projector at work on a thread; stopped, and gone, after the block."""
    stop = threading.Event()
    thread = threading.Thread(target=of.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield of
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def kept(backend: Backend) -> dict[str, ChapterStatistics]:
    """What the projector wrote, without chapters that stand at zero."""
    found = StatisticsQueries(backend.mongo).every()
    return {key: value for key, value in found.items() if value != ChapterStatistics(id=key)}


def truth(backend: Backend) -> dict[str, ChapterStatistics]:
    """The same, added up in Python from every student's progress as it stands."""
    sums: dict[str, dict[str, int]] = {}
    for record in backend.mongo["progress"].find({}):
        solved, status, weak = record["questionSolved"], record["status"], record["isWeakChapter"]
        each = {
            "students": int(bool(solved or weak or status != "Not Started")),
            "completed": int(status == "Completed"),
            "in_progress": int(status == "In Progress"),
            "weak": int(weak),
            "solved": solved,
        }
        so_far = sums.setdefault(record["chapterId"], dict.fromkeys(each, 0))
        sums[record["chapterId"]] = {name: so_far[name] + value for name, value in each.items()}
    return {key: ChapterStatistics(id=key, **value) for key, value in sums.items() if any(value.values())}


def catches_up(backend: Backend) -> bool:
    """Whether what is kept becomes the truth."""
    return eventually(lambda: kept(backend) == truth(backend))


def settle(
    backend: Backend, clock: SetClock, students: Iterable[Viewer], *, position: int = 0, wait: timedelta = SETTLED
) -> None:
    """Let these students work on a chapter on as many days, and be there for as long, as it takes to count."""
    students = tuple(students)
    for day in range(STUDIED_DAYS):
        clock.advance(timedelta(days=1))
        for student in students:
            save(backend, student, position, f"settle{day}-{position}", ProgressChange(questions_delta=10))
    clock.advance(wait)
    backend.cache.invalidate("*")


def a_day_later(backend: Backend, clock: SetClock) -> None:
    """When figures for students are due to be looked at again."""
    clock.advance(RENEWED_AFTER)
    backend.cache.invalidate("*")
