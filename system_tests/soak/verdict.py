"""Verdict on the saves of a soak: each acknowledged one is stored exactly once, and kept figures equal a recount.

The verdict also names faults that were not mended and processes that grew.

The recounts are those of the tests, which know no other way to the truth than to add everything up in Python.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from system_tests.soak.ledger import Ack
from tests.reliability.verdict import disagreements
from tests.statistics.builders import kept, truth

CATCH_UP_SECONDS = 120.0


@dataclass(frozen=True)
class Verdict:
    """`doubled` is the number of questions counted beyond those acknowledged; below 0 if some are missing.

    `unmended` are faults after which the cluster was not whole again, `grew` processes with what grew of them.
    """

    acknowledged: int
    lost: int
    doubled: int
    disagreements: Sequence[str]
    chapters_that_differ: int
    unmended: Sequence[str] = ()
    grew: Sequence[str] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost or doubled, every figure is right, every fault is mended, and nothing grew."""
        wrong = (self.lost, self.doubled, self.disagreements, self.chapters_that_differ, self.unmended, self.grew)
        return not any(wrong)


def reached(backend: Backend, students: Sequence[Viewer], acks: Sequence[Ack]) -> Verdict:
    """Waits for the statistics to catch up, two minutes at most. Raises Unavailable."""
    ids = [student.id for student in students]
    entries = backend.mongo["activity"].find({"studentId": {"$in": ids}}, {"studentId": 1, "idempotencyKey": 1})
    found = {(each["studentId"], each["idempotencyKey"]) for each in entries}
    records = backend.mongo["progress"].find({"studentId": {"$in": ids}})
    return Verdict(
        acknowledged=len(acks),
        lost=len({(ack.student_id, ack.kept_as) for ack in acks} - found),
        doubled=sum(int(record["questionSolved"]) for record in records) - len({ack.kept_as for ack in acks}),
        disagreements=disagreements(backend, students),
        chapters_that_differ=_differing(backend),
    )


def _differing(backend: Backend) -> int:
    """How many chapters' statistics are no recount, once they had time to catch up."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while True:
        present, right = kept(backend), truth(backend)
        differing = sum(present.get(key) != right.get(key) for key in present.keys() | right.keys())
        if not differing or time.monotonic() > deadline:
            return differing
        time.sleep(0.5)
