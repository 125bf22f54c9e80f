"""Statistics: sums over the active catalogue, the same from every side."""

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft
from backend.errors import Invalid, NotFound
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from backend.statistics.models import GROUPINGS
from backend.statistics.service import StatisticsService
from tests.classrooms.builders import save
from tests.school import School
from tests.statistics.builders import projector, settle


@pytest.fixture
def statistics(backend: Backend) -> StatisticsService:
    return backend.statistics


@pytest.fixture
def worked(backend: Backend, two_students: tuple[Viewer, Viewer]) -> None:
    """Two students on the first chapter, one of them on the last, and the statistics of that."""
    one, two = two_students
    save(backend, one, 0, "a", ProgressChange(questions_delta=10, is_weak_chapter=True))
    save(backend, two, 0, "b", ProgressChange(questions_delta=20, status="Completed"))
    save(backend, two, -1, "c", ProgressChange(questions_delta=3))
    projector(backend).rebuild()


@pytest.mark.usefixtures("worked")
def test_a_chapter_over_all_students(backend: Backend, statistics: StatisticsService, teacher: Viewer) -> None:
    """Students with progress, where they stand, and the average over them."""
    found = statistics.chapter(teacher, backend.chapters.active()[0].id)
    assert (found.students, found.completed, found.in_progress, found.weak, found.solved) == (2, 1, 1, 1, 30)
    assert found.average_solved == 15.0


@pytest.mark.usefixtures("worked")
@pytest.mark.parametrize("grouping", ["subject", "class", "unit", "chapter", ("subject", "class"), ("class", "unit")])
def test_every_grouping_adds_up_to_the_same(
    backend: Backend, statistics: StatisticsService, teacher: Viewer, grouping: str | tuple[str, ...]
) -> None:
    """However it is grouped, the rows add up to the whole school, and no chapter is missing or twice there."""
    rows = statistics.statistics(teacher, grouping).rows
    assert sum(row.chapters for row in rows) == len(backend.chapters.active())
    assert [sum(getattr(row, name) for row in rows) for name in ("completed", "in_progress", "weak", "solved")] == [
        1,
        2,
        1,
        33,
    ]


@pytest.mark.usefixtures("worked")
def test_rows_of_nobody_have_no_average(backend: Backend, statistics: StatisticsService, teacher: Viewer) -> None:
    """A chapter that nobody has begun shows 0 students and no average; a subject shows no number of students."""
    by_chapter = {row.chapter_id: row for row in statistics.statistics(teacher, "chapter").rows}
    untouched = by_chapter[backend.chapters.active()[1].id]
    assert (untouched.students, untouched.solved, untouched.average_solved) == (0, 0, None)
    assert {row.students for row in statistics.statistics(teacher, "subject").rows} == {None}


@pytest.mark.usefixtures("worked")
def test_archived_chapters_do_not_count(
    backend: Backend, school: School, statistics: StatisticsService, teacher: Viewer
) -> None:
    """A chapter in the archive is in no sum, and back in all of them when it returns; a move takes its sums along."""
    first = backend.chapters.active()[0]
    backend.chapters.archive(teacher, first.id)
    assert sum(row.solved or 0 for row in statistics.statistics(teacher).rows) == 3
    with pytest.raises(NotFound):
        statistics.chapter(teacher, first.id)
    back = backend.chapters.bring_back(teacher, first.id)
    draft = ChapterDraft(subject="Astronomy", class_=first.class_, unit=first.unit, chapter=first.chapter)
    backend.chapters.edit(teacher, first.id, draft, version=back.version)
    solved = {row.subject: row.solved for row in statistics.statistics(teacher).rows}
    assert solved["Astronomy"] == 30


def test_students_learn_nothing_of_so_few(
    backend: Backend, school: School, statistics: StatisticsService, teacher: Viewer, clock: SetClock
) -> None:
    """Chapters of up to five students are in no sum that a student reads, so no difference of two tells either."""
    others = [school.student(school.classroom(teacher, "Big"), f"S{number}") for number in range(6)]
    settle(backend, clock, others)
    settle(backend, clock, others[1:], position=-1)
    projector(backend).rebuild()
    chapters = backend.chapters.active()
    read = {row.chapter_id: row for row in statistics.statistics(others[0], "chapter").rows}
    first, second, last = read[chapters[0].id], read[chapters[1].id], read[chapters[-1].id]
    assert (first.students, first.solved, first.average_solved, first.left_out) == (5, 150, 30, 0)
    nothing = (None,) * 6
    for row in (second, last):  # whether nobody began it or a few did is not told
        said = (row.students, row.solved, row.completed, row.in_progress, row.weak, row.average_solved)
        assert (said, row.left_out) == (nothing, 1)
    for grouping in GROUPINGS:
        mine, staffs = (statistics.statistics(who, grouping).rows for who in (others[0], teacher))
        assert sum(row.solved or 0 for row in mine) == 150
        assert sum(row.left_out for row in mine) == len(chapters) - 1
        assert sum(row.solved or 0 for row in staffs) == 180 + 150
        assert sum(row.left_out for row in staffs) == 0


@pytest.mark.parametrize("grouping", ["year", (), ("subject", "subject")])
def test_unknown_groupings_are_refused(statistics: StatisticsService, teacher: Viewer, grouping: object) -> None:
    """Only subject, class, unit and chapter, each once."""
    with pytest.raises(Invalid):
        statistics.statistics(teacher, grouping)  # type: ignore[arg-type]  # that is the point


@pytest.mark.usefixtures("worked")
def test_the_projectors_work_is_seen_by_the_next_read(
    backend: Backend, statistics: StatisticsService, teacher: Viewer, two_students: tuple[Viewer, Viewer]
) -> None:
    """Statistics that were read before are not served from the cache once the projector wrote new ones."""
    chapter = backend.chapters.active()[0].id
    assert statistics.chapter(teacher, chapter).solved == 30
    save(backend, two_students[0], 0, "d", ProgressChange(questions_delta=1))
    projector(backend).rebuild()
    assert statistics.chapter(teacher, chapter).solved == 31
