"""Work that happens by the clock, once among all processes: what is due or asked for is claimed and begun.

Knows no learning word and no job; the table of jobs is in backend/jobs.py."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from backend.errors import AppError
from backend.kit.observability import log
from backend.kit.observability.metrics import Registry
from backend.kit.schedule.cron import latest_time
from backend.kit.schedule.runner import LEASE_SECONDS, RENEWALS, Runner, Work
from backend.kit.schedule.runs import JobPlan, Kind, Runs

LOOK_SECONDS = 1.0
LATE = timedelta(minutes=5)  # from then on a run counts as missed: nobody was there
ASKED_AT_MOST = timedelta(minutes=10)  # a request for a run that no process began expires
_LONGEST_PAUSE_SECONDS = 15.0

_log = log.get(__name__)


@dataclass(frozen=True)
class Job:
    """Work with a time. It must bear being done twice: a process that dies in it is followed by another.

    `cron` is in the school's time zone. `makes_up`: where nobody was there at its time, the latest missed run is done
    as soon as somebody is; else it is recorded as left out. `at_start_seconds`: also so long after a process starts.
    Jobs of one `lane` wait for each other, and for what people asked for in it.
    """

    name: str
    cron: str
    work: Callable[[Work], str]
    makes_up: bool
    at_start_seconds: float | None = None
    lane: str = ""


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
        self._runner = Runner(runs, registry, lease_seconds=lease_seconds)
        self._time_zone = time_zone
        self._lease_seconds = lease_seconds
        self._now = now or self._server_time
        self._plans: dict[str, JobPlan] = {}
        self._planned_at = self._took_over_at = -LEASE_SECONDS * 10
        self._server_at = datetime.min.replace(tzinfo=UTC)
        self._settled: dict[str, datetime] = {}
        self._answered: dict[str, datetime] = {}
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
        """Begin what is due or asked for, take over what others left."""
        self._ask_for_wanted()
        if monotonic() - self._planned_at > self._lease_seconds:
            self._plan()
        now = self._now()
        asked = self._runs.asked()
        for job in self._jobs.values():
            self._begin_asked(job, asked.get(job.name), now)
            self._begin_due(job, now)
        if monotonic() - self._took_over_at > self._lease_seconds / RENEWALS:
            self._take_over()

    def want(self, job: str, delay_seconds: float) -> None:
        """Ask for a run beside the plan at the next look. Returns at once; from any thread."""
        self._wanted[job] = delay_seconds

    def end(self) -> None:
        """Tell all work to stop, ten seconds at most, and leave what has not stopped to others."""
        self._runner.end()

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the runs in this process."""
        return self._runner.running

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
            self._runs.skip(job.name, slot, self._runner.owner)
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
        return self._runner.begin(job.name, slot, kind, job.work, lane=job.lane) != "busy"

    def _take_over(self) -> None:
        self._took_over_at = monotonic()
        self._runner.take_over({job.name: job.work for job in self._jobs.values()})

    def _server_time(self) -> datetime:
        """As of the last plan, and what has passed since by a clock that nobody sets: this machine's may be moved."""
        return self._server_at + timedelta(seconds=monotonic() - self._planned_at)
