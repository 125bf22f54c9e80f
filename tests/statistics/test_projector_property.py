"""For any sequence of changes, undos, restarts and rebuilds, what the projector keeps is what a recount finds."""

from contextlib import ExitStack, suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.errors import Conflict, Invalid
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange, Saved
from backend.statistics.projector import Projector
from tests.classrooms.builders import save
from tests.statistics.builders import catches_up, kept, projector, running

changes = st.one_of(
    st.builds(ProgressChange, questions_delta=st.integers(-5, 20)),
    st.builds(ProgressChange, status=st.sampled_from(["Not Started", "In Progress", "Completed"])),
    st.builds(ProgressChange, is_weak_chapter=st.booleans()),
)
steps = st.one_of(
    st.tuples(st.just("change"), st.integers(0, 1), st.integers(0, 2), changes),
    st.tuples(st.just("change"), st.integers(0, 1), st.integers(0, 2), changes),
    st.tuples(st.just("undo"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["start", "stop", "rebuild"])),
)


class Run:
    """Two students at work while projectors come and go."""

    def __init__(self, backend: Backend, students: list[Viewer]) -> None:
        self.backend, self.students = backend, students
        self.saved: list[tuple[Viewer, Saved]] = []
        self.leaders: list[ExitStack] = []

    def change(self, student: int, position: int, change: ProgressChange) -> None:
        with suppress(Invalid):  # fewer than none solved, or Not Started with questions: refused, as it should be
            saved = save(self.backend, self.students[student], position, new_id(), change)
            self.saved.append((self.students[student], saved))

    def undo(self, back: int) -> None:
        changed = [each for each in self.saved if each[1].changed]
        if changed:
            student, saved = changed[back % len(changed)]
            with suppress(Conflict):  # changed again since
                self.backend.progress.undo(student, saved.batch_id)

    def start(self) -> None:
        if len(self.leaders) < 2:
            self.leaders.append(ExitStack())
            self.leaders[-1].enter_context(running(self._projector()))

    def stop(self) -> None:
        if self.leaders:
            self.leaders.pop(0).close()

    def rebuild(self) -> None:
        self._projector().rebuild()

    def _projector(self) -> Projector:
        return projector(self.backend)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=st.lists(steps, min_size=5, max_size=25))
def test_incremental_is_recomputed(
    backend: Backend, two_students: tuple[Viewer, Viewer], plan: list[tuple[object, ...]]
) -> None:
    """Whatever happened, one leader brings the statistics to the truth, and a rebuild changes nothing then."""
    run = Run(backend, list(two_students))
    try:
        for name, *arguments in plan:
            getattr(run, str(name))(*arguments)
        if not run.leaders:
            run.start()
        assert catches_up(backend)
    finally:
        while run.leaders:
            run.stop()
    incremental = kept(backend)
    run.rebuild()
    assert kept(backend) == incremental
