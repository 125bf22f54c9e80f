"""Long work on backups that somebody asked for in a page or by HTTP: one at a time in the whole school, on a thread of
the process that was asked, its progress seen from every other."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime
from time import monotonic

from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.accounts.sessions import Sessions
from backend.audit.trail import AuditTrail
from backend.backups.meter import Meter
from backend.backups.models import Task, TaskKind
from backend.backups.queries import BackupQueries
from backend.backups.restore import RestoreService
from backend.backups.service import BackupService
from backend.errors import AppError, Conflict, NotFound, Unavailable
from backend.kit.archive import Progress
from backend.kit.clock import Clock
from backend.kit.i18n import _, ngettext, number
from backend.kit.mongo.client import new_id
from backend.kit.mongo.guarded_client import on_its_own
from backend.kit.mongo.lease import MongoLease
from backend.kit.observability import log
from backend.kit.origin import coming_from, origin
from backend.policy import authorise

LEASE_SECONDS = 45.0
STOP_SECONDS = 30.0
TURN_SECONDS = 1.0

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
        clock: Clock,
    ) -> None:
        self._backups = backups
        self._restores = restores
        self._queries = queries
        self._sessions = sessions
        self._trail = trail
        self._clock = clock
        self._threads: list[threading.Thread] = []

    def current(self, viewer: Viewer) -> Task | None:
        """The task under way, else the last one; None before the first."""
        authorise(viewer, "backup_tasks.current")
        found = self._queries.task()
        if found is None:
            return None
        task, is_alive = found
        if task.state == "running" and not is_alive:
            return replace(task, state="failed", message=_("The process that did it has ended. Please start it again."))
        return task

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

    def by_job(
        self,
        kind: TaskKind,
        work: Callable[[Progress], str],
        *,
        check: Callable[[], None],
        tell: Callable[[float, str], None],
    ) -> str:
        """Do a job's work as such a task, in this thread: seen like any other, and never beside one.

        Waits while somebody else's is under way; `check` is called meanwhile, and ends the wait by what it raises.
        `tell` hears the share and the collection. Returns and raises what `work` does.
        """
        task = Task(id=new_id(), kind=kind, state="running", started_at=self._clock.now())
        turn = threading.Event()
        while (lease := self._queries.begin_task(task, LEASE_SECONDS)) is None:
            check()
            turn.wait(TURN_SECONDS)
        ended: list[str | Exception] = []

        def kept(progress: Progress) -> str:
            try:
                ended.append(work(progress))
            except Exception as error:
                ended.append(error)
                raise
            return ""

        def told(now: Task) -> None:
            self._told(now)
            tell(now.share, now.collection)

        self._run(task, lease, self._backups.present_documents(), kept, told)
        (outcome,) = ended
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Wait for what runs in this process, half a minute at most."""
        end = monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - monotonic()))

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
        task = Task(
            id=new_id(),
            kind=kind,
            state="running",
            backup_id=backup_id,
            until=until,
            started_at=self._clock.now(),
            asked_by=viewer.id,
        )
        lease = self._queries.begin_task(task, LEASE_SECONDS)
        if lease is None:
            raise Conflict(_("Another backup or restore is running. Please wait until it has finished."))
        context, here = copy_context(), origin()  # in which language, and from where: a page knows it only now

        def run() -> None:
            with coming_from(lambda: here), on_its_own():
                self._run(task, lease, expected, work)

        thread = threading.Thread(target=context.run, args=(run,), name=f"backup-{kind}", daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()
        return task

    def _run(
        self,
        task: Task,
        lease: MongoLease,
        expected: int,
        work: Callable[[Progress], str],
        told: Callable[[Task], None] | None = None,
    ) -> None:
        meter = Meter(task, expected, told or self._told)
        ended = task
        try:
            with lease.renewed():
                ended = replace(meter.task, state="done", share=1.0, message=work(meter))
        except AppError as error:
            ended = replace(meter.task, state="failed", message=error.message)
        except Exception:  # noqa: BLE001 - the person who asked must be told that it ended, for any error
            _log.exception("backup_task_failed", kind=task.kind)
            ended = replace(meter.task, state="failed", message=_("Something went wrong; the log says what."))
        finally:
            self._end(replace(ended, ended_at=self._clock.now()), lease)

    def _told(self, task: Task) -> None:
        try:
            self._queries.keep_task(task)
        except Exception as error:  # noqa: BLE001 - a bar that stands still harms nothing
            _log.warning("backup_task_not_told", error=str(error))

    def _end(self, task: Task, lease: MongoLease) -> None:
        try:
            self._queries.end_task(task, lease)
        except Exception as error:  # noqa: BLE001 - its lease ends by itself
            _log.error("backup_task_end_not_told", error=str(error))

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
        return _("The backup was restored into a scratch database and compared: it is good.")
