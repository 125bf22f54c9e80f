"""Leaderboards by choice: who is on them, who sees them, and for which days; the same from both stores."""

from datetime import date, timedelta

import pytest

from backend.accounts.models import ProfileChange, Viewer
from backend.boards.models import MEASURES, PERIODS, Board
from backend.boards.periods import period_days, span
from backend.boards.queries import BoardQueries
from backend.boards.service import BoardService, own_scores
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import Invalid, NotFound
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.boards.builders import boards_of, joined
from tests.classrooms.builders import save
from tests.school import School


@pytest.fixture(params=["mongodb", "redis"])
def boards(backend: Backend, request: pytest.FixtureRequest) -> BoardService:
    """Boards from either store: what holds for one holds for the other."""
    return boards_of(backend, is_kept=request.param == "redis", cache=backend.cache)


def solve(backend: Backend, viewer: Viewer, count: int, key: str) -> None:
    save(backend, viewer, 0, key, ProgressChange(questions_delta=count))
    backend.board_store.work_saved([viewer.id])


def lines(board: Board) -> list[tuple[int, str, int]]:
    return [(entry.rank, entry.name, entry.score) for entry in board.entries]


def test_only_participants_are_on_it_under_their_chosen_names(
    backend: Backend, school: School, boards: BoardService, teacher: Viewer, classroom: Classroom
) -> None:
    """Who did not join is not shown, and nobody's own name is, to a teacher neither."""
    star = joined(backend, school.student(classroom, "Sita Real"), "Comet")
    hidden = school.student(classroom, "Hidden Real")
    solve(backend, star, 5, "a")
    solve(backend, hidden, 50, "b")
    for viewer in (star, teacher):
        board = boards.board(viewer)
        assert lines(board) == [(1, "Comet", 5)]
        assert board.participants == 1


def test_who_has_not_joined_is_invited(
    backend: Backend, school: School, boards: BoardService, classroom: Classroom
) -> None:
    """She sees how many take part, but no ranks, and what to do."""
    joined(backend, school.student(classroom, "Sita"), "Comet")
    board = boards.board(school.student(classroom, "Uma"))
    assert (board.entries, board.around, board.me, board.participants) == ((), (), None, 1)
    assert board.reason is not None
    assert "Join the leaderboard" in board.reason


def test_the_own_change_is_on_her_next_read(
    backend: Backend, school: School, boards: BoardService, classroom: Classroom
) -> None:
    """She sees her new score and rank at once, before anybody has told the boards."""
    other = joined(backend, school.student(classroom, "Other"), "Other")
    me = joined(backend, school.student(classroom, "Me"), "Me")
    solve(backend, other, 5, "a")
    assert lines(boards.board(me)) == [(1, "Other", 5), (2, "Me", 0)]
    save(backend, me, 0, "b", ProgressChange(questions_delta=9))
    board = boards.board(me)
    assert lines(board) == [(1, "Me", 9), (2, "Other", 5)]
    assert board.me == board.entries[0]
    assert board.entries[0].is_me


def test_leaving_acts_at_once(
    backend: Backend, school: School, boards: BoardService, teacher: Viewer, classroom: Classroom
) -> None:
    """Who leaves is on nobody's board any more, and sees no ranks."""
    me = joined(backend, school.student(classroom, "Me"), "Me")
    boards.board(teacher)
    backend.accounts.update_profile(me, ProfileChange(board_joined=False))
    assert boards.board(teacher).entries == ()
    assert boards.board(school.viewer(school.user(me))).reason is not None


def test_periods_are_study_days(
    backend: Backend, school: School, boards: BoardService, classroom: Classroom, clock: SetClock
) -> None:
    """A week begins on Monday, a month on its first day, all time never; each counts its own study days."""
    me = joined(backend, school.student(classroom), "Me")
    for days, count in ((20, 1), (3, 2), (2, 4)):  # 26 Oct … at noon of 15 and 18 Nov, a Sunday and a Wednesday
        clock.set(clock.now() - timedelta(days=days))
        solve(backend, me, count, f"k{days}")
        clock.set(clock.now() + timedelta(days=days))
    found = {period: lines(boards.board(me, period=period))[0][2] for period in ("week", "month", "all")}
    assert found == {"week": 4, "month": 6, "all": 7}
    week = boards.board(me, period="week")
    assert (week.first_day, week.last_day) == (date(2026, 11, 16), date(2026, 11, 22))


