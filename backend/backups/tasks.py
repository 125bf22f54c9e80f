"""Long work on backups that somebody asked for in a page or by HTTP: runs of jobs in a lane, in which one is done at a
time in the whole school. The process that was asked does it; every other sees its progress."""

from collections.abc import Callable, Mapping
from contextvars import copy_context
from datetime import datetime

from backend.accounts.models import Viewer
from backend.accounts.sessions import Sessions
from backend.audit.trail import AuditTrail
from backend.backups.models import Task, TaskKind
from backend.backups.queries import BackupQueries
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.errors import AppError, Conflict, NotFound, Unavailable
from backend.kit.archive import Progress, summed
from backend.kit.i18n import _, ngettext, number
from backend.kit.mongo.guarded_client import on_its_own
from backend.kit.observability import log
from backend.kit.origin import coming_from, origin
from backend.kit.schedule.runner import Runner, Work
from backend.kit.schedule.runs import Asked, Run, Runs
from backend.policy import authorise

LANE = "backups"
TAKE_JOB, DRILL_JOB = "backup", "backup-drill"  # by the clock too
KINDS: Mapping[str, TaskKind] = {
    TAKE_JOB: "take",
    "backup-verify": "verify",
    DRILL_JOB: "drill",
    "restore": "restore",
    "roll-back": "roll-back",
}
JOBS = {kind: job for job, kind in KINDS.items()}
STOP_SECONDS = 30.0

_log = log.get(__name__)


