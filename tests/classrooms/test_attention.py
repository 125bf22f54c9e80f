"""Who needs attention: each rule, and what keeps it silent."""

from backend.classrooms import attention
from backend.classrooms.attention import Facts
from backend.classrooms.models import LearnerRecord
from tests.classrooms.builders import TODAY, learner


def known(record: LearnerRecord, left: int = 50) -> Facts:
    return attention.facts(record, TODAY, left)


def reasons(record: LearnerRecord, left: int = 50, quartile: float | None = None) -> tuple[str, ...]:
    return attention.reasons(known(record, left), quartile)


def test_a_learner_at_work_is_on_track() -> None:
    """Who solved something this week gives no reason and is on track."""
    facts = known(learner(days={1: (5, 0)}))
    assert attention.reasons(facts, None) == ()
    assert attention.flag(facts, ()) == "on track"


def test_seven_quiet_days_are_one_signal() -> None:
    """Six days without activity say nothing; the seventh is a reason in words, and one reason means watch."""
    assert reasons(learner(quiet_days=6, days={6: (5, 0)})) == ()
    found = reasons(learner(quiet_days=7, days={7: (5, 0)}))
    assert found == ("No activity for 7 days",)
    assert attention.flag(known(learner()), found) == "watch"


def test_two_signals_are_at_risk() -> None:
    """Who neither came nor solved anything for two weeks is at risk, with both reasons."""
    record = learner(quiet_days=20, days={20: (5, 0)})
    found = reasons(record)
    assert found == ("No activity for 20 days", "No question solved in the last 14 days")
    assert attention.flag(known(record), found) == "at risk"


def test_solving_counts_for_fourteen_days() -> None:
    """A question 13 days ago is within the last 14 days, one 14 days ago is not."""
    assert reasons(learner(days={13: (1, 0)})) == ()
    assert reasons(learner(days={14: (1, 0)})) == ("No question solved in the last 14 days",)


def test_work_taken_back_is_not_work() -> None:
    """Days that add up to nothing, or less, hold no solved question."""
    assert reasons(learner(days={3: (5, 0), 2: (-8, 0)})) == ("No question solved in the last 14 days",)


def test_new_students_are_not_judged() -> None:
    """Who joined 13 days ago has no flag and no reason, however quiet; a day later she has."""
    fresh = learner(joined_days_ago=13, quiet_days=None)
    assert reasons(fresh) == ()
    assert attention.flag(known(fresh), ()) is None
    settled = learner(joined_days_ago=14, quiet_days=None)
    assert reasons(settled)[0] == "No activity since joining 14 days ago"


def test_who_has_finished_may_rest() -> None:
    """With every chapter completed, silence is no signal."""
    done = learner(quiet_days=40)
    assert reasons(done, left=0) == ()
    assert attention.flag(known(done, left=0), ()) == "on track"


def test_quartile_needs_ten_active_learners() -> None:
    """With nine active learners there is no quartile; the tenth makes one."""
    crowd = [known(learner(f"L{count}", days={1: (3, count)})) for count in range(10)]
    assert attention.quartile(crowd[:9]) is None
    assert attention.quartile(crowd) == 2.25  # of 0…9, by linear interpolation


def test_bottom_quartile_is_a_signal() -> None:
    """Who completed fewer chapters in 14 days than three quarters of the class is told of with her count."""
    slow = learner(days={1: (3, 1)})
    assert reasons(slow, quartile=1.0) == ()
    assert reasons(slow, quartile=2.0) == (
        "1 chapter completed in 14 days: fewer than three quarters of the class did",
    )


def test_peers_are_no_measure_for_the_absent() -> None:
    """Who was away for two weeks is told of for that alone, not for being behind the others as well."""
    away = learner(quiet_days=14, days={14: (3, 0)})
    assert len(reasons(away, quartile=5.0)) == 2


def test_solving_less_two_weeks_running() -> None:
    """Two falls in a row down to half or less are told with the three numbers; a small fall or one week is not."""
    falling = learner(days={1: (10, 0), 8: (20, 0), 15: (40, 0)})
    assert reasons(falling) == ("Solving less two weeks running: 40, 20, 10 questions",)
    assert reasons(learner(days={1: (30, 0), 8: (35, 0), 15: (40, 0)})) == ()
    assert reasons(learner(days={1: (10, 0), 8: (40, 0), 15: (40, 0)})) == ()
