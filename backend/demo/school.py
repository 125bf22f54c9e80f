"""Opening the demo school: permission, at most once, and all days of its people, worked through by a few threads."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from backend.bootstrap import Backend
from backend.chapters.models import Chapter
from backend.classrooms.models import Classroom
from backend.demo import names, people
from backend.demo.calendar import SchoolTime, joined_at, studied_at, study_days
from backend.demo.learners import COURSES, InventedStudent, dice, learners
from backend.demo.past import Past
from backend.demo.queries import DemoQueries, Opened
from backend.demo.study import desk
from backend.errors import Conflict, NotAllowed
from backend.kit.i18n import _, number
from backend.kit.observability import log

SEED, LEARNERS, DAYS = 2026, 120, 120
HANDS = 4  # students who work at the same time; a small machine is busy from there on
LEFT_ALONE = timedelta(seconds=30)  # an opening untouched for so long was interrupted

OnProgress = Callable[[int, int, str], None]
_log = log.get(__name__)


@dataclass(frozen=True)
class DemoSignIns:
    """The accounts of the demo school; all have the same password."""

    administrator: str
    teachers: tuple[str, ...]
    students: tuple[str, ...]
    password: str


def open_school(
    backend: Backend,
    *,
    seed: int = SEED,
    count: int = LEARNERS,
    days: int = DAYS,
    on_progress: OnProgress = lambda _done, _total, _line: None,
) -> DemoSignIns:
    """Make the demo school, or finish one that was interrupted; the same for the same seed, day and hour.

    `on_progress(done, total, line)` is called from the calling thread; what it raises interrupts. Raises NotAllowed
    where demo sign-ins may not exist; Conflict where the school has people (code demo_open: those of a demo school
    that is whole), or somebody is opening it at this moment (code demo_busy).
    """
    if not backend.settings.demo_allowed:
        raise NotAllowed(_("The demo school is not offered here, because everybody knows its password."))
    notes = DemoQueries(backend.mongo)
    opened = _claim(backend, notes, seed, count, days)
    try:
        _fill(backend, notes, opened, on_progress)
    except BaseException:
        notes.let_go(forget=not backend.registration.has_users())
        raise
    notes.finish(backend.clock.now())
    _log.info("demo_school_opened", students=opened.learners, days=opened.days, seed=opened.seed)
    return sign_ins(opened.learners)


def is_unfinished(backend: Backend) -> bool:
    """Whether a demo school was begun here and not finished: `open_school` carries on with it."""
    opened = DemoQueries(backend.mongo).opened()
    return opened is not None and opened.finished_at is None


def sign_ins(count: int = LEARNERS) -> DemoSignIns:
    """The sign-ins of a demo school with so many students."""
    return DemoSignIns(
        administrator=people.ADMINISTRATOR,
        teachers=tuple(people.teacher_email(each) for each in range(1, len(names.TEACHERS) + 1)),
        students=tuple(f"student{each}@demo.school" for each in range(1, count + 1)),
        password=people.PASSWORD,
    )


def _claim(backend: Backend, notes: DemoQueries, seed: int, count: int, days: int) -> Opened:
    now, before = backend.clock.now(), notes.opened()
    if before is None:
        if backend.registration.has_users():
            raise Conflict(_("This school already has people. The demo school can be opened only in an empty one."))
        fresh = Opened(seed=seed, learners=count, days=days, opened_at=now, touched_at=now)
        if notes.begin(fresh):
            return fresh
        raise _busy()
    if before.finished_at:
        raise Conflict(_("The demo school is open already. Please sign in."), code="demo_open")
    if (before.touched_at and now - before.touched_at < LEFT_ALONE) or not notes.take_over(before, now):
        raise _busy()
    return before


def _busy() -> Conflict:
    return Conflict(_("The demo school is being opened. Please wait a minute."), code="demo_busy")


@dataclass(frozen=True)
class _Ground:
    """The surroundings of every learner: time, chapters, classes."""

    opened: Opened
    time: SchoolTime
    syllabus: tuple[Chapter, ...]
    classrooms: tuple[Classroom, ...]


def _fill(backend: Backend, notes: DemoQueries, opened: Opened, on_progress: OnProgress) -> None:
    on_progress(0, opened.learners, _("Teachers and classes …"))
    time = SchoolTime(opened.opened_at, opened.days, ZoneInfo(backend.settings.time_zone))
    everybody = learners(opened.seed, opened.learners, time.today, opened.days)
    with closing(Past(backend)) as past:
        admin = people.administrator(past, time)
        ground = _Ground(opened, time, backend.chapters.active(), people.classrooms(past, admin, time))
        for done, learner in enumerate(_attended(past, everybody, ground), start=1):
            notes.touch(backend.clock.now())
            on_progress(done, opened.learners, _progress_line(learner, done, opened))


def _progress_line(learner: InventedStudent, done: int, opened: Opened) -> str:
    return _("{done} of {total} students have arrived, {name} among them").format(
        done=number(done), total=number(opened.learners), name=learner.name
    )


def _attended(past: Past, everybody: Iterable[InventedStudent], ground: _Ground) -> Iterator[InventedStudent]:
    """Yield every learner after all their days, in the order in which they finish."""
    with ThreadPoolExecutor(HANDS, thread_name_prefix="demo-school") as pool:
        futures = [pool.submit(_attend, past, learner, ground) for learner in everybody]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _attend(past: Past, learner: InventedStudent, ground: _Ground) -> InventedStudent:
    """Sign up, then save each day's work at its time; what was saved before is not saved again (same keys)."""
    seed, time, course = ground.opened.seed, ground.time, COURSES[learner.course]
    own = dice(seed, "time", learner.number)
    joined = joined_at(own, learner, time)
    viewer = people.student(past, learner, ground.classrooms[learner.course], joined)
    place = desk(dice(seed, "work", learner.number), learner, course.classes, ground.syllabus, seed)
    last = None
    for day in study_days(dice(seed, "days", learner.number), learner, time.days, time.first_weekday):
        at = studied_at(own, learner, joined, time, day.day)
        if at is None:
            continue
        changes = place.session(day.questions)
        if changes:
            past.at(at).progress.change_many(viewer, changes, key=f"demo-{time.date(day.day)}", confirm=True)
            last = at
    if last:
        people.sign_in_and_out(past.at(last), viewer)
    return learner
