"""Waiting for long work on backups."""

from backend.accounts.models import Viewer
from backend.backups.models import Task
from backend.bootstrap import Backend
from tests.waiting import until


def ended(backend: Backend, admin: Viewer) -> Task:
    """The last task, once it is over."""
    tasks: list[Task] = []

    def is_over() -> bool:
        task = backend.backup_tasks.current(admin)
        tasks[:] = [task] if task else []
        return task is not None and task.state != "running"

    until(is_over)
    return tasks[0]
