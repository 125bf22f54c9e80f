"""Long work of one process: a run that it claimed is done on a thread, kept, told about while it goes on, and recorded.

Any number of processes; what a process asked for and what the clock began are done alike."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from backend.errors import AppError
from backend.kit.mongo.client import new_id
from backend.kit.observability import log, tracing
from backend.kit.observability.metrics import JOBS, Registry
from backend.kit.schedule.runs import LOG_LINES, Asked, Kind, Refusal, Run, Runs, State

LEASE_SECONDS = 30.0
STOP_SECONDS = 10.0
TELL_SECONDS = 0.5
RENEWALS = 3  # within the length of a lease
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
class _Running:
    work: Work
    thread: threading.Thread


class Runner:
    """One or several per process. Thread-safe."""

    def __init__(self, runs: Runs, registry: Registry, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self.owner = new_id()
        self._runs = runs
        self._registry = registry
        self._lease_seconds = lease_seconds
        self._running: dict[str, _Running] = {}

    def begin(
        self,
        job: str,
        slot: datetime,
        kind: Kind,
        work: Callable[[Work], str],
        *,
        lane: str = "",
        asked: Asked | None = None,
    ) -> Run | Refusal:
        """Claim a run and do it on a thread; `Runs.claim` says what is refused."""
        claimed = self._runs.claim(job, slot, kind, self.owner, self._lease_seconds, lane=lane, asked=asked)
        if isinstance(claimed, Run):
            self.start(claimed, work)
        return claimed

    def start(self, run: Run, work: Callable[[Work], str]) -> None:
        """Do a run that is claimed already."""
        handle, before = Work(run), self._running.get(run.id)
        if before:  # this process was away for so long that its own run was free to be taken
            before.work.stop()
        thread = threading.Thread(target=self._do, args=(work, handle), name=f"job-{run.job}", daemon=True)
        alive = {key: each for key, each in list(self._running.items()) if each.thread.is_alive()}
        self._running = alive | {run.id: _Running(handle, thread)}
        thread.start()

    def take_over(self, jobs: dict[str, Callable[[Work], str]]) -> None:
        """Go on with the runs of these jobs whose processes died."""
        while run := self._runs.take_over(list(jobs), self.owner, self._lease_seconds):
            _log.warning("job_taken_over", job=run.job, run=run.id, attempt=run.attempt)
            self.start(run, jobs[run.job])

    def end(self, seconds: float = STOP_SECONDS) -> None:
        """Tell all work to stop, wait for so long at most, and leave what has not stopped to others."""
        running = list(self._running.values())
        for each in running:
            each.work.stop()
        end = monotonic() + seconds
        for each in running:
            each.thread.join(max(0.0, end - monotonic()))
            if each.thread.is_alive():
                self._release(each.work.run)

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the runs in this process."""
        return tuple(key for key, each in list(self._running.items()) if each.thread.is_alive())

    def _do(self, job: Callable[[Work], str], work: Work) -> None:
        run = work.run
        facts = {"job": run.job, "request_id": run.id, **self._asked_by(run)}
        with log.about(**facts), tracing.root(f"job {run.job}"):
            began = monotonic()
            try:
                with self._kept(work):
                    state, outcome = self._outcome(job, work)
            except Stopped:
                self._release(run)
                return
            seconds = monotonic() - began
            self._registry.observe(JOBS, run.job, seconds, failed=state == "failed")
            _log.info("job_ended", job=run.job, run=run.id, state=state, seconds=round(seconds, 3), outcome=outcome)
            self._finish(work, state, outcome)

    def _outcome(self, job: Callable[[Work], str], work: Work) -> tuple[State, str]:
        """Raises Stopped."""
        try:
            return "done", job(work)
        except Stopped:
            raise
        except AppError as error:
            return "failed", error.message
        except Exception as error:  # noqa: BLE001 - the record says what it was
            _log.warning("job_failed", job=work.run.job, error=str(error), exc_info=True)
            return "failed", f"{type(error).__name__}: {error}"

    def _asked_by(self, run: Run) -> dict[str, str]:
        """Which request asked for it, in whatever process: so that one can be followed into the worker."""
        if run.kind != "asked" or run.asked_by:
            return {}
        try:
            asker = self._runs.asker(run.job)
        except AppError:
            return {}
        return {"asked_by": asker} if asker else {}

    @contextmanager
    def _kept(self, work: Work) -> Iterator[None]:
        """Renew the claim from a thread until the block ends, and tell others how far the work is."""
        done = threading.Event()
        thread = threading.Thread(target=self._keep, args=(work, done), name=f"keeps-{work.run.job}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _keep(self, work: Work, done: threading.Event) -> None:
        kept_at = monotonic()
        while not done.wait(min(TELL_SECONDS, self._lease_seconds / RENEWALS)):
            try:
                if not work.is_told:
                    work.is_told = True
                    self._runs.tell(work.run, work.share, work.doing, work.lines)
                if monotonic() - kept_at > self._lease_seconds / RENEWALS:
                    kept_at = monotonic()
                    if not self._runs.keep(work.run, self._lease_seconds):
                        _log.warning("job_lost", job=work.run.job, run=work.run.id)
                        work.stop()
                        return
            except Exception as error:  # noqa: BLE001 - the next time may succeed, whatever it was
                _log.warning(
                    "job_not_kept", run=work.run.id, error=str(error), exc_info=not isinstance(error, AppError)
                )

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
