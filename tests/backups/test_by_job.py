"""The backup and the trial of the night: seen like those that somebody asked for, and never beside one."""

import pytest

from backend.accounts.models import Viewer
from backend.backups.models import Task
from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.jobs import table
from backend.kit.archive import Progress
from backend.kit.mongo.client import new_id
from backend.kit.schedule.runs import Run
from backend.kit.schedule.scheduler import Stopped, Work


def never() -> None:
    """Nobody tells this job to stop."""


def test_the_night_is_seen_in_the_page(backend: Backend, admin: Viewer) -> None:
    """While it runs it is the task under way, with its share; afterwards it is the last one, done."""
    seen: list[Task | None] = []
    told: list[tuple[float, str]] = []

    def work(progress: Progress) -> str:
        progress("users", 1, 1)
        seen.append(backend.backup_tasks.current(admin))
        return "taken"

    said = backend.backup_tasks.by_job("take", work, check=never, tell=lambda *at: told.append(at))
    (running,) = seen
    assert said == "taken" and running and running.state == "running"
    assert running.collection == "users" and 0 < running.share < 1 and told == [(running.share, "users")]
    ended = backend.backup_tasks.current(admin)
    assert ended and (ended.state, ended.share) == ("done", 1.0)


def test_it_waits_for_what_somebody_asked_for(backend: Backend, admin: Viewer) -> None:
    """Nothing begins beside another task; once that has ended, the job's turn has come."""
    queries = backend.restores._queries
    other = Task(id=new_id(), kind="restore", state="running", started_at=backend.clock.now())
    lease = queries.begin_task(other, 60)
    assert lease
    waits: list[str] = []

    def check() -> None:
        waits.append("waited")
        queries.end_task(other, lease)

    assert backend.backup_tasks.by_job("take", lambda _p: "taken", check=check, tell=lambda *_at: None) == "taken"
    assert waits == ["waited"]


def test_a_process_that_ends_does_not_wait(backend: Backend) -> None:
    """Told to stop, it leaves its turn to another process and begins nothing."""
    other = Task(id=new_id(), kind="take", state="running", started_at=backend.clock.now())
    assert backend.restores._queries.begin_task(other, 60)

    def check() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        backend.backup_tasks.by_job("take", lambda _p: "taken", check=check, tell=lambda *_at: None)


def test_a_failure_is_the_jobs_and_the_tasks(backend: Backend, admin: Viewer) -> None:
    """The job's record gets what went wrong, and so does the page of backups."""

    def work(_progress: Progress) -> str:
        raise Unavailable("The disk is full.")

    with pytest.raises(Unavailable, match="disk"):
        backend.backup_tasks.by_job("take", work, check=never, tell=lambda *_at: None)
    task = backend.backup_tasks.current(admin)
    assert task and (task.state, task.message) == ("failed", "The disk is full.")


def test_the_jobs_of_the_table_go_this_way(backend: Backend, admin: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nightly backup and the weekly trial say how far they are, and leave a line of what they made."""
    monkeypatch.setattr("backend.backups.meter.TELL_SECONDS", 0.0)  # they are over sooner than that
    jobs = {job.name: job for job in table(backend)}
    for name, kind in (("backup", "take"), ("backup-drill", "drill")):
        slot = backend.runs.now()
        backend.runs.plan(name, "0 2 * * *", "Asia/Kolkata", makes_up=True)
        run = backend.runs.claim(name, slot, "asked", "test", 60)
        assert isinstance(run, Run)
        work = Work(run)
        assert "documents" in jobs[name].work(work)
        assert work.share is not None and 0 < work.share < 1
        task = backend.backup_tasks.current(admin)
        assert task and (task.kind, task.state) == (kind, "done")
