"""Jobs run once among all processes, whatever dies meanwhile, and leave a record. Over a real MongoDB."""

import multiprocessing
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event as Flag

import pytest

from backend.errors import Unavailable
from backend.kit.clock import SystemClock
from backend.kit.embedded import Servers
from backend.kit.mongo.client import Mongo
from backend.kit.observability.metrics import JOBS, Registry
from backend.kit.schedule.runner import Work
from backend.kit.schedule.runs import INDEXES, KEPT_DAYS, Run, Runs
from backend.kit.schedule.scheduler import ASKED_AT_MOST, LATE, Job, Scheduler
from tests.waiting import until

ZONE = "Asia/Kolkata"
AT_TWO = datetime(2026, 11, 18, 20, 30, tzinfo=UTC)
NIGHTLY = "0 2 * * *"
SLOTS = [AT_TWO + timedelta(minutes=number) for number in range(20)]


@pytest.fixture
def mongo(servers: Servers) -> Iterator[Mongo]:
    """A database of this test's own."""
    with closing(Mongo(str(servers.mongodb_uri), f"test_{uuid.uuid4().hex[:12]}")) as opened:
        opened.ensure_indexes(INDEXES)
        yield opened
        opened.client.drop_database(opened.database.name)


@pytest.fixture
def runs(mongo: Mongo) -> Runs:
    return Runs(mongo)


