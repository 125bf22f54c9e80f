"""Saving progress: one change is wholly saved or refused, and everything that adds up agrees with it."""

from datetime import timedelta
from threading import Thread

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.errors import ConfirmationNeeded, Conflict, Invalid, NotAllowed, NotFound
from backend.kit.clock import SetClock
from backend.progress.models import Progress, ProgressChange
from tests.school import School
from tests.waiting import until


def first_chapter(backend: Backend) -> str:
    return next(chapter.id for chapter in backend.chapters.active() if chapter.question_total > 20)


def stands(backend: Backend, viewer: Viewer, chapter_id: str) -> Progress:
    return backend.progress.record(viewer.id).progress[chapter_id]


def test_a_change_is_seen_by_the_next_read(backend: Backend, student: Viewer) -> None:
    """What was saved is what the very next read shows, in the record and in the summary."""
    chapter = first_chapter(backend)
    assert backend.overview.home(student).summary.total.solved == 0
    backend.progress.change(student, chapter, ProgressChange(questions_delta=5), key="k1")
    assert stands(backend, student, chapter).question_solved == 5
    assert backend.overview.home(student).summary.total.solved == 5
    assert backend.overview.home(student).today.solved == 5


def test_solving_moves_not_started_to_in_progress(backend: Backend, student: Viewer) -> None:
    """The first solved question starts the chapter."""
    chapter = first_chapter(backend)
    saved = backend.progress.change(student, chapter, ProgressChange(questions_delta=1), key="k1")
    assert saved.progress[0].status == "In Progress"


def test_not_started_with_solved_questions_is_refused(backend: Backend, student: Viewer) -> None:
    """Not Started always has 0 solved: the contradiction is refused and nothing is written."""
    chapter = first_chapter(backend)
    backend.progress.change(student, chapter, ProgressChange(question_solved=4), key="k1")
    with pytest.raises(Invalid, match="Set the questions to 0"):
        backend.progress.change(student, chapter, ProgressChange(status="Not Started"), key="k2")
    assert stands(backend, student, chapter).question_solved == 4


def test_more_than_the_past_papers_asks_first(backend: Backend, student: Viewer) -> None:
    """Solved above the past-paper total is saved only when confirmed."""
    chapter = backend.chapters.get(first_chapter(backend))
    change = ProgressChange(question_solved=chapter.question_total + 1)
    with pytest.raises(ConfirmationNeeded, match="Save it anyway"):
        backend.progress.change(student, chapter.id, change, key="k1")
    assert backend.progress.record(student.id).progress == {}
    backend.progress.change(student, chapter.id, change, key="k1", confirm=True)
    assert stands(backend, student, chapter.id).question_solved == chapter.question_total + 1


def test_the_same_key_saves_once(backend: Backend, student: Viewer) -> None:
    """A repeated request (double click, retry) gives back the first result and adds nothing."""
    chapter = first_chapter(backend)
    first = backend.progress.change(student, chapter, ProgressChange(questions_delta=5), key="same")
    again = backend.progress.change(student, chapter, ProgressChange(questions_delta=5), key="same")
    assert again.batch_id == first.batch_id
    assert stands(backend, student, chapter).question_solved == 5
    assert len(backend.progress.history(student, chapter)) == 1


def test_undo_restores_and_is_kept_as_a_change(backend: Backend, student: Viewer) -> None:
    """Undo brings back what stood before, as a new entry of the history; twice does it once."""
    chapter = first_chapter(backend)
    backend.progress.change(student, chapter, ProgressChange(question_solved=3), key="k1")
    saved = backend.progress.change(student, chapter, ProgressChange(status="Completed"), key="k2")
    backend.progress.undo(student, saved.batch_id)
    backend.progress.undo(student, saved.batch_id)
    assert stands(backend, student, chapter).status == "In Progress"
    assert len(backend.progress.history(student, chapter)) == 3
    assert backend.overview.home(student).summary.total.completed == 0


def test_undo_is_refused_where_a_later_change_stands_on_top(backend: Backend, student: Viewer) -> None:
    """A change that was built upon cannot be pulled out from below."""
    chapter = first_chapter(backend)
    saved = backend.progress.change(student, chapter, ProgressChange(questions_delta=5), key="k1")
    backend.progress.change(student, chapter, ProgressChange(questions_delta=1), key="k2")
    with pytest.raises(Conflict):
        backend.progress.undo(student, saved.batch_id)
    assert stands(backend, student, chapter).question_solved == 6


def test_undo_counts_for_the_day_of_the_change(backend: Backend, student: Viewer, clock: SetClock) -> None:
    """Undone the next morning, the questions leave the day they were counted for, not the new one."""
    chapter = first_chapter(backend)
    saved = backend.progress.change(student, chapter, ProgressChange(questions_delta=5), key="k1")
    clock.advance(timedelta(days=1))
    backend.progress.undo(student, saved.batch_id)
    days = backend.progress.record(student.id).days
    assert [(day.day, day.solved) for day in days] == [(saved.study_day, 0)]


