"""The catalogue for everyone: read through the cache, changed by teachers and admins, imported from files."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.audit.models import Act, Fact, Facts
from backend.audit.trail import AuditTrail
from backend.chapters import importing
from backend.chapters.draft import checked
from backend.chapters.files import parse
from backend.chapters.models import Chapter, ChapterDraft, ImportReport
from backend.chapters.queries import ChapterQueries
from backend.errors import Conflict, NotFound
from backend.kit.cache import Answer, Cache, Region, Warmer
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo.client import Mongo
from backend.policy import Relation, authorise

CATALOGUE = Region("chapters", tuple[Chapter, ...], ttl_seconds=600)
TAG = "chapters"


class ChapterFollower(Protocol):
    """Whoever keeps copies or sums of chapter facts: called inside the transaction that changes the chapter."""

    def chapter_changed(self, session: Any, before: Chapter, after: Chapter) -> None: ...


class ChapterService:
    def __init__(self, queries: ChapterQueries, mongo: Mongo, cache: Cache, clock: Clock, trail: AuditTrail) -> None:
        self._queries = queries
        self._trail = trail
        self._mongo = mongo
        self._cache = cache
        self._clock = clock
        self._followers: list[ChapterFollower] = []

    def follow(self, follower: ChapterFollower) -> None:
        """Let `follower` take part in every change of an existing chapter."""
        self._followers.append(follower)

    def every(self) -> tuple[Chapter, ...]:
        """All chapters in syllabus order, archived ones too (a few hundred values: filtering them costs nothing)."""
        return self._every().value

    def active(self) -> tuple[Chapter, ...]:
        """The syllabus as students see it."""
        return tuple(chapter for chapter in self.every() if chapter.archived_at is None)

    def archived(self, viewer: Viewer) -> tuple[Chapter, ...]:
        """What was taken out of the syllabus and can be brought back. For teachers and admins."""
        authorise(viewer, "chapters.archived")
        return tuple(chapter for chapter in self.every() if chapter.archived_at is not None)

    def get(self, chapter_id: str) -> Chapter:
        """An active chapter. Raises NotFound."""
        for chapter in self.active():
            if chapter.id == chapter_id:
                return chapter
        raise NotFound(_("There is no such chapter."))

    def create(self, viewer: Viewer, draft: ChapterDraft) -> Chapter:
        """The new chapter, at the end of the syllabus. Raises Conflict where it exists, Invalid for a bad field."""
        authorise(viewer, "chapters.create")
        draft = checked(draft)
        self._refuse_twin(draft)

        def work(session: Any) -> str:
            (chapter_id,) = self._insert(session, [draft])
            self._trail.record(viewer, "chapter.created", "chapter", chapter_id, after=_facts(draft), session=session)
            return chapter_id

        chapter_id = self._mongo.transaction(work)
        self._cache.invalidate(TAG)
        return self.get(chapter_id)

    def edit(self, viewer: Viewer, chapter_id: str, draft: ChapterDraft, *, version: int) -> Chapter:
        """The chapter after the edit; progress stays with it. Raises Conflict where it changed since `version`."""
        before = self._authorised(viewer, "chapters.edit", chapter_id)
        if before.version != version:  # and what has this version in the database is what we hold
            raise _stale()
        draft = checked(draft)
        self._refuse_twin(draft, allowed=chapter_id)

        def work(session: Any) -> Chapter:
            after = self._replace(session, before, draft, version=version)
            was, now = _changed(before, draft)
            self._trail.record(viewer, "chapter.updated", "chapter", chapter_id, before=was, after=now, session=session)
            return after

        after = self._mongo.transaction(work)
        self._cache.invalidate(TAG)
        return after

    def archive(self, viewer: Viewer, chapter_id: str, *, version: int | None = None) -> Chapter:
        """Take a chapter out of the syllabus. Progress on it is kept and returns with `bring_back`.

        With `version`, raises Conflict ("stale") where it changed since.
        """
        return self._set_archived(viewer, chapter_id, archived=True, version=version)

    def bring_back(self, viewer: Viewer, chapter_id: str) -> Chapter:
        """Put an archived chapter back into the syllabus."""
        return self._set_archived(viewer, chapter_id, archived=False)

    def import_file(self, viewer: Viewer, name: str, content: bytes, *, dry_run: bool) -> ImportReport:
        """What a chapter file adds and updates, row by row; written only where `dry_run` is False.

        Raises Invalid or TooLarge for a file that is not a chapter file at all.
        """
        authorise(viewer, "chapters.import_file")
        file = parse(name, content)
        planned = importing.plan(file, {chapter.key: chapter for chapter in self._queries.every()})
        if not dry_run:
            self._write(importing.to_add(planned), importing.to_update(planned), imported_by=viewer)
        return importing.report(file, (row.report for row in planned), dry_run=dry_run)

    def load(self, catalogue: Callable[[], Sequence[ChapterDraft]]) -> int:
        """Fill an empty catalogue at first start; the number of chapters added (0 where there are some)."""
        if self._queries.every():
            return 0
        drafts = catalogue()
        self._write(list(drafts), [])
        return len(drafts)

    def _write(
        self,
        added: list[ChapterDraft],
        updated: list[tuple[Chapter, ChapterDraft]],
        imported_by: Viewer | None = None,
    ) -> None:
        counts: Facts = {"added": len(added), "updated": len(updated)}

        def work(session: Any) -> None:
            self._insert(session, added)
            for before, draft in updated:
                self._replace(session, before, draft, version=before.version)
            self._trail.record(imported_by, "chapters.imported", "catalogue", "all", after=counts, session=session)

        if added or updated:
            self._mongo.transaction(work)
            self._cache.invalidate(TAG)

    def warmed_by(self, warmer: Warmer) -> None:
        """Let the catalogue be read before somebody asks for it."""
        warmer.add(CATALOGUE, lambda key: self._every() if key == "all" else None, wide_tags=[TAG])

    def _every(self) -> Answer[tuple[Chapter, ...]]:
        return self._cache.get_or_create(CATALOGUE, "all", self._queries.every, tags=[TAG])

    def _insert(self, session: Any, drafts: Sequence[ChapterDraft]) -> list[str]:
        position = self._queries.last_position(session) + 1
        return self._queries.insert(session, drafts, position, self._clock.now())

    def _replace(self, session: Any, before: Chapter, draft: ChapterDraft, *, version: int) -> Chapter:
        after = self._queries.replace(session, before.id, version, draft, self._clock.now())
        if after is None:
            raise _stale()
        self._tell(session, before, after)
        return after

    def _set_archived(self, viewer: Viewer, chapter_id: str, *, archived: bool, version: int | None = None) -> Chapter:
        before = self._authorised(viewer, "chapters.archive" if archived else "chapters.bring_back", chapter_id)

        if version is not None and before.version != version:
            raise _stale()

        def work(session: Any) -> Chapter:
            after = self._queries.set_archived(
                session, chapter_id, self._clock.now(), archived=archived, version=version
            )
            if after is None and version is not None:
                raise _stale()
            if after is None:
                raise Conflict(_already(archived=archived))
            self._tell(session, replace(after, archived_at=None if archived else after.updated_at), after)
            act: Act = "chapter.archived" if archived else "chapter.brought_back"
            self._trail.record(viewer, act, "chapter", chapter_id, session=session)
            return after

        after = self._mongo.transaction(work)
        self._cache.invalidate(TAG)
        return after

    def _authorised(self, viewer: Viewer, act: str, chapter_id: str) -> Chapter:
        authorise(viewer, act)
        found = next((chapter for chapter in self.every() if chapter.id == chapter_id), None)
        relation = Relation.UNKNOWN
        if found:
            relation = Relation.SHARED if found.archived_at is None else Relation.ARCHIVED
        authorise(viewer, act, relation, missing=_("There is no such chapter."))
        assert found is not None  # noqa: S101  (the table allows nothing to the unknown)
        return found

    def _refuse_twin(self, draft: ChapterDraft, allowed: str | None = None) -> None:
        twin = next((chapter for chapter in self.every() if chapter.key == draft.key), None)
        if twin and twin.id != allowed:
            raise Conflict(
                _("This chapter exists already.")
                if twin.archived_at is None
                else _("This chapter is in the archive. Bring it back instead of adding it again.")
            )

    def _tell(self, session: Any, before: Chapter, after: Chapter) -> None:
        for follower in self._followers:
            follower.chapter_changed(session, before, after)


def _facts(draft: ChapterDraft | Chapter) -> dict[str, Fact]:
    return {
        "subject": draft.subject,
        "class": draft.class_,
        "unit": draft.unit,
        "chapter": draft.chapter,
        "years": " ".join(f"{year}:{count}" for year, count in sorted(draft.year_wise_question_count.items())),
    }


def _changed(before: Chapter, after: ChapterDraft) -> tuple[Facts, Facts]:
    was, now = _facts(before), _facts(after)
    names = [name for name in was if was[name] != now[name]]
    return {name: was[name] for name in names}, {name: now[name] for name in names}


def _stale() -> Conflict:
    return Conflict(_("Somebody else changed this chapter meanwhile. Look at it again before you save."), code="stale")


def _already(*, archived: bool) -> str:
    return _("This chapter is archived already.") if archived else _("This chapter is in the syllabus already.")
