"""Every statement of the product finds its way by an index: the server's own record of what it ran says so."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from backend.accounts.models import ProfileChange, Viewer
from backend.boards.models import EVERYONE, MEASURES, PERIODS
from backend.boards.periods import live_spans
from backend.boards.queries import BoardQueries
from backend.bootstrap import Backend
from backend.progress.models import ProgressChange
from tests.classrooms.builders import queries_of
from tests.school import PASSWORD, School

# Read whole, because they are small or because all of it is wanted: the syllabus (a few hundred), its statistics (one
# document for each), the list of classes, gates and leases, and what the health page asks once in three seconds.
WHOLE = {"chapters", "chapterStatistics", "classrooms"}
Part = Callable[[], object]


@pytest.fixture
def parts(backend: Backend, school: School) -> dict[str, Part]:
    """What people do, by name; each is watched on its own."""
    admin = school.admin()
    teacher = school.teacher(admin)
    classroom = school.classroom(teacher)
    students = [school.student(classroom, f"Student {number}") for number in range(4)]
    for number, student in enumerate(students):
        backend.accounts.update_profile(student, ProfileChange(board_joined=True, board_name=f"Comet {number}"))
        for chapter in backend.chapters.active()[:3]:
            backend.progress.change(student, chapter.id, ProgressChange(questions_delta=1), key=chapter.id)
    return dict(_parts(backend, school, admin, teacher, students[0], classroom.id))


def test_no_statement_reads_a_growing_collection_through(backend: Backend, parts: dict[str, Part]) -> None:
    """Neither a COLLSCAN nor a sort in memory, on any collection that grows with people or with time."""
    strange: list[tuple[str, Any, Any]] = []
    seen: set[str] = set()
    for name, part in parts.items():
        for query in queries_of(backend, part):
            collection = query["ns"].split(".", 1)[1]
            seen.add(collection)
            is_first_found = query.get("docsExamined") == 1 and query["command"].get("limit") == 1
            through = "COLLSCAN" in query.get("planSummary", "") and not is_first_found
            if (through or query.get("hasSortStage")) and collection not in WHOLE:
                strange.append((name, query["ns"], query.get("command")))
    assert not strange
    assert {"users", "memberships", "sessions", "tickets", "progress", "activity", "studyDays", "summaries"} <= seen


def _build_boards(backend: Backend, classroom: str) -> None:
    """What a builder of a kept board reads."""
    for scope in (EVERYONE, classroom):
        for days in live_spans(backend.clock.now()):
            BoardQueries(backend.mongo).standings(scope, days, as_of_one_moment=True)


def _parts(
    backend: Backend, school: School, admin: Viewer, teacher: Viewer, student: Viewer, classroom: str
) -> Iterator[tuple[str, Part]]:
    chapter = backend.chapters.active()[0]
    code = str(backend.classrooms.get(teacher, classroom).join_code)
    pair = backend.sign_in.sign_in_program(student.email, PASSWORD, "test")
    saved = backend.progress.change(student, chapter.id, ProgressChange(is_weak_chapter=True), key="weak")
    yield (
        "sign up",
        partial(backend.registration.sign_up, name="New", email="new@example.org", password=PASSWORD, join_code=code),
    )
    yield "sign in", lambda: school.viewer(backend.sign_in.authenticate(student.email, PASSWORD))
    yield "refresh", partial(backend.sign_in.refresh, pair.refresh_token)
    yield "refresh with a spent token", lambda: backend.mongo["sessions"].find_one({"spentHashes": "x"})
    yield "sessions", partial(backend.accounts.sign_out_elsewhere, student)
    yield "first visit", backend.registration.has_users
    yield "reset link", partial(backend.administration.make_reset_link, admin, student.id)
    yield "users", partial(backend.administration.users, admin)
    yield "users of a role", partial(backend.administration.users, admin, role="student")
    yield "role", partial(backend.administration.set_role, admin, student.id, "student")
    yield "undo", partial(backend.progress.undo, student, saved.batch_id)
    yield "save", partial(backend.progress.change, student, chapter.id, ProgressChange(questions_delta=1), key="plan")
    yield "home", partial(backend.overview.home, student)
    yield "chapter", partial(backend.overview.chapter, student, chapter.id)
    yield "average", partial(backend.class_statistics.chapter_average, student, chapter.id)
    yield "report", partial(backend.reports.report, teacher, classroom)
    yield "learner", partial(backend.reports.learner, teacher, classroom, student.id)
    yield "matrix", partial(backend.reports.matrix, teacher, classroom)
    yield "weeks", partial(backend.reports.completions_over_time, teacher, classroom)
    yield "statistics", partial(backend.statistics.statistics, teacher)
    yield "spread", partial(backend.statistics.distribution, teacher)
    yield "weeks of everyone", partial(backend.statistics.weeks, teacher)
    yield "statistics of a class", partial(backend.class_statistics.statistics, teacher, classroom, "unit")
    yield "spread of a class", partial(backend.class_statistics.distribution, teacher, classroom)
    yield "beside others", partial(backend.class_statistics.comparison, student)
    yield "board built", partial(_build_boards, backend, classroom)
    yield "board set", partial(backend.board_store.work_saved, [student.id])
    yield "person changed", partial(backend.board_store.person_changed, student.id, classroom)
    yield "archive", partial(backend.chapters.archive, teacher, chapter.id)
    yield "join", partial(backend.classrooms.join, student, code)
    yield "remove", partial(backend.classrooms.remove_student, teacher, classroom, student.id)
    for scope in (EVERYONE, classroom):
        for period in PERIODS:
            for measure in MEASURES:
                yield (
                    f"board {scope} {period} {measure}",
                    partial(backend.boards.board, teacher, scope, period, measure),
                )
