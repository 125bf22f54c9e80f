"""How students spread: bins that hold everybody once, the same from database and from Python."""

from hypothesis import given
from hypothesis import strategies as st

from backend.progress.models import ProgressCounts, SubjectCounts, SummaryRecord
from backend.statistics.distribution import COMPLETION_BINS, SOLVED_BINS, distribution, levels, percent, solved_bin
from tests.school import NOON

SUBJECTS = ("Physics", "Chemistry")


def summary(number: int, **subjects: tuple[int, int]) -> SummaryRecord:
    parts = tuple(
        SubjectCounts(subject=name, completed=done, solved=solved) for name, (done, solved) in subjects.items()
    )
    total = ProgressCounts(completed=sum(each.completed for each in parts), solved=sum(each.solved for each in parts))
    return SummaryRecord(id=str(number), total=total, subjects=parts)


def test_bins_have_no_gap_and_no_overlap() -> None:
    """Each bin begins where the one before ends, and the last holds whatever is more."""
    for bins in (SOLVED_BINS, COMPLETION_BINS):
        assert [least for least, _most in bins[1:]] == [most + 1 for _least, most in bins[:-1] if most is not None]
    assert [solved_bin(count) for count in (-3, 0, 1, 50, 51, 1000, 1001, 10**6)] == [0, 0, 1, 1, 51, 501, 1001, 1001]


def test_nought_and_whole_are_said_of_nought_and_whole_only() -> None:
    """One chapter of 500 is not 0 %, and 499 are not 100 %."""
    assert [percent(done, 500) for done in (0, 1, 250, 499, 500)] == [0, 1, 50, 99, 100]
    assert percent(0, 0) == 0


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 2000)), max_size=30))
def test_everybody_is_in_one_bin(students: list[tuple[int, int]]) -> None:
    """However they stand, both histograms add up to all of them, and the average is that of the students."""
    found = levels((summary(number, Physics=each) for number, each in enumerate(students)), SUBJECTS)
    spread = distribution(found, "Physics", 10, len(students), NOON)
    assert sum(each.students for each in spread.completion) == sum(each.students for each in spread.solved)
    assert sum(each.students for each in spread.completion) == len(students)
    if students:
        assert spread.average_completed is not None
        assert abs(spread.average_completed - sum(done for done, _solved in students) / (10 * len(students))) < 1e-9
    else:
        assert spread.average_completed is None


def test_who_did_nothing_in_a_subject_counts_there_as_nothing() -> None:
    """A subject's histogram has as many students as the whole; those without work in it stand at 0."""
    found = levels([summary(1, Physics=(10, 60)), summary(2, Chemistry=(1, 5))], ["Physics"])
    spread = distribution(found, "Physics", 10, 2, NOON)
    assert [each.students for each in spread.completion] == [1, 0, 0, 0, 0, 1]
    assert [each.students for each in spread.solved] == [1, 0, 1, 0, 0, 0, 0]
