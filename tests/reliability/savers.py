"""Sixteen people who save at once, whatever fails, as a good client does: again, by the same key, until answered."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic, sleep
from typing import Self

from backend.accounts.models import Viewer
from backend.api.middleware.deadlines import REQUEST_SECONDS
from backend.bootstrap import Backend
from backend.errors import AppError, Unavailable
from backend.kit import deadline
from backend.kit.mongo.client import new_id, stable_id
from backend.progress.models import ProgressChange
from tests.waiting import until

THREADS = 16
STUDENTS = 8  # two threads each, so that one student's saves meet as well
CHAPTERS = 40
PAUSE_SECONDS = 0.1  # between two saves of one person, and before another try
A_MOMENT = timedelta(seconds=PAUSE_SECONDS / 2)  # times are kept to the millisecond; a try before is longer ago
PATIENCE_SECONDS = 90.0
SAVER = "saver-"
UNCHANGED = "Nothing was changed"
ONE_MORE = ProgressChange(questions_delta=1)


@dataclass(frozen=True)
class Ack:
    """A save that was answered with yes. Times are monotonic seconds; `was_saved`: a try before, which got no clear
    answer, had saved it already."""

    student_id: str
    chapter_id: str
    key: str
    begun_at: float
    at: float
    was_saved: bool
    thread: int

    @property
    def kept_as(self) -> str:
        """The idempotency key under which the database has it."""
        return f"{stable_id(self.student_id, self.key)}:{self.chapter_id}"


def people() -> list[Viewer]:
    """Students as they are once signed in."""
    return [
        Viewer(id=new_id(), name=f"Student {number}", email=f"{number}@example.org", role="student")
        for number in range(STUDENTS)
    ]


def is_saver() -> bool:
    """Whether this is the thread of one who saves."""
    return threading.current_thread().name.startswith(SAVER)


class Savers:
    """A context: they save until it is left, and leave only once every save that was begun is answered.

    `known` takes what was acknowledged, behind what is in it already.
    """

    def __init__(self, backend: Backend, students: Sequence[Viewer], known: list[Ack]) -> None:
        self._backend = backend
        self._students = students
        self._name = new_id()
        self._stop = threading.Event()
        self._mutex = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"{SAVER}{number}") for number in range(THREADS)
        ]
        self._known, self._before = known, len(known)
        self.refused: Counter[str] = Counter()
        self.strange: list[str] = []
        self.stale: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads), "a call never came back"

    @property
    def acks(self) -> list[Ack]:
        """Those of these savers."""
        return self._known[self._before :]

    def all_save_again(self) -> None:
        """Wait until each of them has begun and finished a save from now on. Raises AssertionError."""
        since = monotonic()
        self._await(lambda: len({ack.thread for ack in self.acks if ack.begun_at > since}) == THREADS)

    def all_are_refused(self) -> None:
        """Wait until each of them could have been refused once. Raises AssertionError."""
        before = self.refused.total()
        self._await(lambda: self.refused.total() >= before + THREADS)

    def _await(self, condition: Callable[[], bool]) -> None:
        until(lambda: condition() or bool(self.strange), seconds=PATIENCE_SECONDS)
        assert self.strange == []

    def gap_seconds(self, since: float) -> float:
        """The longest time from `since` on in which nobody was answered."""
        times = sorted([since, *(ack.at for ack in self.acks if ack.at > since)])
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

    def longest_seconds(self, since: float) -> float:
        """The longest that one of them waited for an answer, all tries together."""
        return max((ack.at - ack.begun_at for ack in self.acks if ack.at > since), default=0.0)

    def _work(self, number: int) -> None:
        viewer, chapters = self._students[number % len(self._students)], self._backend.chapters.active()
        turn = 0
        while not self._stop.is_set():
            turn += 1
            chapter_id = chapters[(7 * number + turn) % CHAPTERS].id
            if not self._save(viewer, chapter_id, f"{self._name} {number} {turn}", number):
                return
            sleep(PAUSE_SECONDS)

    def _save(self, viewer: Viewer, chapter_id: str, key: str, thread: int) -> bool:
        begun_at, told = monotonic(), set[str]()
        while monotonic() - begun_at < PATIENCE_SECONDS:
            tried_at = datetime.now(UTC)
            try:
                with deadline.within(REQUEST_SECONDS):  # as at the API's door
                    saved = self._backend.progress.change(viewer, chapter_id, ONE_MORE, key=key, confirm=True)
            except Unavailable as error:
                told.add(error.message)
                self._count(error)
                sleep(PAUSE_SECONDS)
                continue
            except Exception as error:  # noqa: BLE001 - whatever else a caller would see is a fault of the product
                self.strange.append(repr(error))
                return False
            was_saved = saved.at < tried_at - A_MOMENT
            if was_saved and all(UNCHANGED in each for each in told):
                self.strange.append(f"{key}: saved, though she was told nothing but {told}")
            self._known.append(Ack(viewer.id, chapter_id, key, begun_at, monotonic(), was_saved, thread))
            self._read_back(viewer, chapter_id, saved.progress[0].version)
            return True
        self.strange.append(f"no answer within {PATIENCE_SECONDS} s")
        return False

    def _read_back(self, viewer: Viewer, chapter_id: str, version: int) -> None:
        """Who saved reads what she saved, or something newer."""
        try:
            found = self._backend.progress.record(viewer.id).progress.get(chapter_id)
        except AppError as error:
            self._count(error)
            return
        if found is None or found.version < version:
            self.stale.append(f"{chapter_id}: saved version {version}, read {found and found.version}")

    def _count(self, error: AppError) -> None:
        with self._mutex:
            self.refused[error.message] += 1
