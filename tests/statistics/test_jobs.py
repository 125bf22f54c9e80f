"""Background work starts with the doors and ends with them; the worker is a door of its own."""

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.errors import NotFound, Unavailable
from backend.jobs import WARMING, Jobs, table
from backend.kit.observability.metrics import Registry
from backend.kit.schedule.runner import Work
from backend.kit.schedule.runs import Run
from backend.kit.schedule.scheduler import Scheduler
from backend.progress.models import ProgressChange
from backend.worker import main
from tests.classrooms.builders import save
from tests.school import School
from tests.statistics.builders import catches_up
from tests.waiting import until


def outcome(backend: Backend, name: str) -> str:
    """What a job says when it is done now, in this thread."""
    run = Run(
        id=name,
        job=name,
        slot=backend.clock.now(),
        kind="asked",
        state="running",
        owner="test",
        attempt=1,
        started_at=backend.clock.now(),
    )
    (job,) = (each for each in table(backend) if each.name == name)
    return job.work(Work(run))


def test_jobs_work_from_start_to_stop(backend: Backend, student: Viewer) -> None:
    """Between start and stop statistics follow what students save; after stop no thread is left."""
    jobs = Jobs(backend)
    jobs.start()
    assert set(jobs.running) == {"projector", "scheduler"}
    save(backend, student, 0, "a", ProgressChange(questions_delta=5))
    assert catches_up(backend)
    jobs.stop()
    assert not jobs.running


def test_the_worker_says_how_it_is_called() -> None:
    """Anything but nothing or "rebuild" is refused before a connection is made."""
    assert main(["rebuilt"]) == 2


def test_a_job_runs_now_when_an_administrator_says_so(backend: Backend, school: School) -> None:
    """The run is done by whoever has a scheduler, recorded with its outcome, and stands in the audit trail."""
    admin = school.admin()
    with pytest.raises(NotFound):
        backend.jobs.run(admin, "retention")
    jobs = Jobs(backend)
    jobs.start()
    try:
        until(lambda: {each.name for each in backend.jobs.jobs(admin)} == {job.name for job in table(backend)})
        backend.jobs.run(admin, "retention")

        def is_done() -> bool:
            (report,) = (each for each in backend.jobs.jobs(admin) if each.name == "retention")
            return report.last is not None and report.last.state == "done"

        until(is_done)
        with pytest.raises(NotFound):
            backend.jobs.run(admin, "unheard-of")
    finally:
        jobs.stop()
    (report,) = (each for each in backend.jobs.jobs(admin) if each.name == "retention")
    assert report.last is not None
    assert report.last.kind == "asked"
    assert report.last.outcome.endswith("audit entries forgotten")
    assert report.next_at > report.last.started_at
    assert [entry.act for entry in backend.audit.entries(admin).entries if entry.target_id == "retention"] == [
        "job.started"
    ]


def test_without_a_worker_a_run_is_refused_in_words(backend: Backend, school: School) -> None:
    """Who asks for a run that nobody would do is told so, rather than left waiting."""
    admin = school.admin()
    backend.runs.plan("retention", "0 4 * * *", "UTC", makes_up=True)
    backend.mongo["jobs"].update_many({}, [{"$set": {"seenAt": {"$subtract": ["$$NOW", 600_000]}}}])
    with pytest.raises(Unavailable, match="No worker"):
        backend.jobs.run(admin, "retention")


def test_a_failed_job_shows_in_the_health(backend: Backend, school: School) -> None:
    """Nobody there is unknown; a failed last run is a warning that names the job; a good one puts it right."""
    admin = school.admin()

    def state() -> tuple[str, str]:
        backend.operations._kept.clear()
        (found,) = (each for each in backend.operations.health(admin).checks if each.name == "jobs")
        return found.state, found.detail

    assert state() == ("unknown", "")
    backend.runs.plan("retention", "0 4 * * *", "UTC", makes_up=True)
    for name, expected in (("failed", ("warning", "retention")), ("done", ("ok", ""))):
        run = backend.runs.claim("retention", backend.runs.now(), "asked", "test", 30)
        assert isinstance(run, Run)
        backend.runs.finish(run, "failed" if name == "failed" else "done", "", [])
        assert state() == expected


def test_every_job_does_its_work(backend: Backend) -> None:
    """Each of the table can be done on a fresh school, and again, and says what it did."""
    for _time in range(2):
        for job in table(backend):
            assert outcome(backend, job.name)


def test_a_missing_index_is_made_anew(backend: Backend) -> None:
    """The nightly check makes what somebody dropped, and says how many."""
    assert outcome(backend, "index-check") == "all present"
    backend.mongo["memberships"].drop_index("user")
    assert outcome(backend, "index-check") == "1 made anew"
    assert "user" in backend.mongo["memberships"].index_information()


def test_warming_follows_what_empties_a_region(backend: Backend) -> None:
    """After the cache was flushed the warming job runs by itself, without anybody asking."""
    jobs = Jobs(backend)
    jobs.start()
    try:
        until(lambda: bool(backend.runs.newest(WARMING, 1)))  # the one at the start
        until(lambda: backend.runs.newest(WARMING, 1)[0].state == "done")
        before = backend.runs.newest(WARMING, 1)[0].id
        backend.cache.clear_region("chapters")
        until(lambda: backend.runs.newest(WARMING, 1)[0].id != before)
    finally:
        jobs.stop()


def test_warming_loads_what_everybody_needs(backend: Backend) -> None:
    """After all was dropped the job loads the catalogue and the statistics, and a second run finds both there."""
    until(lambda: backend.cache.healthy)
    backend.cache.invalidate("*")
    assert outcome(backend, WARMING) == "2 loaded, 0 there already, 0 failed, 0 left"
    assert outcome(backend, WARMING) == "0 loaded, 2 there already, 0 failed, 0 left"


def test_two_processes_that_start_together_warm_once(backend: Backend) -> None:
    """Both ask for warming at their start; one of them does it."""
    pair = [
        Scheduler(backend.runs, table(backend), Registry(), time_zone=backend.settings.time_zone) for _number in "ab"
    ]
    for each in pair:
        each.begin()

    def is_done() -> bool:
        for each in pair:
            each.look()
        return any(run.state == "done" for run in backend.runs.newest(WARMING, 5))

    until(is_done)
    for each in pair:
        each.look()
        each.end()
    assert len(backend.runs.newest(WARMING, 5)) == 1
