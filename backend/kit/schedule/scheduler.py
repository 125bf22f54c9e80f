"""Work that happens by the clock, once among all processes: what is due is claimed in MongoDB and run on a thread.

Knows no learning word and no job; the table of jobs is in backend/jobs.py."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from backend.errors import AppError
from backend.kit.mongo.client import new_id
from backend.kit.observability import log, tracing
from backend.kit.observability.metrics import JOBS, Registry
from backend.kit.schedule.cron import latest_time
from backend.kit.schedule.runs import LOG_LINES, JobPlan, Kind, Run, Runs, State

LEASE_SECONDS = 30.0
LOOK_SECONDS = 1.0
LATE = timedelta(minutes=5)  # from then on a run counts as missed: nobody was there
ASKED_AT_MOST = timedelta(minutes=10)  # a request for a run that no process began expires
STOP_SECONDS = 10.0
_KEEP_PART = 3  # a lease is renewed so many times before it could end
_LONGEST_PAUSE_SECONDS = 15.0
_FINISH_PAUSES = (0.0, 1.0, 3.0, 6.0)

_log = log.get(__name__)


class Stopped(Exception):
    """Raised by work that was told to stop: another process is to do it again from the beginning."""


class Work:
    """The handle that a job's work receives: it takes lines for the record, and says whether to stop."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lines: list[str] = []
        self.share: float | None = None
        self.doing = ""
        self.is_told = True
        self._stop = threading.Event()

    def say(self, line: str) -> None:
        """Keep a line with the run (the last fifty stay)."""
        self.lines = [*self.lines, line][-LOG_LINES:]
        self.is_told = False

    def tell(self, share: float, doing: str = "") -> None:
        """How far it is, from 0 to 1, and with what; everybody sees it within some seconds."""
        self.share, self.doing, self.is_told = share, doing, False

    @property
    def should_stop(self) -> bool:
        """Whether the process ends, or another one has taken the run over."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raises Stopped where the work should stop; to be called between its steps."""
        if self._stop.is_set():
            raise Stopped

    def stop(self) -> None:
        """From now on `should_stop`."""
        self._stop.set()


@dataclass(frozen=True)
class Job:
    """Work with a time. It must bear being done twice: a process that dies in it is followed by another.

    `cron` is in the school's time zone. `makes_up`: where nobody was there at its time, the latest missed run is done
    as soon as somebody is; else it is recorded as left out. `at_start_seconds`: also so long after a process starts.
    """

    name: str
    cron: str
    work: Callable[[Work], str]
    makes_up: bool
    at_start_seconds: float | None = None


@dataclass
class _Running:
    work: Work
    thread: threading.Thread
    kept_at: float = field(default_factory=monotonic)


