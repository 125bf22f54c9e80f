"""What students may be told of others: nothing from which one person's values follow."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.kit.cache import Cache
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from backend.statistics.models import GROUPINGS, ChapterStatistics
from backend.statistics.shared_figure_queries import SharedFigureQueries
from backend.statistics.shared_figure_service import FigureSharing
from backend.statistics.shared_figures import (
    EVERYONE,
    FEWEST,
    FEWEST_CHANGED,
    RENEWED_AFTER,
    SETTLED,
    SHARE_STEP,
    STEP,
    enough_changed,
    figures,
    is_due,
    marks,
)
from tests.classrooms.builders import save
from tests.school import School
from tests.statistics.builders import a_day_later, settle

NOW = datetime(2026, 11, 18, tzinfo=UTC)
MUCH = ProgressChange(questions_delta=170, status="Completed", is_weak_chapter=True)
COHORTS = st.dictionaries(st.integers(0, 40).map(str), st.integers(0, 9), max_size=25)
PEOPLE = st.integers(0, 30)


@given(COHORTS, st.integers(0, 40).map(str), st.none() | st.integers(0, 9))
def test_one_person_changes_nothing_that_is_told(cohort: dict[str, int], person: str, revision: int | None) -> None:
    """Whoever joins, works (a new revision) or leaves (None) alone, what was told before stays."""
    after = {other: at for other, at in cohort.items() if other != person}
    if revision is not None:
        after[person] = revision
    assert not enough_changed(marks(cohort), marks(after))


@given(COHORTS, st.integers(0, 12))
def test_as_many_as_the_rule_asks_for_change_it(cohort: dict[str, int], count: int) -> None:
    """Figures are renewed from so many newcomers on, and not before."""
    newcomers = {f"new{number}": 1 for number in range(count)}
    assert enough_changed(marks(cohort), marks(cohort | newcomers)) is (count >= FEWEST_CHANGED)


@given(PEOPLE, st.lists(st.tuples(PEOPLE, PEOPLE, PEOPLE, PEOPLE, st.integers(0, 9000)), max_size=3))
def test_figures_are_in_steps_and_of_no_few(size: int, found: list[tuple[int, int, int, int, int]]) -> None:
    """Below six who count nothing is told, of a group or of a chapter in it; all else is rounded."""
    sums = {
        str(number): ChapterStatistics(
            id=str(number), students=each[0], completed=each[1], in_progress=each[2], weak=each[3], solved=each[4]
        )
        for number, each in enumerate(found)
    }
    told = figures("class", size, sums, (), NOW)
    assert told.is_told is (size >= FEWEST)
    assert {each.id for each in told.chapters} == {
        each.id for each in sums.values() if told.is_told and each.students >= FEWEST
    }
    said = [told.students, *(getattr(each, name) for each in told.chapters for name in each.__struct_fields__[1:])]
    assert [number % STEP for number in said] == [0] * len(said)


def test_a_look_in_the_future_is_taken_back() -> None:
    """A clock that ran ahead does not stop figures until then."""
    told = figures("class", 0, {}, (), NOW)
    assert [is_due(told, NOW + each) for each in (timedelta(0), RENEWED_AFTER, -RENEWED_AFTER)] == [False, True, True]
    assert is_due(None, NOW)


@pytest.fixture
def people(backend: Backend, school: School, classroom: Classroom, clock: SetClock) -> list[Viewer]:
    """Seven of a class who count: the first reads, the last is somebody whose values nobody shall know."""
    found = [school.student(classroom, f"S{number}") for number in range(FEWEST + 1)]
    settle(backend, clock, found)
    return found


def read_by(backend: Backend, reader: Viewer) -> list[Any]:
    """Everything that a student can read of others' work, but for boards, where people stand because they chose to."""
    backend.cache.invalidate("*")
    comparison = backend.class_statistics.comparison(reader)
    return [
        *(backend.statistics.statistics(reader, grouping) for grouping in GROUPINGS),
        replace(comparison, rows=tuple(replace(row, own=0.0) for row in comparison.rows)),
        *(backend.class_statistics.chapter_average(reader, each.id) for each in backend.chapters.active()[:2]),
    ]


def works(backend: Backend, _clock: SetClock, person: Viewer, _teacher: Viewer, _room: Classroom) -> None:
    save(backend, person, 0, "much", MUCH)


def leaves(backend: Backend, _clock: SetClock, person: Viewer, teacher: Viewer, room: Classroom) -> None:
    backend.classrooms.remove_student(teacher, room.id, person.id)


def joins(backend: Backend, clock: SetClock, _person: Viewer, _teacher: Viewer, room: Classroom) -> None:
    newcomer = School(backend)
    newcomer._count = 900
    settle(backend, clock, [newcomer.student(room, "Newcomer")], position=1)


def goes(backend: Backend, clock: SetClock, person: Viewer, _teacher: Viewer, _room: Classroom) -> None:
    backend.rights.request(person)
    clock.advance(timedelta(days=backend.settings.deletion_grace_days))
    backend.rights.fulfil_due()
    clock.advance(timedelta(minutes=1))
    backend.rights.fulfil_due()


