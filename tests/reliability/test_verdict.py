"""The verdict notices what it is there to notice; otherwise the trials prove nothing."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.mongo.client import Document
from tests.reliability.savers import ONE_MORE, Ack, people
from tests.reliability.verdict import disagreements, doubled, lost

UNTRUE: tuple[tuple[str, Document], ...] = (
    ("summaries", {"$inc": {"total.solved": 1}}),
    ("summaries", {"$set": {"subjects": []}}),
    ("studyDays", {"$inc": {"changes": -1}}),
    ("studyDays", {"$inc": {"solved": 1}}),
)


def worked(backend: Backend, student: Viewer) -> list[Ack]:
    """Three saves on one chapter, one of them sent twice by the same key."""
    chapter = backend.chapters.active()[0]
    for key in ("a", "b", "b", "c"):
        backend.progress.change(student, chapter.id, ONE_MORE, key=key, confirm=True)
    return [Ack(student.id, chapter.id, key, 0.0, 0.0, was_saved=False, thread=0) for key in ("a", "b", "c")]


def test_lost_and_doubled_saves_are_noticed(backend: Backend) -> None:
    """A line missing in the history, a question too many; where nothing happened, neither."""
    student = people()[0]
    acks = worked(backend, student)
    assert (lost(backend, acks), doubled(backend, [student], acks), disagreements(backend, [student])) == (0, 0, [])
    backend.mongo["activity"].delete_one({"studentId": student.id})
    backend.mongo["progress"].update_one({"studentId": student.id}, {"$inc": {"questionSolved": 1}})
    assert (lost(backend, acks), doubled(backend, [student], acks)) == (1, 1)


def test_a_kept_figure_that_is_no_sum_is_noticed(backend: Backend) -> None:
    """Whichever it is: the total, the subjects, the changes of a day, the questions of a day."""
    for student, (collection, change) in zip(people(), UNTRUE, strict=False):
        worked(backend, student)
        assert disagreements(backend, [student]) == []
        backend.mongo[collection].update_one({"$or": [{"_id": student.id}, {"studentId": student.id}]}, change)
        backend.cache.invalidate("*")
        assert disagreements(backend, [student]), change