class Scheduler:
    """One per process; any number of processes. `now` is the server's time unless a test sets it."""

    def __init__(
        self,
        runs: Runs,
        jobs: Sequence[Job],
        registry: Registry,
        *,
        time_zone: str,
        lease_seconds: float = LEASE_SECONDS,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._runs = runs
        self._jobs = {job.name: job for job in jobs}
        self._registry = registry
        self._time_zone = time_zone
        self._lease_seconds = lease_seconds
        self._now = now or self._server_time
        self._owner = new_id()
        self._plans: dict[str, JobPlan] = {}
        self._planned_at = self._took_over_at = -LEASE_SECONDS * 10
        self._server_at = datetime.min.replace(tzinfo=UTC)
        self._settled: dict[str, datetime] = {}
        self._answered: dict[str, datetime] = {}
        self._running: dict[str, _Running] = {}
        self._wanted: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Run what is due until `stop` is set; whatever fails is logged and tried again."""
        pause, is_begun = LOOK_SECONDS, False
        while not stop.is_set():
            try:
                if not is_begun:
                    self.begin()
                    is_begun = True
                self.look()
                pause = LOOK_SECONDS
            except Exception as error:  # noqa: BLE001 - the next look may succeed, whatever it was
                _log.warning("scheduler_failed", error=str(error), exc_info=not isinstance(error, AppError))
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            stop.wait(pause)
        self.end()

    def begin(self) -> None:
        """Keep the plan of every job, and ask for those that run at the start."""
        self._plan()
        for job in self._jobs.values():
            if job.at_start_seconds is not None:
                self._runs.ask(job.name, delay_seconds=job.at_start_seconds)

    def look(self) -> None:
        """Begin what is due or asked for, renew what runs, take over what others left."""
        self._keep_running()
        self._ask_for_wanted()
        if monotonic() - self._planned_at > self._lease_seconds:
            self._plan()
        now = self._now()
        asked = self._runs.asked()
        for job in self._jobs.values():
            self._begin_asked(job, asked.get(job.name), now)
            self._begin_due(job, now)
        if monotonic() - self._took_over_at > self._lease_seconds / _KEEP_PART:
            self._take_over()

    def want(self, job: str, delay_seconds: float) -> None:
        """Ask for a run beside the plan at the next look. Returns at once; from any thread."""
        self._wanted[job] = delay_seconds

    def end(self) -> None:
        """Tell all work to stop, ten seconds at most, and leave what has not stopped to others."""
        for each in list(self._running.values()):
            each.work.stop()
        end = monotonic() + STOP_SECONDS
        for each in list(self._running.values()):
            each.thread.join(max(0.0, end - monotonic()))
            if each.thread.is_alive():
                self._release(each.work.run)

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the runs in this process."""
        return tuple(key for key, each in list(self._running.items()) if each.thread.is_alive())

    def _plan(self) -> None:
        for job in self._jobs.values():
            self._plans[job.name] = self._runs.plan(job.name, job.cron, self._time_zone, makes_up=job.makes_up)
        self._server_at, self._planned_at = self._runs.now(), monotonic()

    def _ask_for_wanted(self) -> None:
        for name in list(self._wanted):
            delay_seconds = self._wanted.pop(name)  # before it is asked for: a later request wants another run
            try:
                self._runs.ask(name, delay_seconds=delay_seconds)
            except AppError:
                self._wanted.setdefault(name, delay_seconds)
                raise

    def _begin_due(self, job: Job, now: datetime) -> None:
        slot = latest_time(job.cron, self._time_zone, now)
        since = max(self._plans[job.name].since, self._settled.get(job.name, self._plans[job.name].since))
        if slot <= since:
            return
        is_missed = now - slot > LATE
        if is_missed and not job.makes_up:
            self._runs.skip(job.name, slot, self._owner)
            self._settled[job.name] = slot
        elif self._begin(job, slot, "made up" if is_missed else "slot"):
            self._settled[job.name] = slot

    def _begin_asked(self, job: Job, slot: datetime | None, now: datetime) -> None:
        if slot is None or slot == self._answered.get(job.name) or not timedelta(0) <= now - slot <= ASKED_AT_MOST:
            return
        if self._begin(job, slot, "asked"):
            self._answered[job.name] = slot

    def _begin(self, job: Job, slot: datetime, kind: Kind) -> bool:
        """Whether this slot is settled: begun here, or claimed by anybody before."""
        claimed = self._runs.claim(job.name, slot, kind, self._owner, self._lease_seconds)
        if isinstance(claimed, Run):
            self._start(job, claimed)
        return claimed != "busy"

    def _take_over(self) -> None:
        self._took_over_at = monotonic()
        while run := self._runs.take_over(list(self._jobs), self._owner, self._lease_seconds):
            _log.warning("job_taken_over", job=run.job, run=run.id, attempt=run.attempt)
            self._start(self._jobs[run.job], run)

    def _start(self, job: Job, run: Run) -> None:
        work, before = Work(run), self._running.get(run.id)
        if before:  # this process was away for so long that its own run was free to be taken
            before.work.stop()
        thread = threading.Thread(target=self._do, args=(job, work), name=f"job-{job.name}", daemon=True)
        self._running[run.id] = _Running(work, thread)
        thread.start()

    def _keep_running(self) -> None:
        for key, each in list(self._running.items()):
            if not each.thread.is_alive():
                del self._running[key]
                continue
            self._tell(each.work)
            if monotonic() - each.kept_at > self._lease_seconds / _KEEP_PART:
                if not self._runs.keep(each.work.run, self._lease_seconds):
                    _log.warning("job_lost", job=each.work.run.job, run=key)
                    each.work.stop()
                each.kept_at = monotonic()

    def _tell(self, work: Work) -> None:
        """Save the lines and progress since the last look, so that other processes can show them."""
        if not work.is_told:
            work.is_told = True
            self._runs.tell(work.run, work.share, work.doing, work.lines)

    def _do(self, job: Job, work: Work) -> None:
        facts = {"job": job.name, "request_id": work.run.id, **self._asked_by(work.run)}
        with log.about(**facts), tracing.root(f"job {job.name}"):
            self._done(job, work)

    def _asked_by(self, run: Run) -> dict[str, str]:
        """Which request asked for it, in whatever process: so that one can be followed into the worker."""
        if run.kind != "asked":
            return {}
        try:
            asker = self._runs.asker(run.job)
        except AppError:
            return {}
        return {"asked_by": asker} if asker else {}

    def _done(self, job: Job, work: Work) -> None:
        state: State = "done"
        began = monotonic()
        try:
            outcome = job.work(work)
        except Stopped:
            self._release(work.run)
            return
        except AppError as error:
            state, outcome = "failed", error.message
        except Exception as error:  # noqa: BLE001 - the record says what it was
            _log.warning("job_failed", job=job.name, error=str(error), exc_info=True)
            state, outcome = "failed", f"{type(error).__name__}: {error}"
        seconds = monotonic() - began
        self._registry.observe(JOBS, job.name, seconds, failed=state == "failed")
        _log.info("job_ended", job=job.name, run=work.run.id, state=state, seconds=round(seconds, 3), outcome=outcome)
        self._finish(work, state, outcome)

    def _finish(self, work: Work, state: State, outcome: str) -> None:
        waits = threading.Event()
        for pause in _FINISH_PAUSES:
            waits.wait(pause)
            try:
                is_ours = self._runs.finish(work.run, state, outcome, work.lines)
            except AppError as error:
                _log.warning("job_not_recorded", run=work.run.id, error=error.message)
                continue
            if not is_ours:
                _log.warning("job_was_taken_over_meanwhile", run=work.run.id)
            return

    def _release(self, run: Run) -> None:
        try:
            self._runs.release(run)
        except AppError as error:  # its lease ends by itself
            _log.warning("job_not_released", run=run.id, error=error.message)

    def _server_time(self) -> datetime:
        """As of the last plan, and what has passed since by a clock that nobody sets: this machine's may be moved."""
        return self._server_at + timedelta(seconds=monotonic() - self._planned_at)
