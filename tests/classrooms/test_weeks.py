"""Study days folded into weeks."""

from datetime import date

from backend.classrooms.models import Week
from backend.classrooms.weeks import weekly
from backend.progress.models import StudyDay

WEDNESDAY = date(2026, 11, 18)


def test_weeks_run_from_monday_to_sunday() -> None:
    """A Sunday counts for the week that began six days before; the running week comes last."""
    days = [
        StudyDay(day=date(2026, 11, 9), solved=1, completed=1, changes=1),
        StudyDay(day=date(2026, 11, 15), solved=2, changes=1),
        StudyDay(day=date(2026, 11, 16), solved=4, changes=1),
    ]
    assert weekly(days, WEDNESDAY, 2) == (
        Week(first_day=date(2026, 11, 9), completed=1, solved=3),
        Week(first_day=date(2026, 11, 16), completed=0, solved=4),
    )


def test_no_data_is_not_zero() -> None:
    """Weeks before anything was saved hold None; an idle week after that holds 0."""
    first, idle, now = weekly([StudyDay(day=date(2026, 11, 8), solved=7, changes=1)], WEDNESDAY, 3)
    assert (first.solved, idle.solved, now.solved) == (7, 0, 0)
    assert [week.solved for week in weekly([], WEDNESDAY, 2)] == [None, None]
    assert [week.solved for week in weekly([], WEDNESDAY, 2, has_earlier=True)] == [0, 0]


def test_a_week_is_never_below_zero() -> None:
    """A week in which more was taken back than done shows 0."""
    (week,) = weekly([StudyDay(day=WEDNESDAY, solved=-3, completed=-1, changes=2)], WEDNESDAY, 1)
    assert (week.solved, week.completed) == (0, 0)
