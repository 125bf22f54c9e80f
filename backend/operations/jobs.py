"""Background jobs as administrators see them: when each is due, how its last runs ended, and a run now."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from backend.accounts.models import Viewer
from backend.audit.trail import AuditTrail
from backend.errors import NotFound, Unavailable
from backend.kit.i18n import _
from backend.kit.model import Shape
from backend.kit.schedule.cron import next_time
from backend.kit.schedule.runs import JobPlan, Kind, Run, Runs, State
from backend.policy import authorise

ALIVE = timedelta(minutes=2)  # a scheduler says every half minute that it is there
SHOWN_RUNS = 5


class JobRun(Shape, frozen=True, kw_only=True):
    """One run. `kind` says why it was begun; `attempt` is above 1 where a process died in it.

    `share` is how far a run under way is, from 0 to 1, and `doing` with what; None where its work does not say.
    """

    slot: datetime
    kind: Kind
    state: State
    started_at: datetime
    seconds: float | None
    attempt: int
    outcome: str
    log: tuple[str, ...]
    share: float | None = None
    doing: str = ""


class JobReport(Shape, frozen=True, kw_only=True):
    """One job: its plan, the newest runs first, and whether any process is there to run it."""

    name: str
    cron: str
    time_zone: str
    makes_up: bool
    is_tended: bool
    next_at: datetime
    asked_for: datetime | None
    runs: tuple[JobRun, ...]

    @property
    def last(self) -> JobRun | None:
        """The newest run that was not skipped; None before the first."""
        return next((run for run in self.runs if run.state != "skipped"), None)


class JobService:
    """Reads the plans that schedulers keep; the work itself is in backend/jobs.py."""

    def __init__(self, runs: Runs, trail: AuditTrail, now: Callable[[], datetime] | None = None) -> None:
        self._runs = runs
        self._trail = trail
        self._now = now or runs.now

    def jobs(self, viewer: Viewer) -> tuple[JobReport, ...]:
        """Every job by name. For admins."""
        authorise(viewer, "jobs.jobs")
        return self.reports()

    def run(self, viewer: Viewer, name: str) -> JobReport:
        """Let a job run now, wherever a worker is: within a second or two, once, and not beside a run under way.

        Raises NotFound for an unknown job, Unavailable where no process is there to run it.
        """
        authorise(viewer, "jobs.run")
        found = self._found(name)
        if not found.is_tended:
            raise Unavailable(_("No worker is running that could do this. Start the app or python -m backend.worker."))
        self._trail.record(viewer, "job.started", "job", name)
        self._runs.ask(name)
        return self._found(name)

    def reports(self) -> tuple[JobReport, ...]:
        """Return the same without a viewer, for the health check."""
        now = self._now()
        return tuple(_report(plan, runs, now) for plan, runs in self._runs.plans(SHOWN_RUNS))

    def _found(self, name: str) -> JobReport:
        for report in self.reports():
            if report.name == name:
                return report
        raise NotFound(_("There is no such job."))


def _report(plan: JobPlan, runs: Sequence[Run], now: datetime) -> JobReport:
    return JobReport(
        name=plan.id,
        cron=plan.cron,
        time_zone=plan.time_zone,
        makes_up=plan.makes_up,
        is_tended=now - plan.seen_at < ALIVE,
        next_at=next_time(plan.cron, plan.time_zone, now),
        asked_for=plan.asked_for if plan.asked_for and plan.asked_for > now - ALIVE else None,
        runs=tuple(_shown(run) for run in runs),
    )


def _shown(run: Run) -> JobRun:
    return JobRun(
        slot=run.slot,
        kind=run.kind,
        state=run.state,
        started_at=run.started_at,
        seconds=run.seconds,
        attempt=run.attempt,
        outcome=run.outcome,
        log=run.log,
        share=run.share,
        doing=run.doing,
    )
