"""What a class looks like: the same numbers as on the students' own pages, for whom they are meant."""

from datetime import timedelta

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.classrooms.report import ClassroomReports
from backend.errors import NotAllowed, NotFound
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.classrooms.builders import save
from tests.school import School

COMPLETED = ProgressChange(status="Completed")


@pytest.fixture
def reading(backend: Backend) -> ClassroomReports:
    return backend.reports


def test_report_and_home_show_the_same_numbers(
    backend: Backend, school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """A learner's row holds the counts and the last seven days that she sees on her own home page."""
    student = school.student(classroom)
    save(backend, student, 0, "a", ProgressChange(questions_delta=12, is_weak_chapter=True))
    save(backend, student, 1, "b", COMPLETED)
    home = backend.overview.home(student)
    (row,) = reading.report(teacher, classroom.id).learners
    assert row.counts == home.summary.total
    assert row.solved_7_days == home.week_solved == 12
    assert row.last_activity_at == home.summary.last_activity_at


def test_a_save_is_on_the_teachers_next_read(
    backend: Backend, school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """Report, matrix and weeks, read before, all show the change when read again."""
    student = school.student(classroom)
    reading.report(teacher, classroom.id)
    reading.matrix(teacher, classroom.id)
    reading.completions_over_time(teacher, classroom.id)
    save(backend, student, 0, "a", COMPLETED)
    assert reading.report(teacher, classroom.id).learners[0].counts.completed == 1
    assert reading.matrix(teacher, classroom.id).columns[0].completed == 1
    assert reading.completions_over_time(teacher, classroom.id)[-1].completed == 1


def test_who_signs_up_or_leaves_is_seen_at_once(
    backend: Backend, school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """A report read before lists the student who signed up since, and no more when she was taken out."""
    assert reading.report(teacher, classroom.id).figures.learners == 0
    student = school.student(classroom)
    assert reading.report(teacher, classroom.id).figures.learners == 1
    backend.classrooms.remove_student(teacher, classroom.id, student.id)
    assert reading.report(teacher, classroom.id).figures.learners == 0


def test_change_against_the_week_before(
    backend: Backend,
    school: School,
    reading: ClassroomReports,
    teacher: Viewer,
    classroom: Classroom,
    clock: SetClock,
) -> None:
    """Ten questions in the last seven days after four in the seven before are six more."""
    student = school.student(classroom)
    save(backend, student, 0, "a", ProgressChange(questions_delta=4))
    clock.advance(timedelta(days=7))
    save(backend, student, 0, "b", ProgressChange(questions_delta=10))
    (row,) = reading.report(teacher, classroom.id).learners
    assert (row.solved_7_days, row.change_7_days) == (10, 6)


def test_no_data_differs_from_zero(
    backend: Backend, school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """Who never saved anything has no figures of seven days; who only marked a chapter weak has 0."""
    school.student(classroom, "Never")
    marked = school.student(classroom, "Marked")
    save(backend, marked, 0, "a", ProgressChange(is_weak_chapter=True))
    rows = {row.name: row for row in reading.report(teacher, classroom.id).learners}
    assert (rows["Never"].solved_7_days, rows["Never"].last_activity_at) == (None, None)
    assert rows["Marked"].solved_7_days == 0


def test_an_empty_class_has_no_average(reading: ClassroomReports, teacher: Viewer, classroom: Classroom) -> None:
    """Nobody is not 0 % of the syllabus."""
    report = reading.report(teacher, classroom.id)
    assert report.figures.average_completed is None
    assert report.learners == ()
    assert reading.matrix(teacher, classroom.id).rows == ()
    assert {week.solved for week in reading.completions_over_time(teacher, classroom.id)} == {None}


def test_figures_add_up_the_rows(
    backend: Backend,
    school: School,
    reading: ClassroomReports,
    teacher: Viewer,
    classroom: Classroom,
    clock: SetClock,
) -> None:
    """Key figures are those of the rows; who is at risk comes first with her reasons."""
    quiet, busy = school.student(classroom, "Quiet"), school.student(classroom, "Busy")
    save(backend, quiet, 0, "a", ProgressChange(questions_delta=3))
    clock.advance(timedelta(days=20))
    save(backend, busy, 0, "b", COMPLETED)
    save(backend, busy, 1, "c", ProgressChange(questions_delta=9))
    report = reading.report(teacher, classroom.id)
    assert [(row.name, row.flag) for row in report.learners] == [("Quiet", "at risk"), ("Busy", "on track")]
    assert report.learners[0].reasons == ("No activity for 20 days", "No question solved in the last 14 days")
    figures, chapters = report.figures, len(backend.chapters.active())
    assert (figures.learners, figures.active_7_days, figures.solved_7_days) == (2, 1, 9)
    assert (figures.flagged, figures.at_risk) == (1, 1)
    assert figures.average_completed == pytest.approx(1 / chapters / 2)


def test_deactivated_people_are_not_learners(
    backend: Backend, school: School, reading: ClassroomReports, classroom: Classroom, teacher: Viewer
) -> None:
    """A deactivated student leaves the report and the matrix at once."""
    student = school.student(classroom)
    reading.report(teacher, classroom.id)
    backend.mongo["users"].update_one({"_id": student.id}, {"$set": {"isActive": False}})
    backend.cache.invalidate("boards")
    assert reading.report(teacher, classroom.id).learners == ()
    assert reading.matrix(teacher, classroom.id).rows == ()


def test_only_its_teacher_and_admins_see_a_class(
    backend: Backend, school: School, reading: ClassroomReports, classroom: Classroom
) -> None:
    """Another teacher is told there is no such class, a student that it is not for her role."""
    student = school.student(classroom)
    admin = school.viewer(backend.sign_in.authenticate("admin@example.org", "correct horse battery"))
    other = school.teacher(admin, "Omar Other")
    assert reading.report(admin, classroom.id).figures.learners == 1
    for read in (reading.report, reading.matrix, reading.completions_over_time):
        with pytest.raises(NotFound):
            read(other, classroom.id)
        with pytest.raises(NotAllowed):
            read(student, classroom.id)
    with pytest.raises(NotFound):
        reading.learner(other, classroom.id, student.id)


def test_one_learner_beside_the_list(
    backend: Backend, school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """Her row, her own summary, newest changes first, weak chapters and weeks of data only."""
    student = school.student(classroom)
    save(backend, student, 0, "a", ProgressChange(questions_delta=2, is_weak_chapter=True))
    undone = save(backend, student, 1, "b", ProgressChange(questions_delta=5))
    backend.progress.undo(student, undone.batch_id)
    detail = reading.learner(teacher, classroom.id, student.id)
    assert detail.learner == reading.report(teacher, classroom.id).learners[0]
    assert detail.summary == backend.overview.summary(student)
    assert [each.is_undo for each in detail.recent].count(True) == 1
    assert [row.chapter.id for row in detail.weak_chapters] == [backend.chapters.active()[0].id]
    assert [week.solved for week in detail.weeks] == [None] * 7 + [2]


def test_a_student_of_another_class_is_not_found(
    school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """The side panel opens for members of this class alone."""
    stranger = school.student(school.classroom(teacher, "Other"))
    with pytest.raises(NotFound):
        reading.learner(teacher, classroom.id, stranger.id)


def test_matrix_tells_no_data_from_nothing_done(
    backend: Backend, school: School, reading: ClassroomReports, teacher: Viewer, classroom: Classroom
) -> None:
    """An untouched chapter is an empty cell; footer counts are those of the column; a subject narrows it."""
    school.student(classroom, "Amit")
    worked = school.student(classroom, "Bela")
    save(backend, worked, 0, "a", ProgressChange(questions_delta=3, is_weak_chapter=True))
    matrix = reading.matrix(teacher, classroom.id)
    assert [row.name for row in matrix.rows] == ["Amit", "Bela"]
    cell = matrix.rows[1].cells[0]
    assert matrix.rows[0].cells[0] is None
    assert cell is not None
    assert (cell.status, cell.question_solved) == ("In Progress", 3)
    column = matrix.columns[0]
    assert (column.completed, column.in_progress, column.weak) == (0, 1, 1)
    subject = column.chapter.subject
    narrow = reading.matrix(teacher, classroom.id, subject)
    assert {each.chapter.subject for each in narrow.columns} == {subject}
    assert len(narrow.rows[0].cells) == len(narrow.columns) < len(matrix.columns)
