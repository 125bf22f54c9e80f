"""Background work starts with the doors and ends with them; the worker is a door of its own."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.jobs import Jobs
from backend.progress.models import ProgressChange
from backend.worker import main
from tests.classrooms.builders import save
from tests.statistics.builders import catches_up


def test_jobs_work_from_start_to_stop(backend: Backend, student: Viewer) -> None:
    """Between start and stop statistics follow what students save; after stop no thread is left."""
    jobs = Jobs(backend)
    jobs.start()
    assert "projector" in jobs.running
    save(backend, student, 0, "a", ProgressChange(questions_delta=5))
    assert catches_up(backend)
    jobs.stop()
    assert not jobs.running


def test_the_worker_says_how_it_is_called() -> None:
    """Anything but nothing or "rebuild" is refused before a connection is made."""
    assert main(["rebuilt"]) == 2
