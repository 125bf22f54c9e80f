"""What each version of the data changes in data that is older."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.migrations import v0003_solved_on_archived_chapters as version_3
from backend.migrations.queries import Data
from backend.progress.models import ProgressChange
from tests.classrooms.builders import save
from tests.statistics.test_jobs import outcome


def test_version_3_counts_what_was_solved_on_archived_chapters(
    backend: Backend, student: Viewer, teacher: Viewer
) -> None:
    """Totals that left them out are recounted by the job of the catalogue, however often the migration runs."""
    save(backend, student, 0, "a", ProgressChange(question_solved=4))
    backend.chapters.archive(teacher, backend.chapters.active()[0].id)
    backend.mongo["summaries"].update_one({"_id": student.id}, {"$set": {"total.solved": 0, "subjects": []}})
    for _again in range(2):
        version_3.migrate(Data(backend.mongo.database))
    assert outcome(backend, "catalogue") == "totals of students brought up to date"
    assert backend.overview.summary(student).total.solved == 4
    assert outcome(backend, "catalogue") == "nothing to do"
