"""The reading side of the audit trail: searched, exported and checked by administrators, never changed."""

from collections.abc import Iterator
from datetime import timedelta

from backend.audit import chain
from backend.audit.models import AuditFilter, ChainState, Entry, EntryPage, SealedEntry
from backend.audit.queries import AuditQueries
from backend.audit.trail import AuditTrail
from backend.errors import Invalid
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.policy import Person, authorise

PAGE_LIMIT = 200
EXPORT_LIMIT = 50_000
RECENT = 300  # entries that every look at the health page checks again


class AuditService:
    def __init__(self, queries: AuditQueries, trail: AuditTrail, clock: Clock, *, kept_days: int) -> None:
        self._queries = queries
        self._trail = trail
        self._clock = clock
        self._kept = timedelta(days=kept_days)

    def entries(
        self, viewer: Person, wanted: AuditFilter | None = None, *, before: int | None = None, limit: int = 50
    ) -> EntryPage:
        """The newest entries older than the entry `before`. Raises NotAllowed, Invalid."""
        authorise(viewer, "audit.entries")
        if not 1 <= limit <= PAGE_LIMIT or (before is not None and before < 1):
            raise Invalid(_("There is no such page."))
        found = self._queries.entries(wanted or AuditFilter(), before, limit + 1)
        shown = found[:limit]
        more = len(found) > limit
        return EntryPage(entries=shown, next_before=shown[-1].id if more else None, names=self._names(shown))

    def export(self, viewer: Person, wanted: AuditFilter | None = None) -> Iterator[Entry]:
        """Every wanted entry, newest first, 50,000 at most; that it was taken is itself written down first."""
        authorise(viewer, "audit.export")
        self._trail.record(viewer, "audit.exported", "audit", "all")
        return self._walk(wanted or AuditFilter())

    def check(self, viewer: Person) -> ChainState:
        """Read the whole trail and say whether every entry is as it was written."""
        authorise(viewer, "audit.check")
        return self.check_all()

    def check_all(self) -> ChainState:
        """As `check`, for the job that does it by the clock."""
        state, start = self._check_whole(), self._queries.start()
        if state.broken_at is not None and state.broken_at < start[0]:
            state = self._check_whole()  # the oldest entries were taken away by their time meanwhile
        self._queries.note_check(state)
        return state

    def state(self) -> ChainState | None:
        """Return the result of the last whole check, or a fresh one if the newest entries are not as written."""
        recent = self._check_recent()
        return recent if recent.broken_at is not None else self._queries.last_check() or recent

    def forget_old(self) -> int:
        """Take away what is older than the retention time; how many entries. For the job that does it."""
        gone = self._queries.forget_before(self._clock.now() - self._kept)
        if gone:
            self._trail.record(None, "audit.forgotten", "audit", "all", after={"entries": gone})
        return gone

    def _check_whole(self) -> ChainState:
        first, previous = self._queries.start()
        last, head = self._queries.end()
        count, broken, ended = chain.broken_at(self._up_to(first - 1, last), first, previous)
        if broken is None and first + count - 1 < last:
            broken = first + count
        elif broken is None and count and ended != head:
            broken = last
        return ChainState(checked_at=self._clock.now(), entries=count, broken_at=broken)

    def _check_recent(self) -> ChainState:
        first, previous = self._queries.start()
        last, _head = self._queries.end()
        start = max(first, last - RECENT + 1)
        link = previous if start == first else self._queries.link_before(start)
        count, broken, _ended = chain.broken_at(self._up_to(start - 1, last), start, link or "")
        if broken is None and last and start + count - 1 < last:
            broken = start + count
        return ChainState(checked_at=self._clock.now(), entries=count, broken_at=broken)

    def _up_to(self, after: int, last: int) -> Iterator[SealedEntry]:
        for entry in self._queries.sealed(after):
            if entry.id > last:
                return
            yield entry

    def _walk(self, wanted: AuditFilter) -> Iterator[Entry]:
        before: int | None = None
        for _page in range(EXPORT_LIMIT // PAGE_LIMIT):
            found = self._queries.entries(wanted, before, PAGE_LIMIT)
            yield from found
            if len(found) < PAGE_LIMIT:
                return
            before = found[-1].id

    def _names(self, entries: tuple[Entry, ...]) -> dict[str, str]:
        people = {each.actor_id for each in entries} | {e.target_id for e in entries if e.target_kind == "user"}
        return self._queries.names(people)