class Watch:
    """The time that a scheduler under test is told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class Counted:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, work: Work) -> str:
        self.times += 1
        work.say("one line")
        return f"done {self.times}"


def scheduler(runs: Runs, job: Job, watch: Watch | None = None, *, lease_seconds: float = 30.0) -> Scheduler:
    """A scheduler of one job, as another process would have it."""
    made = Scheduler(runs, [job], Registry(), time_zone=ZONE, lease_seconds=lease_seconds, now=watch)
    made.begin()
    return made


def looked(made: Scheduler) -> None:
    """Look once and wait for what was begun."""
    made.look()
    until(lambda: not made.running)


def planned_since(mongo: Mongo, at: datetime) -> None:
    """As if the job had been planned since `at`: a job that is new missed nothing."""
    mongo["jobs"].update_many({}, {"$set": {"since": at}})


def claim_all(uri: str, database: str, may_begin: Flag, wins: "multiprocessing.Queue[int]") -> None:
    """A process that tries to run every slot."""
    with closing(Mongo(uri, database)) as mongo:
        runs, won = Runs(mongo), 0
        assert may_begin.wait(60)
        for slot in SLOTS:
            while (found := runs.claim("job", slot, "slot", str(may_begin), 30)) == "busy":
                pass
            if isinstance(found, Run):
                won += 1
                runs.finish(found, "done", "", [])
        wins.put(won)


def hang(uri: str, database: str) -> None:
    """A process that begins the job and never ends it."""

    def never(_work: Work) -> str:
        threading.Event().wait()
        return ""

    runs = Runs(Mongo(uri, database))
    made = Scheduler(
        runs,
        [Job("job", NIGHTLY, never, makes_up=False, at_start_seconds=0)],
        Registry(),
        time_zone=ZONE,
        lease_seconds=2,
    )
    made.run(threading.Event())


def test_every_slot_is_claimed_once_among_processes(servers: Servers, mongo: Mongo, runs: Runs) -> None:
    """Four processes that all want each of twenty slots run each of them once."""
    spawn = multiprocessing.get_context("spawn")
    may_begin, wins = spawn.Event(), spawn.Queue()
    arguments = (str(servers.mongodb_uri), mongo.database.name, may_begin, wins)
    processes = [spawn.Process(target=claim_all, args=arguments) for _number in range(4)]
    for process in processes:
        process.start()
    may_begin.set()
    assert sum(wins.get(timeout=60) for _process in processes) == len(SLOTS)
    for process in processes:
        process.join(60)
    assert mongo["jobRuns"].count_documents({"state": "done"}) == len(SLOTS)


def test_a_killed_owner_is_replaced(servers: Servers, mongo: Mongo, runs: Runs) -> None:
    """What a process was doing when it was killed is done by another once its lease ends: its second try."""
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=hang, args=(str(servers.mongodb_uri), mongo.database.name))
    process.start()
    try:
        until(lambda: mongo["jobRuns"].count_documents({"state": "running"}) == 1)
    finally:
        process.kill()
        process.join(60)
    work = Counted()
    other = scheduler(runs, Job("job", NIGHTLY, work, makes_up=False), lease_seconds=2)

    def is_done() -> bool:
        other.look()
        return work.times == 1 and not other.running

    until(is_done)
    (found,) = runs.newest("job", 5)
    assert (found.state, found.attempt, found.outcome, found.log) == ("done", 2, "done 1", ("one line",))


def test_who_was_replaced_writes_nothing(mongo: Mongo, runs: Runs) -> None:
    """A process that comes back after its lease ended neither keeps the run nor ends it."""
    stale = runs.claim("job", AT_TWO, "slot", "first", 0)
    assert isinstance(stale, Run)
    until(lambda: runs.take_over(["job"], "second", 30) is not None)
    assert not runs.keep(stale, 30)
    assert not runs.finish(stale, "done", "too late", [])
    assert [(run.owner, run.state) for run in runs.newest("job", 5)] == [("second", "running")]


def test_a_run_that_kills_its_processes_is_given_up(runs: Runs) -> None:
    """After three owners that died, the run is recorded as failed and taken by nobody."""
    assert isinstance(runs.claim("job", AT_TWO, "slot", "0", 0), Run)
    for owner in ("1", "2"):
        until(lambda owner=owner: runs.take_over(["job"], owner, 0) is not None)  # type: ignore[misc]  # a default argument
    until(lambda: runs.take_over(["job"], "3", 0) is None and runs.newest("job", 1)[0].state == "failed")


def test_a_job_never_runs_twice_at_once(runs: Runs) -> None:
    """While one slot runs, another slot of the same job has to wait, also in other processes."""
    first = runs.claim("job", AT_TWO, "slot", "a", 30)
    assert isinstance(first, Run)
    later = AT_TWO + timedelta(hours=1)
    assert runs.claim("job", later, "asked", "b", 30) == "busy"
    assert isinstance(runs.claim("another", AT_TWO, "slot", "b", 30), Run)
    assert runs.finish(first, "done", "", [])
    assert isinstance(runs.claim("job", later, "asked", "b", 30), Run)


@pytest.mark.parametrize(("makes_up", "state"), [(True, "done"), (False, "skipped")])
def test_a_missed_run_is_made_up_or_left_out(mongo: Mongo, runs: Runs, makes_up: bool, state: str) -> None:
    """After days with nobody there the latest missed run alone is done late, or recorded as left out; never both."""
    work, watch = Counted(), Watch(AT_TWO + timedelta(days=3, hours=5))
    job = Job("job", NIGHTLY, work, makes_up=makes_up)
    first = scheduler(runs, job, watch)
    planned_since(mongo, AT_TWO - timedelta(days=1))
    for made in (scheduler(runs, job, watch), scheduler(runs, job, watch)):
        looked(made)
        looked(made)
    assert first.running == ()
    assert work.times == int(makes_up)
    assert [(run.slot, run.state) for run in runs.newest("job", 9)] == [(AT_TWO + timedelta(days=3), state)]


def test_a_new_job_has_missed_nothing(runs: Runs) -> None:
    """A time before the job was ever planned is no missed run."""
    work = Counted()
    looked(scheduler(runs, Job("job", "* * * * *", work, makes_up=True), Watch(AT_TWO)))
    assert work.times == 0


def test_a_clock_change_runs_a_job_once(mongo: Mongo, runs: Runs) -> None:
    """Looking all through the night in which half past two comes twice, two processes run the job once."""
    work, watch = Counted(), Watch(datetime(2026, 10, 24, 23, 55, tzinfo=UTC))
    job = Job("job", "30 2 * * *", work, makes_up=True)
    pair = [
        Scheduler(runs, [job], Registry(), time_zone="Europe/Berlin", now=watch),
        Scheduler(runs, [job], Registry(), time_zone="Europe/Berlin", now=watch),
    ]
    for made in pair:
        made.begin()
    planned_since(mongo, watch.at)
    for made in pair:
        made.begin()
    while watch.at < datetime(2026, 10, 25, 3, tzinfo=UTC):
        watch.at += timedelta(minutes=5)
        for made in pair:
            looked(made)
    assert [run.slot for run in runs.newest("job", 9)] == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]
    assert work.times == 1


def test_what_is_asked_for_runs_once_and_soon(runs: Runs) -> None:
    """A run asked for beside the plan is done by one of two processes, for all who asked before it begins."""
    work = Counted()
    job = Job("job", NIGHTLY, work, makes_up=False)
    pair = [scheduler(runs, job), scheduler(runs, job)]
    assert runs.ask("job", delay_seconds=2)
    wanted = runs.asked()["job"]
    assert runs.ask("job", delay_seconds=60)
    assert runs.asked()["job"] == wanted  # who asks again and again does not put it off for ever

    def is_done() -> bool:
        for made in pair:
            looked(made)
        return work.times > 0

    until(is_done)
    for made in pair:
        looked(made)
    assert work.times == 1
    assert runs.newest("job", 1)[0].kind == "asked"
    assert not runs.ask("unheard-of")


@pytest.mark.parametrize(
    ("error", "outcome"), [(Unavailable("The disk is full."), "The disk is full."), (KeyError("x"), "KeyError: 'x'")]
)
def test_a_failure_is_recorded(runs: Runs, error: Exception, outcome: str) -> None:
    """A run that raises is kept as failed with what it was, and counted."""

    def fail(_work: Work) -> str:
        raise error

    registry = Registry()
    made = Scheduler(runs, [Job("job", NIGHTLY, fail, makes_up=False, at_start_seconds=0)], registry, time_zone=ZONE)
    made.begin()

    def has_run() -> bool:
        looked(made)
        return bool(runs.newest("job", 1))

    until(has_run)
    (found,) = runs.newest("job", 5)
    assert (found.state, found.outcome) == ("failed", outcome)
    assert found.seconds is not None
    assert registry.read(JOBS)["job"].failed == 1


def test_stopping_hands_the_work_on(runs: Runs) -> None:
    """Work that is told to stop between two steps is begun again by another process at once, not after a lease."""
    is_working = threading.Event()

    def until_stopped(work: Work) -> str:
        is_working.set()
        until(lambda: work.should_stop)
        work.check()
        return "never"

    stop, again = threading.Event(), Counted()
    first = Scheduler(
        runs, [Job("job", NIGHTLY, until_stopped, makes_up=False, at_start_seconds=0)], Registry(), time_zone=ZONE
    )
    thread = threading.Thread(target=first.run, args=(stop,), daemon=True)
    thread.start()
    assert is_working.wait(60)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    other = scheduler(runs, Job("job", NIGHTLY, again, makes_up=False))
    looked(other)
    assert again.times == 1
    assert runs.newest("job", 1)[0].attempt == 2


def test_old_runs_leave(mongo: Mongo, runs: Runs) -> None:
    """Time takes what is older than ninety days; of each job only so many stay before that."""
    assert mongo["jobRuns"].index_information()["leaves"]["expireAfterSeconds"] == KEPT_DAYS * 86_400
    for slot in SLOTS[:6]:
        found = runs.claim("job", slot, "slot", "a", 30)
        assert isinstance(found, Run)
        runs.finish(found, "done", "", [])
    assert runs.prune(kept=4) == 2
    assert [run.slot for run in runs.newest("job", 9)] == list(reversed(SLOTS[2:6]))


def test_a_late_look_is_no_missed_run(mongo: Mongo, runs: Runs) -> None:
    """A process that was busy for some minutes still runs what came due meanwhile, also a job that makes up nothing."""
    work, watch = Counted(), Watch(AT_TWO + LATE - timedelta(seconds=1))
    job = Job("job", NIGHTLY, work, makes_up=False)
    scheduler(runs, job, watch)
    planned_since(mongo, AT_TWO - timedelta(hours=1))
    looked(scheduler(runs, job, watch))
    assert (work.times, runs.newest("job", 1)[0].kind) == (1, "slot")


def test_a_machine_whose_clock_is_moved_runs_nothing_early(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks at the server's time what has passed is measured, not read from a clock that somebody sets."""
    made = scheduler(runs, Job("job", NIGHTLY, Counted(), makes_up=False))
    now = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda self: now(self) + timedelta(days=1))
    assert abs(made._now() - runs.now()) < timedelta(minutes=5)


