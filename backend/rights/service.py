"""A person's own data to take along; deletions asked for, called off and fulfilled; deletions done again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from backend.accounts.models import Viewer
from backend.accounts.observers import BOARDS_TAG
from backend.accounts.queries import AccountQueries
from backend.accounts.sessions import TAG
from backend.audit.trail import AuditTrail
from backend.errors import Conflict, NotFound
from backend.kit.cache import Cache
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo.client import Mongo
from backend.kit.observability import log
from backend.policy import authorise
from backend.rights import download
from backend.rights.holdings import HOLDINGS
from backend.rights.models import Deletion, Fulfilled, OpenDeletion
from backend.rights.queries import RightsQueries, buried

SETTLED = timedelta(seconds=30)  # a closed account is unknown to every process, and its last save is over

_log = log.get(__name__)


class StatisticsRebuilder(Protocol):
    def rebuild(self) -> int:
        """Compute the statistics anew from what is there."""
        ...


class Boards(Protocol):
    def person_changed(self, student_id: str, *left: str) -> None:
        """Put the boards right after a person changed or went."""
        ...


class RightsService:
    def __init__(
        self,
        queries: RightsQueries,
        accounts: AccountQueries,
        statistics: StatisticsRebuilder,
        boards: Boards,
        mongo: Mongo,
        cache: Cache,
        clock: Clock,
        trail: AuditTrail,
        *,
        forget_limits: Callable[[str], None],
        forget_kept: Callable[[str], int | None],
        grace_days: int,
        idle_days: int,
    ) -> None:
        self._queries = queries
        self._accounts = accounts
        self._statistics = statistics
        self._boards = boards
        self._mongo = mongo
        self._cache = cache
        self._clock = clock
        self._trail = trail
        self._forget_limits = forget_limits
        self._forget_kept = forget_kept
        self._grace = timedelta(days=grace_days)
        self._idle = timedelta(days=idle_days) if idle_days else None

    # having it

    def export(self, viewer: Viewer) -> Iterator[bytes]:
        """Everything that is kept about the viewer, as the pieces of a ZIP of JSON and CSV files."""
        authorise(viewer, "rights.export")
        self._trail.record(viewer, "data.exported", "user", viewer.id)
        return download.zipped(self._files(viewer.id))

    def file_name(self, viewer: Viewer) -> str:
        """ "my-data-2026-11-22.zip"."""
        authorise(viewer, "rights.file_name")
        return f"my-data-{self._clock.now().date().isoformat()}.zip"

    def _files(self, user_id: str) -> Iterator[tuple[str, Iterable[bytes]]]:
        for holding in HOLDINGS:
            if holding.name:
                yield f"{holding.name}.json", download.as_json(self._queries.documents(holding, user_id))
                yield f"{holding.name}.csv", download.as_csv(partial(self._queries.documents, holding, user_id))
        yield "looks-and-acts.json", download.as_json(self._queries.audited(user_id))
        yield "looks-and-acts.csv", download.as_csv(partial(self._queries.audited, user_id))

    # having it deleted

    def deletion(self, viewer: Viewer) -> Deletion | None:
        """The deletion that stands for the viewer's own account."""
        return self._queries.deletion(authorise(viewer, "rights.deletion").id)

    def request(self, viewer: Viewer) -> Deletion:
        """Ask for the deletion of one's own account; the last admin's waits. Raises Conflict if one is open."""
        return self._request(authorise(viewer, "rights.request"), viewer.id)

    def cancel(self, viewer: Viewer) -> None:
        """Call one's own deletion off. Raises NotFound."""
        self._cancel(authorise(viewer, "rights.cancel"), viewer.id)

    def open_requests(self, viewer: Viewer) -> tuple[OpenDeletion, ...]:
        """Return all open deletions, the next one first. For administrators."""
        authorise(viewer, "rights.open_requests")
        return self._queries.open_deletions()

    def request_for(self, viewer: Viewer, user_id: str) -> Deletion:
        """Ask on behalf of somebody, such as for a parent. Raises NotFound, Conflict."""
        return self._request(authorise(viewer, "rights.request_for"), user_id)

    def cancel_for(self, viewer: Viewer, user_id: str) -> None:
        """Call somebody's deletion off. Raises NotFound."""
        self._cancel(authorise(viewer, "rights.cancel_for"), user_id)

    def fulfil_due(self) -> Fulfilled:
        """Close the accounts that are due, and delete those closed a while ago. For the job."""
        now = self._clock.now()
        closed = sum(self._close(user_id, now) for user_id in self._queries.due(now))
        gone = self._queries.closed_before(now - SETTLED)
        for user_id in gone:
            self._erase(user_id, now)
        if gone:
            self._settle(gone)
        return Fulfilled(closed=closed, deleted=len(gone))

    def request_for_idle(self) -> int:
        """Ask for the deletion of students who have long not signed in, where the school set a time; how many."""
        if self._idle is None:
            return 0
        return sum(map(self._note_idle, self._queries.idle_since(self._clock.now() - self._idle)))

    # a restored backup

    def apply_tombstones(self) -> int:
        """Delete again who is back by a restore, which leaves the tombstones alone. How many people that were."""
        people = buried(self._queries.known_people(), self._queries.tombstones())
        now = self._clock.now()
        for user_id in people:
            self._erase(user_id, now)
        if people:
            self._trail.record(None, "tombstones.applied", "user", "all", after={"people": len(people)})
            self._settle(people)
        return len(people)

    def _request(self, viewer: Viewer, user_id: str) -> Deletion:
        user = self._accounts.user(user_id)
        if user is None:
            raise NotFound(_("There is no such person."))
        if self._queries.deletion(user_id):
            raise Conflict(_("The deletion of this account has already been requested."))
        return self._note(viewer, user_id)

    def _note(self, viewer: Viewer | None, user_id: str) -> Deletion:
        now = self._clock.now()
        by = viewer.id if viewer else "system"
        deletion = Deletion(id=user_id, requested_at=now, due_at=now + self._grace, requested_by=by)

        def work(session: Any) -> None:
            self._queries.insert_deletion(session, deletion)
            due = {"dueAt": deletion.due_at.isoformat()}
            self._trail.record(viewer, "deletion.requested", "user", user_id, after=due, session=session)

        self._mongo.transaction(work)
        return deletion

    def _note_idle(self, user_id: str) -> bool:
        try:
            self._note(None, user_id)
        except Conflict:  # the person asked for it meanwhile
            return False
        return True

    def _cancel(self, viewer: Viewer, user_id: str) -> None:
        def work(session: Any) -> None:
            if not self._queries.remove_deletion(session, user_id):
                raise NotFound(_("There is no deletion to cancel."))
            self._trail.record(viewer, "deletion.cancelled", "user", user_id, session=session)

        self._mongo.transaction(work)

    def _close(self, user_id: str, now: datetime) -> bool:
        try:
            self._queries.close(user_id, now)
        except Conflict:  # this is the last administrator: the request stays open until there is another
            _log.warning("deletion_waits", user=user_id)
            return False
        self._cache.invalidate(TAG, BOARDS_TAG)
        self._boards.person_changed(user_id)
        return True

    def _erase(self, user_id: str, now: datetime) -> None:
        def also(session: Any) -> None:
            self._trail.forget_origins(session, user_id)
            self._trail.record(None, "deletion.fulfilled", "user", user_id, session=session)

        self._forget_limits(user_id)  # needs the person's known places, which are deleted next
        self._queries.erase(user_id, now, also)
        self._boards.person_changed(user_id)

    def _settle(self, gone: Sequence[str]) -> None:
        """Put right what was computed with people who are gone now, and take their ids out of what copies them."""
        self._statistics.rebuild()
        for region in self._cache.statistics():
            self._cache.clear_region(region.name)
        if None in [self._forget_kept(user_id) for user_id in gone]:
            _log.warning("kept_values_stay_until_they_end")
        if not self._queries.empty_profiles():
            _log.warning("profile_of_the_database_stays")
