"""Redis and MongoDB give the same boards, whatever happened to a school, and to Redis."""

from contextlib import suppress
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.accounts.models import ProfileChange, Viewer
from backend.boards.models import EVERYONE, MEASURES, PERIODS, Board
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import Conflict, Invalid, NotFound
from backend.kit.clock import SetClock
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange, Saved
from tests.boards.builders import boards_of, joined, keeper_of
from tests.classrooms.builders import save
from tests.school import School

NAMES = ("Zoe", "zoe", "Amy", "Ärla", "आशा")
who, chapters = st.integers(0, 3), st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("solve"), who, chapters, st.integers(-4, 6)),
    st.tuples(st.just("solve"), who, chapters, st.integers(1, 6)),
    st.tuples(st.just("undo"), st.integers(0, 20)),
    st.tuples(st.just("call"), who, st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["leave", "enter", "let_go"]), who),
    st.tuples(st.just("archive"), chapters),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("lose"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["flush", "look", "roll_over"])),
)


class Life:
    """Four students of one class at work, coming and going, over a Redis that forgets."""

    def __init__(self, backend: Backend, clock: SetClock, teacher: Viewer, classes: list[Classroom]) -> None:
        self.backend, self.clock, self.teacher, self.classes = backend, clock, teacher, classes
        self.students: list[Viewer] = []
        self.saved: list[tuple[Viewer, Saved]] = []
        self.kept, self.computed = boards_of(backend, is_kept=True), boards_of(backend, is_kept=False)

    def solve(self, student: int, position: int, count: int) -> None:
        change = ProgressChange(questions_delta=count)
        try:
            self.saved.append(
                (self.students[student], save(self.backend, self.students[student], position, new_id(), change))
            )
        except Invalid:  # fewer than none solved
            return
        self.backend.board_store.work_saved([self.students[student].id])

    def undo(self, back: int) -> None:
        if self.saved:
            student, saved = self.saved[back % len(self.saved)]
            try:
                self.backend.progress.undo(student, saved.batch_id)
            except (Conflict, NotFound):  # changed again since, or nothing was changed
                return
            self.backend.board_store.work_saved([student.id])

    def call(self, student: int, name: str) -> None:
        with suppress(Conflict):  # somebody on the boards is called so already
            self.students[student] = joined(self.backend, self.students[student], name)

    def leave(self, student: int) -> None:
        self.backend.accounts.update_profile(self.students[student], ProfileChange(board_joined=False))
        self.students[student] = replace(self.students[student], board_joined=False)

    def enter(self, student: int) -> None:
        self.backend.classrooms.join(self.students[student], str(self.classes[1].join_code))
        self._in(student, self.classes[0].id, self.classes[1].id)

    def let_go(self, student: int) -> None:
        try:
            self.backend.classrooms.remove_student(self.teacher, self.classes[1].id, self.students[student].id)
        except NotFound:  # not in it
            return
        self._in(student, self.classes[0].id)

    def archive(self, position: int) -> None:
        chapter = self.backend.chapters.active()[position]
        self.backend.chapters.archive(self.teacher, chapter.id)

    def wait(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    def lose(self, number: int) -> None:
        keys = sorted(self.backend.redis_client.scan_iter("*:ranked:*"))
        if keys:
            self.backend.redis_client.delete(keys[number % len(keys)])

    def flush(self) -> None:
        self.backend.redis_client.flushdb()

    def roll_over(self) -> None:
        keeper_of(self.backend).roll_over()

    def look(self) -> None:
        """Every board is built, so that what follows has to be put into it."""
        for viewer in (self.teacher, self.students[0]):
            assert self.boards(viewer, is_kept=True)

    def boards(self, viewer: Viewer, *, is_kept: bool) -> list[Board]:
        boards = self.kept if is_kept else self.computed
        scopes = [EVERYONE, *viewer.classroom_ids]
        found = [
            boards.board(viewer, scope, period, measure, limit=3, around=1)
            for scope, period, measure in product(scopes, PERIODS, MEASURES)
        ]
        return [replace(board, as_of=self.clock.now()) for board in found]

    def _in(self, student: int, *classroom_ids: str) -> None:
        self.students[student] = replace(self.students[student], classroom_ids=classroom_ids)


@pytest.fixture
def life(backend: Backend, clock: SetClock, school: School) -> Life:
    teacher = school.teacher(school.admin())
    classes = [school.classroom(teacher, name) for name in ("12 A", "12 B")]
    life = Life(backend, clock, replace(teacher, classroom_ids=tuple(each.id for each in classes)), classes)
    life.students = [school.student(classes[0], name) for name in NAMES[:4]]
    return life


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=st.lists(steps, min_size=8, max_size=30))
def test_both_stores_answer_alike(life: Life, plan: list[tuple[object, ...]]) -> None:
    """For any changes of work, names, choices, classes, chapters and time, and any losses: the same boards for all."""
    life.call(0, "Zoe")
    life.look()
    for name, *arguments in plan:
        getattr(life, str(name))(*arguments)
    for viewer in (*life.students, life.teacher):
        assert life.boards(viewer, is_kept=True) == life.boards(viewer, is_kept=False)
    for chapter in life.backend.chapters.archived(life.teacher):
        life.backend.chapters.bring_back(life.teacher, chapter.id)