def test_what_was_wanted_while_the_database_was_away_is_asked_for_later(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wish that could not be written down is not lost: the next look that can write it does."""
    work = Counted()
    made = scheduler(runs, Job("job", NIGHTLY, work, makes_up=False))
    made.want("job", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(runs, "ask", _away)
        with pytest.raises(Unavailable):
            made.look()

    def has_run() -> bool:
        made.look()
        return work.times > 0

    until(has_run)


def _away(_job: str, *, delay_seconds: float) -> bool:
    raise Unavailable(f"MongoDB is away; wanted in {delay_seconds} s.")


def test_what_nobody_began_in_time_is_wanted_no_more(runs: Runs) -> None:
    """A run asked for while no process was there is not done when one comes back an hour later."""
    work, watch = Counted(), Watch(runs.now())
    made = scheduler(runs, Job("job", "0 0 29 2 *", work, makes_up=False), watch)
    assert runs.ask("job")
    watch.at = runs.asked()["job"] + ASKED_AT_MOST + timedelta(seconds=1)
    looked(made)
    assert work.times == 0
    watch.at = runs.asked()["job"] + ASKED_AT_MOST
    looked(made)
    assert work.times == 1


def test_a_process_that_took_its_own_run_over_ends_it_once(runs: Runs) -> None:
    """One that was frozen for so long that its run was free takes it over itself: the first thread writes nothing."""
    first = runs.claim("job", AT_TWO, "slot", "a", -1)
    assert isinstance(first, Run)
    second = runs.take_over(["job"], "a", 30)
    assert second is not None
    assert not runs.keep(first, 30)
    assert not runs.finish(first, "failed", "of the first", [])
    assert runs.finish(second, "done", "of the second", [])


def test_a_run_under_way_says_how_far_it_is(runs: Runs) -> None:
    """Share, what it is at and its lines are in its record while it runs, for any process to read."""
    goes_on, may_end = threading.Event(), threading.Event()

    def work(work: Work) -> str:
        work.say("begun")
        work.tell(0.4, "users")
        goes_on.set()
        assert may_end.wait(60)
        return "over"

    made = scheduler(runs, Job("job", NIGHTLY, work, makes_up=True))
    runs.ask("job")

    def has_begun() -> bool:
        made.look()
        return goes_on.is_set()

    until(has_begun)
    until(lambda: runs.newest("job", 1)[0].share is not None)
    (run,) = runs.newest("job", 1)
    assert (run.state, run.share, run.doing, run.log) == ("running", 0.4, "users", ("begun",))
    may_end.set()
    until(lambda: not made.running)
    (run,) = runs.newest("job", 1)
    assert (run.state, run.outcome, run.log) == ("done", "over", ("begun",))
