"""Carrying out changes of many chapters: begun in one short transaction, done in steps by whichever process is there,
and taken back the same way."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.audit.models import Act, Facts
from backend.audit.trail import AuditTrail
from backend.chapters.change_queries import ChangeQueries
from backend.chapters.models import CatalogueChange, CatalogueStep, ChangeState, Chapter
from backend.chapters.queries import ChapterQueries
from backend.errors import AppError, Conflict, NotFound, Unavailable
from backend.kit.cache import Cache
from backend.kit.i18n import _, ngettext, number
from backend.kit.mongo import once_per_key
from backend.kit.mongo.client import Mongo

TAG = "chapters"
STEP = 200  # chapters in one transaction
INLINE_SECONDS = 3.0  # the caller waits so long for a change; a job does the rest
NAMED = 5

Change = tuple[Chapter, Chapter]  # before and after


class ChapterFollower(Protocol):
    """An observer that keeps copies or sums of chapter facts."""

    def chapters_changed(self, session: Any, changes: Sequence[Change]) -> None:
        """Called inside the transaction that changes these chapters; long work is only started here."""
        ...

    def in_use(self, session: Any, chapter_ids: Sequence[str]) -> set[str]:
        """Return those of these chapters that cannot be removed because something refers to them."""
        ...

    def follow_up(self) -> None:
        """Called after the transaction: do the quick part of the work, and leave the rest to a job."""
        ...


class CatalogueChanges:
    """Any number of processes may carry on the same change: a step belongs to the one that counts it as done.

    `ask_for_job` lets a worker go on, so many seconds from now, with what is left.
    """

    def __init__(
        self,
        queries: ChangeQueries,
        chapters: ChapterQueries,
        mongo: Mongo,
        cache: Cache,
        trail: AuditTrail,
        ask_for_job: Callable[[float], None],
    ) -> None:
        self._queries = queries
        self._chapters = chapters
        self._mongo = mongo
        self._cache = cache
        self._trail = trail
        self._ask_for_job = ask_for_job
        self.followers: list[ChapterFollower] = []

    def tell(self, session: Any, changes: Sequence[Change]) -> None:
        """Tell every follower of a change of existing chapters."""
        for follower in self.followers:
            follower.chapters_changed(session, changes)

    def follow_up(self) -> None:
        """After a change: what the catalogue says is read anew, and followers catch up."""
        self._cache.invalidate(TAG)
        with once_per_key.aside():
            for follower in self.followers:
                follower.follow_up()

    def begin(self, viewer: Viewer, change: CatalogueChange, steps: Sequence[CatalogueStep], revision: int) -> bool:
        """Begin a change that was planned on this revision of the catalogue; False where it is another one by now.

        Raises Conflict while another change of many chapters is under way.
        """
        self._queries.write_steps(change, steps)
        counts: Facts = {"added": change.added, "updated": change.updated, "removed": change.removed}
        act: Act = "chapters.import_undone" if change.undoes else "chapters.imported"
        target = change.undoes or change.id

        def work(session: Any) -> bool:
            if self._chapters.begin_change(session) != revision + 1:
                session.abort_transaction()
                return False
            if change.undoes and not self._queries.mark_undone(session, change.undoes):
                raise Conflict(_("This import has already been undone."))
            self._queries.begin(session, change)
            self._trail.record(viewer, act, "catalogue", target, after=counts, session=session)
            return True

        is_begun = self._mongo.transaction(work)
        if is_begun:
            self._ask_for_job(INLINE_SECONDS)  # in case this process dies in it, or leaves a part
        return is_begun

    def carry_on(
        self,
        *,
        seconds: float | None = None,
        check: Callable[[], None] = lambda: None,
        tell: Callable[[float], None] = lambda _share: None,
    ) -> bool:
        """Continue the running change for `seconds` at most (one step at least); return whether it is finished.

        `check` is called before each step, and ends the work by what it raises; `tell` hears how far it is.
        """
        change, end = self._queries.running(), None if seconds is None else monotonic() + seconds
        if change is None:
            return True
        with once_per_key.aside():  # these steps belong to nobody's request
            while change is not None:
                check()
                tell(change.share)
                if change.done < change.total:
                    self._take_step(change)
                else:
                    self._end(change.id, "done")
                change = self._queries.running()
                if end is not None and monotonic() > end:
                    break
        if change is None:
            self.follow_up()
        return change is None

    def undo_steps(self, import_id: str, now: Sequence[Chapter], at: datetime) -> Iterator[CatalogueStep]:
        """Yield the steps that undo an import. Raises NotFound, and Conflict if a chapter of it changed since."""
        change = self._queries.change(import_id)
        if change is None or change.undoes:
            raise NotFound(_("There is no such import."))
        if change.state == "undone":
            raise Conflict(_("This import has already been undone."))
        if change.state == "running":
            raise Conflict(_("This import is still running. Undo it when it is done."))
        done = self._queries.steps(import_id, 0, change.done) if change.done else ()
        present = {chapter.id: chapter for chapter in now}
        changed = [step.after for step in done if step.after and not _stands(step.after, present)]
        if changed:
            raise _changed_since(changed)
        for step in done:
            if step.after:
                before = present[step.after.id]
                after = step.before and replace(step.before, version=before.version + 1, updated_at=at)
                yield CatalogueStep(before=before, after=after)

    def _take_step(self, change: CatalogueChange) -> None:
        steps = self._queries.steps(change.id, change.done, STEP)

        def work(session: Any) -> None:
            if not self._queries.move(session, change, len(steps)):
                session.abort_transaction()  # another process did
                return
            self._chapters.begin_change(session, within=change.id)
            self._write(session, change, steps)

        try:
            self._mongo.transaction(work)
        except Unavailable:
            raise  # the next process to take a step tries it again
        except Exception as error:
            said = error.message if isinstance(error, AppError) else _("Something went wrong; the log says what.")
            self._end(change.id, "failed", said)
            if not isinstance(error, Conflict):
                raise

    def _end(self, change_id: str, state: ChangeState, message: str = "") -> None:
        """Make the change visible to every process, and only then let another change begin."""
        self._cache.invalidate(TAG)
        self._mongo.transaction(lambda session: self._queries.end(session, change_id, state, message))

    def _write(self, session: Any, change: CatalogueChange, steps: Sequence[CatalogueStep]) -> None:
        """Raises Conflict, naming a chapter, where one is not as it was when the change was planned."""
        self._chapters.add(session, [step.after for step in steps if step.after and not step.before])
        changes = [(step.before, step.after) for step in steps if step.before and step.after]
        removed = [step.before for step in steps if step.before and not step.after]
        used = {each for follower in self.followers for each in follower.in_use(session, [one.id for one in removed])}
        archived = [
            (one, replace(one, archived_at=change.at, updated_at=change.at, version=one.version + 1))
            for one in removed
            if one.id in used
        ]
        self._chapters.remove(session, [one for one in removed if one.id not in used])
        self._chapters.put(session, [*changes, *archived])
        self.tell(session, [*changes, *archived])


def _stands(after: Chapter, present: dict[str, Chapter]) -> bool:
    found = present.get(after.id)
    return found is not None and found.version == after.version


def _changed_since(changed: Iterable[Chapter]) -> Conflict:
    changed = list(changed)
    names = ", ".join(f"“{chapter.chapter}”" for chapter in changed[:NAMED])
    said = ngettext(
        "This import can no longer be undone: {count} chapter of it has been changed since ({names}).",
        "This import can no longer be undone: {count} chapters of it have been changed since ({names}).",
        len(changed),
    )
    return Conflict(said.format(count=number(len(changed)), names=names), code="stale")
