"""What the projector does beside sums of chapters: the sums of days, and telling who else keeps figures."""

from collections.abc import Iterable
from datetime import date

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.progress.models import ProgressChange, StudyDay
from backend.statistics.models import Change, Deltas
from backend.statistics.projector import Projector, by_day
from backend.statistics.queries import KINDS, ProjectorQueries
from tests.classrooms.builders import save
from tests.school import NOON
from tests.statistics.builders import running
from tests.waiting import eventually

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)


class Follower:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def work_saved(self, student_ids: Iterable[str]) -> None:
        self.told += sorted(student_ids)

    def forget(self) -> None:
        self.told.append("forget")


def change(day: date, *, solved: int, completed: int = 0, is_imported: bool = False) -> Change:
    return Change(
        student_id="s",
        chapter_id="c",
        study_day=day,
        deltas=Deltas(solved=solved, completed=completed),
        is_imported=is_imported,
        token={},
        at=NOON,
    )


def test_days_are_summed_without_what_was_carried_over() -> None:
    """Work done elsewhere before is a change of that day, and no work of it; what was undone is taken off its day."""
    found = by_day(
        [
            change(MONDAY, solved=5, completed=1),
            change(MONDAY, solved=30, completed=2, is_imported=True),
            change(TUESDAY, solved=7),
            change(MONDAY, solved=-5, completed=-1),
            change(MONDAY, solved=2),
        ]
    )
    assert found == {
        MONDAY: StudyDay(day=MONDAY, solved=2, completed=0, changes=4),
        TUESDAY: StudyDay(day=TUESDAY, solved=7, completed=0, changes=1),
    }


def test_whoever_follows_is_told_of_work_and_of_a_lost_place(backend: Backend, student: Viewer) -> None:
    """After a place that the server does not know, all that follows from work is forgotten; then work is told again."""
    backend.mongo["projectorState"].insert_one(
        {"_id": "chapterStatistics", "epoch": 0, "revision": 0, "kinds": KINDS, "token": {"_data": "82000000000000"}}
    )
    follower = Follower()
    with running(Projector(ProjectorQueries(backend.mongo), backend.cache, follower)):
        assert eventually(lambda: "forget" in follower.told)
        save(backend, student, 0, "a", ProgressChange(questions_delta=5))
        assert eventually(lambda: student.id in follower.told)
