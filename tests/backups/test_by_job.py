"""The backup and the trial of the night: seen like those that somebody asked for, and never beside one."""

import threading

import pytest

from backend.accounts.models import Viewer
from backend.backups.models import Task
from backend.backups.tasks import DRILL_JOB, LANE, TAKE_JOB
from backend.bootstrap import Backend
from backend.errors import Conflict, Unavailable
from backend.jobs import table
from backend.kit.observability.metrics import Registry
from backend.kit.schedule.runner import Runner, Work
from backend.kit.schedule.runs import Asked, Run
from backend.kit.schedule.scheduler import Job, Scheduler
from tests.waiting import until


def night(backend: Backend, *jobs: Job) -> Scheduler:
    """A scheduler of these jobs, each of which was asked for."""
    made = Scheduler(backend.runs, jobs, Registry(), time_zone="Asia/Kolkata", lease_seconds=2)
    made.begin()
    for job in jobs:
        backend.runs.ask(job.name)
    return made


def ended(backend: Backend, admin: Viewer, made: Scheduler, kind: str) -> Task:
    """The last task, once it is over and of this kind."""
    last: list[Task] = []

    def is_over() -> bool:
        made.look()
        task = backend.backup_tasks.current(admin)
        last[:] = [task] if task else []
        return task is not None and (task.kind, task.state) in {(kind, "done"), (kind, "failed")}

    until(is_over)
    return last[0]


def test_the_night_is_seen_in_the_page(backend: Backend, admin: Viewer) -> None:
    """While it runs it is the task under way, with its share; nothing begins beside it; afterwards it is done."""
    may_end = threading.Event()

    def work(handle: Work) -> str:
        handle.tell(0.4, "users")
        assert may_end.wait(60)
        return "taken"

    made = night(backend, Job(TAKE_JOB, "0 2 * * *", work, makes_up=True, lane=LANE))

    def is_seen() -> bool:
        made.look()
        task = backend.backup_tasks.current(admin)
        return task is not None and (task.state, task.share, task.collection) == ("running", 0.4, "users")

    until(is_seen)
    with pytest.raises(Conflict):
        backend.backup_tasks.take(admin)
    may_end.set()
    task = ended(backend, admin, made, "take")
    assert (task.state, task.share, task.asked_by, task.message) == ("done", 1.0, "", "")


def test_it_waits_for_what_somebody_asked_for(backend: Backend, admin: Viewer) -> None:
    """Nothing begins beside another task; once that has ended, the job's turn has come."""
    may_end = threading.Event()

    def restoring(_work: Work) -> str:
        assert may_end.wait(60)
        return "restored"

    runner = Runner(backend.runs, Registry())
    assert isinstance(
        runner.begin("restore", backend.runs.now(), "asked", restoring, lane=LANE, asked=Asked(admin.id)), Run
    )
    begun = threading.Event()

    def work(_work: Work) -> str:
        begun.set()
        return "taken"

    made = night(backend, Job(TAKE_JOB, "0 2 * * *", work, makes_up=True, lane=LANE))
    for _look in range(3):
        made.look()
    assert not begun.is_set()
    may_end.set()
    assert ended(backend, admin, made, "take").state == "done"


def test_what_somebody_asked_for_is_taken_over_by_nobody(backend: Backend, admin: Viewer) -> None:
    """A restore whose process died is not done again by another one; the night's backup goes on past it."""
    lost = backend.runs.claim("restore", backend.runs.now(), "asked", "dead", 0, lane=LANE, asked=Asked(admin.id))
    assert isinstance(lost, Run)
    until(lambda: (task := backend.backup_tasks.current(admin)) is not None and task.state == "failed")
    again = threading.Event()

    def restoring(_work: Work) -> str:
        again.set()
        return "restored"

    jobs = (
        Job("restore", "0 0 29 2 *", restoring, makes_up=False, lane=LANE),
        Job(TAKE_JOB, "0 2 * * *", lambda _work: "taken", makes_up=True, lane=LANE),
    )
    made = Scheduler(backend.runs, jobs, Registry(), time_zone="Asia/Kolkata", lease_seconds=2)
    made.begin()
    backend.runs.ask(TAKE_JOB)
    assert ended(backend, admin, made, "take").state == "done"
    assert not again.is_set()
    assert backend.runs.newest("restore", 5)[0].state == "failed"


def test_a_failure_is_the_jobs_and_the_tasks(backend: Backend, admin: Viewer) -> None:
    """The job's record gets what went wrong, and so does the page of backups."""

    def work(_work: Work) -> str:
        raise Unavailable("The disk is full.")

    task = ended(backend, admin, night(backend, Job(TAKE_JOB, "0 2 * * *", work, makes_up=True, lane=LANE)), "take")
    assert (task.state, task.message) == ("failed", "The disk is full.")
    assert backend.runs.newest(TAKE_JOB, 1)[0].outcome == "The disk is full."


def test_the_jobs_of_the_table_go_this_way(backend: Backend, admin: Viewer) -> None:
    """The nightly backup and the weekly trial say how far they are, and leave a line of what they made."""
    jobs = {job.name: job for job in table(backend)}
    for name, kind in ((TAKE_JOB, "take"), (DRILL_JOB, "drill")):
        made = night(backend, jobs[name])
        task = ended(backend, admin, made, kind)
        (run,) = backend.runs.newest(name, 5)
        assert (task.state, run.id, run.lane) == ("done", task.id, LANE)
        assert "documents" in run.outcome