@pytest.mark.parametrize("act", [works, leaves, joins, goes])
def test_no_reading_follows_one_person(
    backend: Backend,
    clock: SetClock,
    people: list[Viewer],
    teacher: Viewer,
    classroom: Classroom,
    act: Callable[[Backend, SetClock, Viewer, Viewer, Classroom], None],
) -> None:
    """Whatever one person does, and however many days one waits, a classmate reads the same as before."""
    before = read_by(backend, people[0])
    assert before[-2] is not None
    act(backend, clock, people[-1], teacher, classroom)
    assert read_by(backend, people[0]) == before
    a_day_later(backend, clock)
    assert read_by(backend, people[0]) == before


def test_figures_change_once_enough_worked_and_a_day_is_over(
    backend: Backend, clock: SetClock, people: list[Viewer]
) -> None:
    """Five at work show on the next day, not before."""
    before = read_by(backend, people[0])
    for person in people[:FEWEST_CHANGED]:
        save(backend, person, 0, "more", ProgressChange(questions_delta=40, status="Completed"))
    assert read_by(backend, people[0]) == before
    a_day_later(backend, clock)
    average = backend.class_statistics.chapter_average(people[0], backend.chapters.active()[0].id)
    assert average is not None
    assert (average.students, average.completed, average.average_solved) == (5, 5, 60)  # 7, 5 and 410 ÷ 7 in steps
    (row, *_others) = backend.class_statistics.comparison(people[0]).rows
    assert row.classes is not None
    assert round(row.classes / SHARE_STEP, 6).is_integer()


def test_invented_accounts_and_classes_of_two_tell_nothing(
    backend: Backend, school: School, clock: SetClock, teacher: Viewer, people: list[Viewer]
) -> None:
    """Five accounts of one afternoon do not count, and a second class of two adds nothing to what the first tells."""
    couple = school.classroom(teacher, "Two")
    other = school.student(couple, "The other")
    settle(backend, clock, [other], position=1)
    alone = [school.student(couple, f"Invented {number}") for number in range(5)]
    for each in alone:
        save(backend, each, 1, "k", MUCH)
    second = backend.chapters.active()[1].id
    assert backend.class_statistics.comparison(alone[0]).classmates is None
    assert backend.class_statistics.chapter_average(alone[0], second) is None
    before = read_by(backend, people[0])
    backend.classrooms.join(people[0], str(couple.join_code))
    both = replace(people[0], classroom_ids=(*people[0].classroom_ids, couple.id))
    assert read_by(backend, both) == before


def test_who_has_only_just_come_does_not_count(
    backend: Backend, school: School, clock: SetClock, classroom: Classroom
) -> None:
    """Three days of work without fourteen in the class are not enough, nor is it the other way round."""
    settle(backend, clock, [school.student(classroom, f"S{number}") for number in range(FEWEST - 1)])
    newcomer, sharing = school.student(classroom, "Newcomer"), backend.class_statistics._sharing
    told = []
    for work, wait in ((True, timedelta(0)), (False, SETTLED)):
        if work:
            settle(backend, clock, [newcomer], wait=timedelta(0))
        clock.advance(wait)
        a_day_later(backend, clock)
        told.append(sharing.figures_of(classroom.id).is_told)
    assert told == [False, True]


def test_being_there_without_work_does_not_count(
    backend: Backend, school: School, clock: SetClock, classroom: Classroom
) -> None:
    """An account that only waits is not among the five."""
    idle, *others = [school.student(classroom, f"S{number}") for number in range(FEWEST)]
    settle(backend, clock, others)
    save(backend, idle, 0, "once", MUCH)
    assert not backend.class_statistics._sharing.figures_of(classroom.id).is_told


def test_every_process_tells_the_same(backend: Backend, people: list[Viewer], classroom: Classroom) -> None:
    """Figures are kept in the database: another process, or the same after a restart, tells what was told."""
    told = [backend.class_statistics._sharing.figures_of(group) for group in (EVERYONE, classroom.id)]
    save(backend, people[0], 0, "more", MUCH)
    other = FigureSharing(SharedFigureQueries(backend.mongo), backend.chapters, Cache(None), backend.clock)
    assert [other.figures_of(group) for group in (EVERYONE, classroom.id)] == told


def test_a_teacher_reads_exact_and_live_figures(
    backend: Backend, people: list[Viewer], teacher: Viewer, classroom: Classroom
) -> None:
    """What is rounded and late for students is neither for those who teach them."""
    save(backend, people[0], 0, "one more", ProgressChange(questions_delta=1))
    assert backend.class_statistics.statistics(teacher, classroom.id, "chapter").rows[0].solved == 30 * len(people) + 1


def test_boards_show_only_who_chose_to_stand_there(backend: Backend, people: list[Viewer]) -> None:
    """The one place where single people's figures are read is a board, by those who joined, of those who joined."""
    backend.accounts.update_profile(people[1], ProfileChange(board_joined=True, board_name="Comet"))
    board = backend.boards.board(people[0], "everyone", "all", "questions")
    assert (board.entries, board.around) == ((), ())
