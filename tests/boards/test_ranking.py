"""From scores to ranks."""

from backend.boards.models import ParticipantScores
from backend.boards.ranking import neighbours, ranked


def standings(**scores: int) -> list[ParticipantScores]:
    return [ParticipantScores(student_id=name.casefold(), name=name, questions=score) for name, score in scores.items()]


def test_ties_share_a_rank_and_stand_by_name() -> None:
    """Two seconds are both second, in order of display name, capitals or not, and the next is fourth."""
    board = ranked(standings(Zoe=5, amy=5, Kim=9, Lou=1), "questions", me="lou")
    assert [(entry.rank, entry.name) for entry in board] == [(1, "Kim"), (2, "amy"), (2, "Zoe"), (4, "Lou")]


def test_scores_below_zero_count_as_zero() -> None:
    """Who took back more than she did is level with who did nothing."""
    board = ranked(standings(Bea=-4, Ann=0), "questions", me="")
    assert [(entry.rank, entry.name, entry.score) for entry in board] == [(1, "Ann", 0), (1, "Bea", 0)]


def test_neighbours_surround_the_viewer() -> None:
    """One on each side where there is one, her own entry marked; nobody without her."""
    board = ranked(standings(A=5, B=4, C=3, D=2, E=1), "questions", me="c")
    assert [(entry.name, entry.is_me) for entry in neighbours(board, 1)] == [("B", False), ("C", True), ("D", False)]
    first = ranked(standings(A=5, B=4, C=3), "questions", me="a")
    assert [entry.name for entry in neighbours(first, 1)] == ["A", "B"]
    assert neighbours(ranked(standings(A=5), "questions", me="x"), 3) == ()
