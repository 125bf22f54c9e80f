"""What became of the saves: each acknowledged one is there, none twice, and every kept figure is a recount."""

from collections import Counter
from collections.abc import Iterable

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from tests.progress.recount import recounted, stands
from tests.reliability.savers import Ack
from tests.statistics.builders import kept, truth
from tests.waiting import until

CATCH_UP_SECONDS = 90.0


def lost(backend: Backend, acks: Iterable[Ack]) -> int:
    """How many acknowledged saves the database does not have."""
    wanted = {(ack.student_id, ack.kept_as) for ack in acks}
    return len(wanted - _entries(backend).keys())


def doubled(backend: Backend, students: Iterable[Viewer], acks: Iterable[Ack]) -> int:
    """How many more questions are counted for these students than they saved; below 0 where some are missing.

    `acks` are all that they ever saved.
    """
    ids = [student.id for student in students]
    records = backend.mongo["progress"].find({"studentId": {"$in": ids}})
    return sum(int(record["questionSolved"]) for record in records) - len({ack.key for ack in acks})


def disagreements(backend: Backend, students: Iterable[Viewer]) -> list[str]:
    """Where something kept differs from what it is the sum of; nothing where all is well."""
    found = []
    for student in students:
        if stands(backend, student) != recounted(backend, student):
            found.append(f"summary of {student.id}")
        entries = [number for (owner, _key), number in _entries(backend).items() if owner == student.id]
        record = backend.progress.record(student.id)
        solved, changes = record.summary.total.solved, sum(day.changes for day in record.days)
        if not solved == changes == len(entries) == sum(day.solved for day in record.days):
            found.append(f"{student.id}: {solved} solved, {changes} changes on her days, {len(entries)} in her history")
    return found


def statistics_agree(backend: Backend) -> None:
    """Wait until statistics over all students are a recount. Raises AssertionError."""
    until(lambda: kept(backend) == truth(backend), seconds=CATCH_UP_SECONDS)


def _entries(backend: Backend) -> Counter[tuple[str, str]]:
    found = backend.mongo["activity"].find({}, {"studentId": 1, "idempotencyKey": 1})
    return Counter((each["studentId"], each["idempotencyKey"]) for each in found)
