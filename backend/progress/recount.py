"""Keeping students' totals, and the names copied beside their records, true after the catalogue changed: a few students
at a time, each step a short transaction that leaves its place in MongoDB, so that any process can go on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

from backend.chapters.models import Chapter
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.kit.cache import Cache
from backend.kit.mongo import once_per_key
from backend.kit.mongo.client import Mongo
from backend.progress import rules
from backend.progress.models import SummaryRecord
from backend.progress.recount_queries import RecountQueries, StoredProgress

STEP = 100  # students in one transaction


class SummaryRecount:
    """Any number of processes may carry on the same recount: a step belongs to the one that moves the place."""

    def __init__(
        self,
        queries: RecountQueries,
        mongo: Mongo,
        cache: Cache,
        ask_for_job: Callable[[float], None],
        *,
        step: int = STEP,
    ) -> None:
        self._queries = queries
        self._mongo = mongo
        self._cache = cache
        self._ask_for_job = ask_for_job
        self._step = step
        self._catalogue: tuple[int, Mapping[str, Chapter]] = (-1, {})

    def begin(self, session: Any, chapters: Sequence[Chapter]) -> None:
        """Within a transaction that changes these chapters: let the totals of all who work on them be recounted."""
        self._queries.begin(session, [each.id for each in chapters])

    def share(self) -> float | None:
        """Return the share of the recount that is done, from 0 to 1; None if none is under way."""
        return self._queries.share()

    def carry_on(
        self,
        *,
        seconds: float | None = None,
        check: Callable[[], None] = lambda: None,
        tell: Callable[[float], None] = lambda _share: None,
    ) -> bool:
        """Recount what is left, or the part that fits in `seconds` (one step at least); whether all is done.

        `check` is called before each step, and ends the work by what it raises; `tell` hears how far it is.
        """
        share = self.share()
        if share is None:
            return True
        if seconds is not None:
            self._ask_for_job(seconds)  # in case this process dies in it, or leaves a part
        end, is_left = None if seconds is None else monotonic() + seconds, True
        with once_per_key.aside():  # these steps belong to nobody's request
            while is_left:
                check()
                tell(share or 0.0)
                is_left = self._mongo.transaction(self._take_step)
                share = self.share() if is_left else None
                if end is not None and monotonic() > end:
                    break
        self._cache.invalidate(CATALOGUE_TAG)
        return not is_left

    def _take_step(self, session: Any) -> bool:
        """Recount the next students; False where nobody is left."""
        place = self._queries.place(session)
        if place is None:
            return False
        students = self._queries.next_students(session, place.after, self._step)
        if not self._queries.move(session, place, students):
            return True  # another process did
        if not students:
            return False
        catalogue = self._known_catalogue(session)
        records = self._queries.records(
            session, self._queries.working_on(session, students, place.chapter_ids), catalogue
        )
        summaries = [_recounted(student_id, kept, catalogue) for student_id, kept in records.items()]
        self._queries.write(session, summaries, _renamed(records, catalogue))
        return True

    def _known_catalogue(self, session: Any) -> Mapping[str, Chapter]:
        """The chapters as this transaction sees them; read again only where they changed since the last step."""
        revision = self._queries.catalogue_revision(session)
        if self._catalogue[0] != revision:
            self._catalogue = (revision, self._queries.catalogue(session))
        return self._catalogue[1]


def _recounted(student_id: str, records: Iterable[StoredProgress], catalogue: Mapping[str, Chapter]) -> SummaryRecord:
    """A summary of which the totals are true, and nothing else is known."""
    summary = SummaryRecord(id=student_id)
    for record in records:
        summary = rules.summed(summary, catalogue[record.chapter_id], rules.NOTHING, record.own)
    return summary


def _renamed(
    records: Mapping[str, Sequence[StoredProgress]], catalogue: Mapping[str, Chapter]
) -> dict[str, tuple[Chapter, list[str]]]:
    """Return, by chapter, the students whose records still have its old names."""
    found: dict[str, tuple[Chapter, list[str]]] = {}
    for student_id, kept in records.items():
        for record in kept:
            if not record.is_named_alike:
                found.setdefault(record.chapter_id, (catalogue[record.chapter_id], []))[1].append(student_id)
    return found