def test_a_batch_is_saved_whole_or_not_at_all(backend: Backend, student: Viewer) -> None:
    """One bad row in a bulk edit leaves every row as it was."""
    good, *others = [chapter.id for chapter in backend.chapters.active()][:3]
    backend.progress.change(student, others[0], ProgressChange(question_solved=2), key="k1")
    with pytest.raises(Invalid):
        backend.progress.change_many(
            student,
            {good: ProgressChange(status="Completed"), others[0]: ProgressChange(status="Not Started")},
            key="k2",
        )
    assert good not in backend.progress.record(student.id).progress


def test_a_batch_is_undone_whole(backend: Backend, student: Viewer) -> None:
    """Undo of a bulk edit brings every row back at once."""
    ids = [chapter.id for chapter in backend.chapters.active()][:4]
    saved = backend.progress.change_many(
        student, {chapter_id: ProgressChange(status="Completed") for chapter_id in ids}, key="bulk"
    )
    assert backend.overview.summary(student).total.completed == 4
    backend.progress.undo(student, saved.batch_id)
    assert backend.overview.summary(student).total.completed == 0


def test_a_stale_version_is_refused(backend: Backend, student: Viewer) -> None:
    """What was typed over an old value (another tab) is refused rather than lost or overwritten."""
    chapter = first_chapter(backend)
    backend.progress.change(student, chapter, ProgressChange(question_solved=7), key="k1")
    with pytest.raises(Conflict, match="another tab"):
        backend.progress.change(student, chapter, ProgressChange(question_solved=1, version=0), key="k2")


def test_fifty_threads_lose_nothing(backend: Backend, student: Viewer) -> None:
    """Fifty additions to the same chapter at once are fifty questions."""
    chapter = max(backend.chapters.active(), key=lambda one: one.question_total).id

    def add(number: int) -> None:
        backend.progress.change(student, chapter, ProgressChange(questions_delta=1), key=f"t{number}", confirm=True)

    threads = [Thread(target=add, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stands(backend, student, chapter).question_solved == 50
    assert backend.overview.summary(student).total.solved == 50
    assert sum(day.solved for day in backend.progress.record(student.id).days) == 50


@pytest.mark.parametrize(
    "change",
    [
        ProgressChange(question_solved=-1),
        ProgressChange(questions_delta=-1),
        ProgressChange(question_solved=10_001),
        ProgressChange(question_solved=1, questions_delta=1),
        ProgressChange(status="Done"),  # type: ignore[arg-type]  # what a program might send
    ],
)
def test_impossible_values_are_refused(backend: Backend, student: Viewer, change: ProgressChange) -> None:
    """Nothing outside the rules is ever written."""
    with pytest.raises(Invalid):
        backend.progress.change(student, first_chapter(backend), change, key="k1", confirm=True)
    assert backend.progress.record(student.id).progress == {}


def test_only_students_keep_progress(backend: Backend, school: School, student: Viewer) -> None:
    """A teacher has no progress of her own, and nobody writes on a chapter that is not there."""
    teacher = school.viewer(next(iter(backend.administration.users(_admin(backend, school), role="teacher").users)))
    with pytest.raises(NotAllowed):
        backend.progress.change(teacher, first_chapter(backend), ProgressChange(questions_delta=1), key="k1")
    with pytest.raises(NotFound):
        backend.progress.change(student, "no such id", ProgressChange(questions_delta=1), key="k1")


def _admin(backend: Backend, school: School) -> Viewer:
    user = backend.sign_in.authenticate("admin@example.org", "correct horse battery")
    return school.viewer(user)


def test_archiving_takes_a_chapter_out_of_the_syllabus_and_no_work_away(
    backend: Backend, school: School, student: Viewer
) -> None:
    """Completed n of N stays true when a chapter leaves the syllabus and when it returns; solved stays solved."""
    chapter = first_chapter(backend)
    backend.progress.change(student, chapter, ProgressChange(status="Completed", question_solved=3), key="k1")
    whole = backend.overview.summary(student).total
    admin = _admin(backend, school)
    backend.chapters.archive(admin, chapter)
    less = backend.overview.summary(student).total
    assert (less.chapters, less.completed, less.solved) == (whole.chapters - 1, 0, 3)
    backend.chapters.bring_back(admin, chapter)
    assert backend.overview.summary(student).total == whole


def test_history_is_read_once_and_again_after_a_change(backend: Backend, two_students: tuple[Viewer, Viewer]) -> None:
    """A history that was read asks no server again; what a student saves or undoes renews hers alone."""
    (student, other), (first, second) = two_students, [each.id for each in backend.chapters.active()[:2]]
    until(lambda: backend.cache.healthy)

    def is_held(viewer: Viewer, chapter: str, entries: int) -> bool:
        log = backend.cache.begin_log()
        assert len(backend.progress.history(viewer, chapter)) == entries
        return not log.asked_servers

    backend.progress.change(other, first, ProgressChange(questions_delta=5), key="other")
    until(lambda: is_held(student, first, 0) and is_held(other, first, 1))
    saved = backend.progress.change(student, first, ProgressChange(questions_delta=5), key="mine")
    assert not is_held(student, first, 1)
    assert is_held(other, first, 1)
    assert not is_held(student, second, 0)
    backend.progress.undo(student, saved.batch_id)
    assert not is_held(student, first, 2)
