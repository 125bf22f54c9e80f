"""The table of background work, and the threads of one process that do it until they are told to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from backend import bootstrap
from backend.backups.tasks import DRILL_JOB, LANE, TAKE_JOB, progress_of
from backend.bootstrap import Backend
from backend.errors import Conflict, Unavailable
from backend.kit.schedule.runner import Work
from backend.kit.schedule.scheduler import Job, Scheduler
from backend.mails.courier import Courier
from backend.wiring.learning import CATALOGUE_JOB

STOP_SECONDS = 15.0
KEPT_RUNS = 200  # of each job; warming after changes would fill the record otherwise
UNSEEN = timedelta(days=7)
COLD_SECONDS = 5.0  # what empties a region often comes in groups

WARMING = "warming"


def table(backend: Backend) -> tuple[Job, ...]:
    """Return every job with its time (in the school's zone) and its rule for missed runs. Each is idempotent."""
    return (
        Job(WARMING, "0 */6 * * *", lambda work: _warm(backend, work), makes_up=False, at_start_seconds=3.0),
        Job(TAKE_JOB, "0 2 * * *", lambda work: _back_up(backend, work), makes_up=True, lane=LANE),
        Job("backup-watch", "50 * * * *", lambda _work: _watch_backups(backend), makes_up=False),
        Job(DRILL_JOB, "30 3 * * sun", lambda work: _drill(backend, work), makes_up=True, lane=LANE),
        Job(
            CATALOGUE_JOB,
            "*/5 * * * *",
            lambda work: _follow(backend, work),
            makes_up=False,
            at_start_seconds=5.0,
        ),
        Job("board-rollover", "1 0 * * *", lambda _work: _roll_over(backend), makes_up=True),
        Job("index-check", "30 3 * * *", lambda work: _check_indexes(backend, work), makes_up=True),
        Job("audit-check", "45 3 * * *", lambda _work: _check_audit(backend), makes_up=True),
        Job("deletions", "*/10 * * * *", lambda _work: _fulfil_deletions(backend), makes_up=True),
        Job("digests", "0 7 * * mon", lambda work: _write_digests(backend, work), makes_up=True),
        Job("retention", "15 4 * * *", lambda _work: _forget_old(backend), makes_up=True),
    )


class Jobs:
    """The background work of one process: any number of processes may have it, and share it."""

    def __init__(self, backend: Backend) -> None:
        self.scheduler = Scheduler(backend.runs, table(backend), backend.metrics, time_zone=backend.settings.time_zone)
        backend.warmer.when_cold(lambda: self.scheduler.want(WARMING, COLD_SECONDS))
        threads: dict[str, Callable[[threading.Event], None]] = {
            "projector": backend.projector.run,
            "scheduler": self.scheduler.run,
        }
        if backend.settings.keeps_journal:
            threads["journal"] = backend.recorder.run
        if backend.mails.is_configured:
            threads["mail"] = Courier(backend.mails).run
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=run, args=(self._stop,), name=name, daemon=True) for name, run in threads.items()
        ]

    def start(self) -> None:
        """Start every thread. Once only."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell all of them to stop and wait, 15 s at most; before the backend is closed."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(STOP_SECONDS)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the threads that are alive."""
        return tuple(thread.name for thread in self._threads if thread.is_alive())


# The result of a job goes into its record, which administrators read as it was written: in English, like a log.


def _warm(backend: Backend, work: Work) -> str:
    done = backend.warmer.run(should_stop=lambda: work.should_stop)
    return f"{done.loaded} loaded, {done.present} there already, {done.failed} failed, {done.left} left"


def _back_up(backend: Backend, work: Work) -> str:
    with _watched(backend):
        done = backend.backups.take_and_tidy(on_progress=progress_of(work, backend.backups.present_documents()))
    taken = done.backup
    work.say(f"{taken.documents} documents, {taken.stored_bytes} bytes in {taken.seconds} s: {taken.id}")
    for backup_id in done.thinned_out:
        work.say(f"its time is over: {backup_id}")
    for backup_id in done.swept:
        work.say(f"it was never finished: {backup_id}")
    return f"{taken.documents} documents in {taken.seconds} s; {len(done.thinned_out)} old ones deleted"


def _drill(backend: Backend, work: Work) -> str:
    with _watched(backend):
        drill = backend.backups.drill(on_progress=progress_of(work, backend.backups.present_documents()))
        for problem in drill.problems:
            work.say(problem)
        if not drill.has_passed:
            raise Unavailable("; ".join(drill.problems))
    return f"{drill.documents} documents of {drill.backup_id} restored and compared in {drill.seconds} s"


@contextmanager
def _watched(backend: Backend) -> Iterator[None]:
    """Write to administrators at once where a backup or a trial fails."""
    try:
        yield
    except Unavailable:
        backend.backup_alarm.look()
        raise


def _watch_backups(backend: Backend) -> str:
    found, letters = backend.backup_alarm.trouble(), backend.backup_alarm.look()
    swept = (f"{each} was never finished" for each in backend.backups.sweep())
    said = ", ".join([*(key for key, _reason in found), *swept]) or "all well"
    return f"{said}; {letters} letters" if backend.mails.is_configured else f"{said}; no mail is sent (SMTP_URL)"


def _write_digests(backend: Backend, work: Work) -> str:
    if not backend.digests.is_possible:
        return "no mail is sent: SMTP_URL and PUBLIC_URL are needed"
    done = backend.digests.write(check=work.check)
    return f"{done.letters} letters written, {done.left_alone} people left alone"


def _follow(backend: Backend, work: Work) -> str:
    """Continue a large import, then the recount of totals after it, from where a process stopped."""
    has_written = backend.chapters.carry_on(check=work.check, tell=lambda share: work.tell(share / 2, "chapters"))
    has_counted = backend.recount.share() is not None
    backend.recount.carry_on(check=work.check, tell=lambda share: work.tell((1 + share) / 2, "totals of students"))
    said = [words for words, is_done in (("chapters", has_written), ("totals of students", has_counted)) if is_done]
    return " and ".join(said) + " brought up to date" if said else "nothing to do"


def _roll_over(backend: Backend) -> str:
    return f"{backend.board_store.roll_over()} boards built"


def _check_indexes(backend: Backend, work: Work) -> str:
    missing = backend.operations.missing_indexes()
    for name in missing:
        work.say(f"missing: {name}")
    for indexes in bootstrap.INDEXES if missing else ():
        work.check()
        backend.mongo.ensure_indexes(indexes)
    return f"{len(missing)} made anew" if missing else "all present"


def _check_audit(backend: Backend) -> str:
    state = backend.audit.check_all()
    if state.broken_at is not None:
        raise Conflict(f"The audit trail is not as it was written: look at entry {state.broken_at}.")
    return f"{state.entries} entries as written"


def _fulfil_deletions(backend: Backend) -> str:
    done = backend.rights.fulfil_due()
    return f"{done.closed} accounts closed, {done.deleted} people deleted"


def _forget_old(backend: Backend) -> str:
    runs, plans = backend.runs.prune(KEPT_RUNS), backend.runs.forget(UNSEEN)
    idle, audited = backend.rights.request_for_idle(), backend.audit.forget_old()
    return f"{idle} idle people to go; {runs} runs, {plans} plans and {audited} audit entries forgotten"
