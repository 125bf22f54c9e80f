"""Statistics of a class, of everyone by week, how students spread, and a student beside others."""

from datetime import timedelta

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import Invalid, NotFound
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from backend.statistics.class_statistics import ClassStatisticsService
from backend.statistics.models import Bin, Distribution
from tests.classrooms.builders import queries_of, save
from tests.school import School
from tests.statistics.builders import projector, settle

DONE = ProgressChange(questions_delta=60, status="Completed")


@pytest.fixture
def of_classes(backend: Backend) -> ClassStatisticsService:
    return backend.class_statistics


@pytest.fixture
def students(backend: Backend, school: School, teacher: Viewer, classroom: Classroom) -> list[Viewer]:
    """Six of the class, of whom two completed the first chapter, and one of another class who did as well."""
    found = [school.student(classroom, f"S{number}") for number in range(6)]
    for number, student in enumerate([found[0], found[1], school.student(school.classroom(teacher, "Other"))]):
        save(backend, student, 0, f"k{number}", DONE)
    save(backend, found[2], -1, "k", ProgressChange(is_weak_chapter=True))
    projector(backend).rebuild()
    return found


def filled(bins: tuple[Bin, ...]) -> dict[int, int]:
    return {each.least: each.students for each in bins if each.students}


@pytest.mark.usefixtures("students")
@pytest.mark.parametrize("grouping", ["subject", "class", "unit", "chapter"])
def test_a_class_is_summed_as_everyone_is(
    backend: Backend, of_classes: ClassStatisticsService, teacher: Viewer, classroom: Classroom, grouping: str
) -> None:
    """The same rows as over all students, with the work of the class's learners alone in them."""
    rows = of_classes.statistics(teacher, classroom.id, grouping).rows
    everyone = backend.statistics.statistics(teacher, grouping).rows
    assert [(row.subject, row.class_, row.unit, row.chapter, row.chapters) for row in rows] == [
        (row.subject, row.class_, row.unit, row.chapter, row.chapters) for row in everyone
    ]
    assert [sum(row.completed or 0 for row in each) for each in (rows, everyone)] == [2, 3]
    assert [sum(row.solved or 0 for row in each) for each in (rows, everyone)] == [120, 180]
    assert sum(row.weak or 0 for row in rows) == 1


def test_who_is_not_in_the_class_any_more_does_not_count(
    backend: Backend, of_classes: ClassStatisticsService, teacher: Viewer, classroom: Classroom, students: list[Viewer]
) -> None:
    """Neither who was taken out nor who was shut out; a change of a learner is there at once."""
    assert of_classes.statistics(teacher, classroom.id).rows[0].completed == 2
    backend.classrooms.remove_student(teacher, classroom.id, students[0].id)
    assert of_classes.statistics(teacher, classroom.id).rows[0].completed == 1
    save(backend, students[3], 0, "more", DONE)
    assert of_classes.statistics(teacher, classroom.id).rows[0].completed == 2


@pytest.mark.usefixtures("students")
def test_how_a_class_spreads(
    backend: Backend, of_classes: ClassStatisticsService, teacher: Viewer, classroom: Classroom
) -> None:
    """Everybody of the class is in it, also who never saved anything; in a subject as in all of them."""
    first = backend.chapters.active()[0]
    for subject in (None, first.subject):
        spread = of_classes.distribution(teacher, classroom.id, subject)
        assert spread.students == 6
        assert filled(spread.completion) == {0: 4, 1: 2}
        assert filled(spread.solved) == {0: 4, 51: 2}
    with pytest.raises(NotFound):
        of_classes.distribution(teacher, classroom.id, "Alchemy")


@pytest.mark.usefixtures("students")
def test_how_everyone_spreads(backend: Backend, teacher: Viewer) -> None:
    """Those who ever saved anything, counted by the database as Python counts a class."""
    spread = backend.statistics.distribution(teacher)
    assert (spread.students, filled(spread.completion), filled(spread.solved)) == (4, {0: 1, 1: 3}, {0: 1, 51: 3})
    physics = backend.chapters.active()[0].subject
    size = sum(chapter.subject == physics for chapter in backend.chapters.active())
    in_physics: Distribution = backend.statistics.distribution(teacher, physics)
    assert in_physics.average_completed == 3 / (4 * size)


def test_weeks_of_everyone(backend: Backend, clock: SetClock, teacher: Viewer, students: list[Viewer]) -> None:
    """By study day, whoever saved; carried work is no week's; before the first change there is no data."""
    clock.advance(timedelta(days=7))
    save(backend, students[4], 1, "next", ProgressChange(questions_delta=7))
    carried = {backend.chapters.active()[2].id: ProgressChange(question_solved=30)}
    backend.progress.change_many(students[4], carried, key="carried", confirm=True, is_imported=True)
    projector(backend).rebuild()
    weeks = backend.statistics.weeks(teacher, 4)
    assert [(week.completed, week.solved) for week in weeks] == [(None, None), (None, None), (3, 180), (0, 7)]
    with pytest.raises(Invalid):
        backend.statistics.weeks(teacher, 0)


def test_a_student_beside_others(
    of_classes: ClassStatisticsService, backend: Backend, students: list[Viewer], clock: SetClock
) -> None:
    """Her exact share beside her class's and everyone's in steps; of few who count nothing is said."""
    found = of_classes.comparison(students[0])
    first = backend.chapters.active()[0].subject
    size = sum(chapter.subject == first for chapter in backend.chapters.active())
    row = next(row for row in found.rows if row.subject == first)
    assert (row.own, row.classes, row.everyone) == (1 / size, None, None)
    assert (found.classmates, found.students) == (None, None)
    settle(backend, clock, students)
    found = of_classes.comparison(students[0])
    row = next(row for row in found.rows if row.subject == first)
    assert (row.own, row.classes, row.everyone) == (1 / size, 0.0, 0.0)  # 2 of 6 × size are less than half a step
    assert (found.classmates, found.students) == (5, 5)


def test_a_small_class_is_not_told_of(
    of_classes: ClassStatisticsService, backend: Backend, students: list[Viewer], teacher: Viewer, classroom: Classroom
) -> None:
    """With four classmates the class has no figure; who is in no class gets one neither."""
    backend.classrooms.remove_student(teacher, classroom.id, students[5].id)
    found = of_classes.comparison(students[0])
    assert found.classmates is None
    assert {row.classes for row in found.rows} == {None}


@pytest.mark.usefixtures("students")
def test_each_figure_is_one_query(
    backend: Backend, of_classes: ClassStatisticsService, teacher: Viewer, classroom: Classroom
) -> None:
    """With the classes and the catalogue known, sums and histograms ask once, however many learners there are."""
    parts = {
        "memberships": lambda: of_classes.statistics(teacher, classroom.id, "unit"),
        "summaries": lambda: backend.statistics.distribution(teacher),
        "chapterStatistics": lambda: backend.statistics.statistics(teacher, "chapter"),
    }
    known = {"chapters", "classrooms"}
    for collection, read in parts.items():
        asked = [query["ns"].split(".", 1)[1] for query in queries_of(backend, read)]
        assert asked.count(collection) <= (2 if collection == "memberships" else 1)  # who teaches what is asked as well
        assert set(asked) <= known | {collection, "memberships"}