class BackupTasks:
    """Each method authorises, begins, and returns the task as it stands at that moment; `current` says how it goes on.

    All raise NotSignedIn, NotAllowed unless an admin, Conflict while another task is under way, Unavailable.
    """

    def __init__(
        self,
        backups: BackupService,
        restores: RestoreService,
        queries: BackupQueries,
        sessions: Sessions,
        trail: AuditTrail,
        runs: Runs,
        runner: Runner,
    ) -> None:
        self._backups = backups
        self._restores = restores
        self._queries = queries
        self._sessions = sessions
        self._trail = trail
        self._runs = runs
        self._runner = runner

    def current(self, viewer: Viewer) -> Task | None:
        """The task under way, else the last one; None before the first."""
        authorise(viewer, "backup_tasks.current")
        found = self._runs.latest(LANE)
        return _task(*found) if found else None

    def take(self, viewer: Viewer) -> Task:
        """Take a backup now, and let those go whose time is over."""
        authorise(viewer, "backup_tasks.take")
        expected = self._backups.present_documents()
        return self._begin(viewer, "take", "", expected, lambda progress: self._taken(viewer, progress))

    def verify(self, viewer: Viewer, backup_id: str) -> Task:
        """Read all of a backup again and compare every checksum. Raises NotFound."""
        authorise(viewer, "backup_tasks.verify")
        expected = self._documents(backup_id)
        self._trail.record(viewer, "backup.verified", "backup", backup_id)
        return self._begin(viewer, "verify", backup_id, expected, lambda progress: self._verified(backup_id, progress))

    def drill(self, viewer: Viewer, backup_id: str) -> Task:
        """Restore a backup into a scratch database and compare. Raises NotFound."""
        authorise(viewer, "backup_tasks.drill")
        expected = self._documents(backup_id)
        self._trail.record(viewer, "backup.tried", "backup", backup_id)
        return self._begin(viewer, "drill", backup_id, expected, lambda progress: self._drilled(backup_id, progress))

    def restore(self, viewer: Viewer, *, backup_id: str | None = None, until: datetime | None = None) -> Task:
        """Put the school back, as RestoreService does it. Raises NotFound and Invalid before anything begins.

        Raises NotAllowed ("reauthentication_needed") if the viewer did not give their password just now.
        """
        authorise(viewer, "backup_tasks.restore")
        self._sessions.require_proof(viewer)
        plan = self._restores.preview(viewer, backup_id=backup_id, until=until)

        def work(progress: Progress) -> str:
            self._restores.restore(viewer, backup_id=plan.backup.id, until=until, on_progress=progress)
            return _("The school was restored. What was there before is kept, and the restore can be undone below.")

        return self._begin(viewer, "restore", plan.backup.id, plan.backup.documents, work, until=plan.until)

    def roll_back(self, viewer: Viewer) -> Task:
        """Undo the last restore. Raises NotFound where there is nothing to undo, NotAllowed as `restore`."""
        authorise(viewer, "backup_tasks.roll_back")
        self._sessions.require_proof(viewer)
        if not self._queries.replaced():
            raise NotFound(_("There is no restore to undo."))

        def work(_progress: Progress) -> str:
            self._restores.roll_back(viewer)
            return _("The school is as it was before the restore.")

        return self._begin(viewer, "roll-back", "", 0, work)

    def close(self) -> None:
        """Wait for what runs in this process, half a minute at most."""
        self._runner.end(STOP_SECONDS)

    def _begin(
        self,
        viewer: Viewer,
        kind: TaskKind,
        backup_id: str,
        expected: int,
        work: Callable[[Progress], str],
        *,
        until: datetime | None = None,
    ) -> Task:
        context, here = copy_context(), origin()  # in which language, and from where: a page knows it only now

        def run(handle: Work) -> str:
            with coming_from(lambda: here), on_its_own():
                return _told_plainly(lambda: work(progress_of(handle, expected)))

        begun = self._runner.begin(
            JOBS[kind],
            self._runs.now(),
            "asked",
            lambda handle: context.run(run, handle),
            lane=LANE,
            asked=Asked(viewer.id, backup_id, until),
        )
        if not isinstance(begun, Run):
            raise Conflict(_("Another backup or restore is running. Please wait until it has finished."))
        return _task(begun, True)

    def _documents(self, backup_id: str) -> int:
        found = next((each for each in self._backups.every() if each.id == backup_id), None)
        if found is None:
            raise NotFound(_("There is no such backup."))
        return found.documents

    def _taken(self, viewer: Viewer, progress: Progress) -> str:
        taken = self._backups.take_and_tidy(by=viewer, on_progress=progress).backup
        words = ngettext("{count} document backed up.", "{count} documents backed up.", taken.documents)
        return words.format(count=number(taken.documents))

    def _verified(self, backup_id: str, progress: Progress) -> str:
        self._backups.verify(backup_id, on_progress=progress)
        return _("Every checksum matches: the backup is intact.")

    def _drilled(self, backup_id: str, progress: Progress) -> str:
        drill = self._backups.drill(backup_id, on_progress=progress)
        if not drill.has_passed:
            raise Unavailable(_("The trial restore failed: {reason}").format(reason="; ".join(drill.problems[:3])))
        return _("The backup was restored beside the school and compared: it is good.")


def progress_of(work: Work, expected: int) -> Progress:
    """Progress over all collections together, told as the share of a run and its present collection."""
    return summed(lambda done, total, collection: work.tell(min(0.99, done / max(1, total)), collection), expected)


def _told_plainly(work: Callable[[], str]) -> str:
    """Turn what nobody expected into a sentence for the person who asked; the log says what it was."""
    try:
        return work()
    except AppError:
        raise
    except Exception as error:
        _log.exception("backup_task_failed")
        raise Unavailable(_("Something went wrong; the log says what.")) from error


def _task(run: Run, is_alive: bool) -> Task:
    """A run as its watchers see it. The words of a job by the clock are in its own record."""
    is_dead = run.state == "running" and not is_alive
    is_told = run.asked_by or run.state == "failed"
    dead = _("The process that did it has ended. Please start it again.")
    return Task(
        id=run.id,
        kind=KINDS[run.job],
        state="failed" if is_dead or run.state == "skipped" else run.state,
        backup_id=run.subject,
        until=run.until,
        share=1.0 if run.state == "done" else run.share or 0.0,
        collection=run.doing,
        started_at=run.started_at,
        ended_at=run.ended_at,
        message=dead if is_dead else run.outcome if is_told else "",
        asked_by=run.asked_by,
    )
