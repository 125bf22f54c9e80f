"""Whatever is done in whatever order, kept totals are what a recount of records, days and history gives."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.chapters.models import STATUSES, ChapterDraft
from backend.errors import AppError
from backend.kit.clock import SetClock
from backend.progress import rules, streak
from backend.progress.models import ProgressChange
from tests.progress.recount import recounted, stands
from tests.school import School

CHAPTERS = 4
SUBJECTS = ("Physics", "Chemistry", "Ethics")
ZONES = ("Asia/Kolkata", "Pacific/Kiritimati", "America/Los_Angeles", "Europe/London")
SOLVED = ProgressChange(question_solved=5)

changes = st.builds(
    ProgressChange,
    status=st.none() | st.sampled_from(STATUSES),
    question_solved=st.none() | st.integers(0, 30),
    is_weak_chapter=st.none() | st.booleans(),
)
chapters = st.integers(0, CHAPTERS - 1)
acts = st.one_of(
    st.tuples(st.just("save"), st.dictionaries(chapters, changes, min_size=1, max_size=3), st.booleans()),
    st.tuples(st.just("undo"), st.integers(0, 20)),
    st.tuples(st.just("archive"), chapters),
    st.tuples(st.just("bring back"), chapters),
    st.tuples(st.just("move"), chapters, st.sampled_from(SUBJECTS)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("settings"), st.sampled_from(ZONES), st.integers(0, 6)),
)


@dataclass
class Story:
    """One student's work, done act by act; what is refused in words is part of the story."""

    backend: Backend
    clock: SetClock
    school: School
    teacher: Viewer
    student: Viewer
    ids: list[str]
    batches: list[str] = field(default_factory=list)
    acts: int = 0

    def play(self, act: tuple[Any, ...]) -> None:
        self.acts += 1
        name, *arguments = act
        with suppress(AppError):
            getattr(self, name.replace(" ", "_"))(*arguments)

    def save(self, changed: dict[int, ProgressChange], is_imported: bool) -> None:
        wanted = {self.ids[position]: change for position, change in changed.items()}
        key = f"{self.student.id} {self.acts}"
        saved = self.backend.progress.change_many(self.student, wanted, key=key, confirm=True, is_imported=is_imported)
        again = self.backend.progress.change_many(self.student, wanted, key=key, confirm=True, is_imported=is_imported)
        assert (again.batch_id, again.changed) == (saved.batch_id, saved.changed)
        self.batches.append(saved.batch_id)

    def undo(self, back: int) -> None:
        if self.batches:
            undone = self.backend.progress.undo(self.student, self.batches[-1 - back % len(self.batches)])
            self.batches.append(undone.batch_id)

    def archive(self, position: int) -> None:
        self.backend.chapters.archive(self.teacher, self.ids[position])

    def bring_back(self, position: int) -> None:
        self.backend.chapters.bring_back(self.teacher, self.ids[position])

    def move(self, position: int, subject: str) -> None:
        chapter = self.backend.chapters.get(self.ids[position])
        draft = ChapterDraft(**{name: getattr(chapter, name) for name in ChapterDraft.__struct_fields__})
        fields = asdict(draft) | {"subject": subject}
        self.backend.chapters.edit(self.teacher, chapter.id, ChapterDraft(**fields), version=chapter.version)

    def wait(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    def settings(self, zone: str, hour: int) -> None:
        self.backend.accounts.update_profile(self.student, ProfileChange(time_zone=zone, day_end_hour=hour))
        self.student = self.school.viewer(self.school.user(self.student))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@example(played=[("save", {0: SOLVED}, False), ("archive", 0), ("undo", 0), ("wait", 30), ("undo", 0)])
@example(played=[("save", {0: ProgressChange(), 1: SOLVED}, True)])
@example(played=[("save", {0: SOLVED}, False), ("move", 0, "Ethics"), ("archive", 0), ("bring back", 0)])
@given(played=st.lists(acts, min_size=4, max_size=25))
def test_kept_totals_are_always_a_recount(
    backend: Backend, school: School, clock: SetClock, played: list[tuple[Any, ...]]
) -> None:
    """Summary, study days, studied days and streak agree with records and history after every sequence of acts."""
    story = _begun(backend, school, clock)
    for act in played:
        story.play(act)
    _agree(backend, story.student)
    for position in range(CHAPTERS):
        story.play(("bring back", position))
    _agree(backend, story.student)


def _begun(backend: Backend, school: School, clock: SetClock) -> Story:
    if not backend.registration.has_users():
        school.classroom(school.teacher(school.admin()))
    admin = school.viewer(backend.sign_in.authenticate("admin@example.org", "correct horse battery"))
    (classroom, *_rest) = backend.classrooms.classrooms(admin)
    ids = [chapter.id for chapter in backend.chapters.active()[:CHAPTERS]]
    return Story(backend, clock, school, admin, school.student(classroom), ids)


def _agree(backend: Backend, student: Viewer) -> None:
    assert stands(backend, student) == recounted(backend, student)
    record = backend.progress.record(student.id)
    solved = sum(each.question_solved for each in record.progress.values())
    completed = sum(each.status == "Completed" for each in record.progress.values())
    assert sum(day.solved + day.carried_solved for day in record.days) == solved
    assert sum(day.completed + day.carried_completed for day in record.days) == completed
    studied = [day.day for day in record.days if rules.counts_as_studied(day)]
    assert record.summary.studied_days == len(studied)
    kept, told = record.summary.streak, streak.recomputed(studied)
    assert (kept.current, kept.last_day, kept.freeze_week) == (told.current, told.last_day, told.freeze_week)
    assert kept.longest >= told.longest
    entries = list(backend.mongo["activity"].find({"studentId": student.id}))
    assert sum(entry["deltas"]["solved"] for entry in entries) == solved
    assert sum(day.changes for day in record.days) == len(entries)