def test_days_count_days_of_real_progress(
    backend: Backend, school: School, boards: BoardService, classroom: Classroom, clock: SetClock
) -> None:
    """Two days with questions and one with only a weak mark are two study days, in every period."""
    me = joined(backend, school.student(classroom), "Me")
    solve(backend, me, 3, "a")
    clock.advance(timedelta(days=1))
    solve(backend, me, 3, "b")
    clock.advance(timedelta(days=1))
    save(backend, me, 1, "c", ProgressChange(is_weak_chapter=True))
    for period in ("week", "month", "all"):
        assert lines(boards.board(me, period=period, measure="days")) == [(1, "Me", 2)]


def test_query_and_own_record_give_the_same_score(
    backend: Backend, school: School, classroom: Classroom, clock: SetClock
) -> None:
    """What the database counts for everyone is what the viewer's record counts for herself, taken back work too."""
    me = joined(backend, school.student(classroom), "Me")
    for number, count in enumerate((5, 7, -3, 4)):
        solve(backend, me, count, f"k{number}")
        clock.advance(timedelta(days=2))
    record, queries = backend.progress.record(me.id), BoardQueries(backend.mongo)
    for period in PERIODS:
        days = span(period, backend.progress.today(me))
        of_her = queries.standings_of([me.id], [span(each, backend.progress.today(me)) for each in PERIODS])
        for scope in ("everyone", classroom.id):
            (standing,) = queries.standings(scope, days)
            assert of_her[scope, days.id] == [standing]
            assert {each: getattr(standing, each) for each in MEASURES} == own_scores(record, days)
            assert standing.revision == record.summary.revision


def test_a_class_board_is_for_the_class(
    backend: Backend, school: School, boards: BoardService, teacher: Viewer, classroom: Classroom
) -> None:
    """It holds the class's participants alone; to anybody else it does not exist, to nobody when it is off."""
    me = joined(backend, school.student(classroom), "Me")
    stranger = joined(backend, school.student(school.classroom(teacher, "Other")), "Stranger")
    assert lines(boards.board(me, classroom.id)) == [(1, "Me", 0)]
    assert {scope.name for scope in boards.scopes(me)} == {"Everyone", "12 A"}
    with pytest.raises(NotFound):
        boards.board(stranger, classroom.id)
    backend.classrooms.set_board_mode(teacher, classroom.id, "off")
    with pytest.raises(NotFound):
        boards.board(me, classroom.id)
    assert boards.board(me).participants == 2


def test_the_top_and_the_neighbours(
    backend: Backend, school: School, boards: BoardService, classroom: Classroom
) -> None:
    """The top stops at its limit; around her are her neighbours, with the ranks of the whole board."""
    people = [joined(backend, school.student(classroom, f"S{rank}"), f"N{rank}") for rank in range(5)]
    for place, person in enumerate(people):
        solve(backend, person, 50 - place, "k")
    board = boards.board(people[3], limit=2, around=1)
    assert lines(board) == [(1, "N0", 50), (2, "N1", 49)]
    assert [(entry.rank, entry.name) for entry in board.around] == [(3, "N2"), (4, "N3"), (5, "N4")]
    assert board.me is not None
    assert board.me.rank == 4


@pytest.mark.parametrize("wrong", [{"period": "year"}, {"measure": "luck"}, {"limit": 0}, {"around": -1}])
def test_what_no_board_can_be_is_refused(boards: BoardService, student: Viewer, wrong: dict[str, object]) -> None:
    """Unknown periods and measures, and limits out of range, are refused in words."""
    with pytest.raises(Invalid):
        boards.board(student, **wrong)  # type: ignore[arg-type]  # that is the point


def test_periods_end_where_the_calendar_says() -> None:
    """December ends on the 31st, a leap February on the 29th, and a Sunday belongs to the week before."""
    assert period_days("month", date(2026, 12, 31)) == (date(2026, 12, 1), date(2026, 12, 31))
    assert period_days("month", date(2028, 2, 1)) == (date(2028, 2, 1), date(2028, 2, 29))
    assert period_days("week", date(2026, 11, 22)) == (date(2026, 11, 16), date(2026, 11, 22))
    assert period_days("all", date(2026, 11, 22)) == (None, None)
