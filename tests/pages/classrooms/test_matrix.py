"""Learners × chapters as a teacher sees them."""

import html
import re

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.progress.models import ProgressChange
from pages.classrooms import matrix as classroom_matrix
from tests.classrooms.builders import save
from tests.pages.at_path import html_of
from tests.pages.classrooms.opened import opened, view
from tests.pages.signed_in import OpenPage
from tests.school import School

COMPLETED = ProgressChange(status="Completed")


def test_the_matrix_has_letters_no_data_and_a_foot(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, quiet: Viewer
) -> None:
    """A cell tells completed, going on, taken back and never opened apart; the foot counts what the columns hold."""
    save(backend, quiet, 1, "c", COMPLETED)
    save(backend, quiet, 2, "o", COMPLETED)
    save(backend, quiet, 2, "back", ProgressChange(status="Not Started"))
    page = view(opened(open_page, school, teacher), "chapters")
    (shown,) = (each.value for each in page.html if "cp-matrix" in each.value)
    cells = "<td class=cp-blue>P<i>W</i></td><td class=cp-green>C</td><td class=cp-gray>0</td><td>–</td>"
    assert f">Quiet Qamar</a></th>{cells}" in shown
    assert '<th scope="row">Completed</th><td>0</td><td>1</td><td>0</td>' in shown
    assert '<th scope="row">Weak</th><td>1</td><td>0</td>' in shown
    assert all(word in shown for word in ("Completed</li>", "In progress</li>", "Weak</li>", "no data</li>"))


def test_the_matrix_of_a_full_class_stays_small(
    backend: Backend, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """60 learners × what is shown of all chapters at once, every cell filled in and weak, are less than 200 KB."""
    matrix = backend.reports.matrix(teacher, classroom.id, None, slice(classroom_matrix.COLUMNS))
    row = next(each for each in matrix.rows if each.id == busy.id)
    full = [each or row.cells[1] for each in row.cells]
    assert len(full) == classroom_matrix.COLUMNS
    assert len(classroom_matrix.matrix_html(matrix, [(str(at), f"Learner {at}", full) for at in range(60)])) < 200_000


def test_many_chapters_come_in_pages(
    open_page: OpenPage, backend: Backend, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """Of more chapters than fit in sight each page shows its own; all pages together show each chapter once."""
    whole = backend.reports.matrix(teacher, classroom.id)
    page = view(opened(open_page, school, teacher), "chapters")
    page.selectbox(key="matrix-subject").set_value(classroom_matrix.EVERY).run()
    shown = []
    for number in (1, 2):
        page.session_state[f"matrix-page-{classroom_matrix.EVERY}"] = number
        view(page, "chapters")
        (found,) = (each.value for each in page.html if "cp-matrix" in each.value)
        shown += re.findall(r'<th scope="col"><span>(.*?)</span></th>', found)
    assert shown == [html.escape(each.chapter.chapter) for each in whole.columns]


def test_the_matrix_shows_one_subject_or_all(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, busy: Viewer
) -> None:
    """It begins with the first subject; another choice shows that one's chapters, and all of them on request."""
    page = view(opened(open_page, school, teacher), "chapters")
    subjects = [each.subject for each in backend.chapters.active()]
    for subject, count in {
        "Physics": subjects.count("Physics"),
        "Chemistry": subjects.count("Chemistry"),
        "": 101,
    }.items():
        page.selectbox(key="matrix-subject").set_value(subject).run()
        assert f"2 learners and {count} chapters" in html_of(page)
