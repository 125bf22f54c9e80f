"""The catalogue for everyone: read through the cache, changed by teachers and admins, imported from files."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.audit.models import Act, Fact, Facts
from backend.audit.trail import AuditTrail
from backend.chapters import importing
from backend.chapters.change_queries import ChangeQueries
from backend.chapters.changes import INLINE_SECONDS, TAG, CatalogueChanges, ChapterFollower
from backend.chapters.draft import checked
from backend.chapters.files import parse
from backend.chapters.files.table import printable
from backend.chapters.matching import NAME_FIELDS, NameMatcher, candidates_words, in_order
from backend.chapters.models import (
    CatalogueChange,
    CatalogueStep,
    Chapter,
    ChapterDraft,
    ChapterEdit,
    ImportOptions,
    ImportReport,
)
from backend.chapters.queries import ChapterQueries
from backend.errors import ConfirmationNeeded, Conflict, NotFound, Unavailable
from backend.kit.cache import Cache, CacheAnswer, Region, Warmer
from backend.kit.clock import Clock
from backend.kit.i18n import _, number
from backend.kit.mongo.client import Mongo, new_id
from backend.kit.unicode_text import tidied
from backend.policy import Relation, authorise

__all__ = ["CATALOGUE", "TAG", "ChapterFollower", "ChapterService"]

CATALOGUE = Region("chapters", tuple[Chapter, ...], ttl_seconds=600)
TRIES = 3  # plans of one import, where the catalogue changes between planning and beginning
SHOWN_IMPORTS = 20
FILE_NAME_LENGTH = 120


class ChapterService:
    def __init__(
        self,
        queries: ChapterQueries,
        mongo: Mongo,
        cache: Cache,
        clock: Clock,
        trail: AuditTrail,
        ask_for_job: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._queries = queries
        self._trail = trail
        self._mongo = mongo
        self._cache = cache
        self._clock = clock
        self._change_queries = ChangeQueries(mongo)
        self._changes = CatalogueChanges(self._change_queries, queries, mongo, cache, trail, ask_for_job)

    def follow(self, follower: ChapterFollower) -> None:
        """Let `follower` take part in every change of an existing chapter."""
        self._changes.followers.append(follower)

    def every(self) -> tuple[Chapter, ...]:
        """All chapters in syllabus order, archived ones too (a few hundred values: filtering them costs nothing)."""
        return self._every().value

    def active(self) -> tuple[Chapter, ...]:
        """The syllabus as students see it."""
        return tuple(chapter for chapter in self.every() if chapter.archived_at is None)

    def archived(self, viewer: Viewer) -> tuple[Chapter, ...]:
        """Return the archived chapters, which can be restored. For teachers and admins."""
        authorise(viewer, "chapters.archived")
        return tuple(chapter for chapter in self.every() if chapter.archived_at is not None)

    def get(self, chapter_id: str) -> Chapter:
        """An active chapter. Raises NotFound."""
        for chapter in self.active():
            if chapter.id == chapter_id:
                return chapter
        raise NotFound(_("There is no such chapter."))

    def create(self, viewer: Viewer, draft: ChapterDraft, *, confirm: bool = False) -> Chapter:
        """The new chapter, at the end of the syllabus; its subject, class and unit as the catalogue writes them.

        Raises Conflict where it exists, Invalid for a bad field, ConfirmationNeeded (unless `confirm`) for a name that
        is near one of the catalogue.
        """
        authorise(viewer, "chapters.create")
        draft, now = checked(draft), self._clock.now()

        def work(session: Any) -> str:
            self._queries.begin_change(session)
            named = _named(draft, self._queries.every_within(session), confirm=confirm)
            chapter = importing.new_chapter(named, now)
            self._queries.add(session, [chapter])
            self._trail.record(viewer, "chapter.created", "chapter", chapter.id, after=_facts(named), session=session)
            return chapter.id

        chapter_id = self._mongo.transaction(work)
        self._cache.invalidate(TAG)
        return self.get(chapter_id)

    def edit(
        self, viewer: Viewer, chapter_id: str, new: ChapterDraft | ChapterEdit, *, version: int, confirm: bool = False
    ) -> Chapter:
        """The chapter after the edit; progress stays with it. Raises Conflict where it changed since `version`, and
        what `create` raises."""
        before = self._authorised(viewer, "chapters.edit", chapter_id)
        if before.version != version:  # and what has this version in the database is what we hold
            raise _stale()
        draft = checked(new.of(before) if isinstance(new, ChapterEdit) else new)

        def work(session: Any) -> Chapter:
            self._queries.begin_change(session)
            named = _named(draft, self._queries.every_within(session), confirm=confirm, edited=before)
            after = self._queries.replace(session, before.id, version, named, self._clock.now())
            if after is None:
                raise _stale()
            self._changes.tell(session, [(before, after)])
            was, now = _changed(before, named)
            self._trail.record(viewer, "chapter.updated", "chapter", chapter_id, before=was, after=now, session=session)
            return after

        after = self._mongo.transaction(work)
        self._changes.follow_up()
        return after

    def archive(self, viewer: Viewer, chapter_id: str, *, version: int | None = None) -> Chapter:
        """Take a chapter out of the syllabus. Progress on it is kept and returns with `bring_back`.

        With `version`, raises Conflict ("stale") where it changed since.
        """
        return self._set_archived(viewer, chapter_id, archived=True, version=version)

    def bring_back(self, viewer: Viewer, chapter_id: str) -> Chapter:
        """Put an archived chapter back into the syllabus."""
        return self._set_archived(viewer, chapter_id, archived=False)

    def import_file(
        self,
        viewer: Viewer,
        name: str,
        content: bytes,
        *,
        dry_run: bool,
        options: ImportOptions | None = None,
        plan: str = "",
    ) -> ImportReport:
        """Return what a chapter file adds and updates, row by row; it is written only if `dry_run` is False.

        With `plan`, the fingerprint of a dry run, exactly what the dry run showed is carried out: raises Conflict
        ("stale") if a change of the catalogue has changed the plan. A large import goes on after the
        answer, which then says "running"; `import_state` returns its progress.

        Raises Invalid or TooLarge for a file that is not a chapter file at all.
        """
        authorise(viewer, "chapters.import_file")
        file, options = parse(name, content), options or ImportOptions()
        for _try in range(TRIES):
            revision, catalogue = self._queries.at_one_moment()
            planned = importing.plan(file, catalogue, options, self._clock.now().year)
            if plan and plan != planned.fingerprint:
                raise Conflict(_("The catalogue changed since the preview. Look at the new one."), code="stale")
            report = importing.report(file, (row.report for row in planned.rows), dry_run=dry_run, of=planned)
            if dry_run or not planned.written:
                return report
            change = self._change(name, steps := importing.steps(planned, self._clock.now()))
            if self._changes.begin(viewer, change, steps, revision):
                return self._carried_on(report, change)
        raise Conflict(_("Others are changing the catalogue just now. Please try again."), code="stale")

    def imports(self, viewer: Viewer) -> tuple[CatalogueChange, ...]:
        """The latest imports and undos, newest first. For teachers and admins."""
        authorise(viewer, "chapters.imports")
        return self._change_queries.newest(SHOWN_IMPORTS)

    def import_state(self, viewer: Viewer, import_id: str) -> CatalogueChange:
        """One import or undo, and how far it is. Raises NotFound."""
        authorise(viewer, "chapters.import_state")
        found = self._change_queries.change(import_id)
        if found is None:
            raise NotFound(_("There is no such import."))
        return found

    def undo_import(self, viewer: Viewer, import_id: str) -> CatalogueChange:
        """Take an import back: chapters are as they were, and new ones go (with learners' progress, to the archive).

        Raises NotFound, and Conflict ("stale") where a chapter of it was changed since, or it was taken back already.
        """
        authorise(viewer, "chapters.undo_import")
        for _try in range(TRIES):
            revision, catalogue = self._queries.at_one_moment()
            steps = list(self._changes.undo_steps(import_id, catalogue, self._clock.now()))
            change = self._change(self.import_state(viewer, import_id).file_name, steps, undoes=import_id)
            if self._changes.begin(viewer, change, steps, revision):
                with suppress(Unavailable):
                    self._changes.carry_on(seconds=INLINE_SECONDS)
                return self.import_state(viewer, change.id)
        raise Conflict(_("Others are changing the catalogue just now. Please try again."), code="stale")

    def carry_on(
        self, *, check: Callable[[], None] = lambda: None, tell: Callable[[float], None] = lambda _share: None
    ) -> bool:
        """Carry out the rest of an import or undo; return whether there was any. For the job."""
        if self._change_queries.running() is None:
            return False
        self._changes.carry_on(check=check, tell=tell)
        return True

    def load(self, catalogue: Callable[[], Sequence[ChapterDraft]]) -> int:
        """Fill an empty catalogue at first start; the number of chapters added (0 where there are some)."""
        if self._queries.every():
            return 0
        drafts, now = catalogue(), self._clock.now()

        def work(session: Any) -> None:
            self._queries.begin_change(session)
            self._queries.add(session, [importing.new_chapter(draft, now) for draft in drafts])
            counts: Facts = {"added": len(drafts), "updated": 0}
            self._trail.record(None, "chapters.imported", "catalogue", "all", after=counts, session=session)

        self._mongo.transaction(work)
        self._cache.invalidate(TAG)
        return len(drafts)

    def _change(self, name: str, steps: Sequence[CatalogueStep], undoes: str | None = None) -> CatalogueChange:
        return CatalogueChange(
            id=new_id(),
            at=self._clock.now(),
            file_name=printable(tidied(name), FILE_NAME_LENGTH),
            state="running",
            added=sum(step.before is None for step in steps),
            updated=sum(step.before is not None and step.after is not None for step in steps),
            removed=sum(step.after is None for step in steps),
            total=len(steps),
            undoes=undoes,
        )

    def _carried_on(self, report: ImportReport, change: CatalogueChange) -> ImportReport:
        with suppress(Unavailable):  # it is begun: whatever is not done now is done by the job
            self._changes.carry_on(seconds=INLINE_SECONDS)
        found = self._change_queries.change(change.id) or change
        if found.state == "failed":
            said = _("{reason} {done} of {total} chapters were written; you can undo them.")
            raise Conflict(said.format(reason=found.message, done=number(found.done), total=number(found.total)))
        return replace(report, import_id=change.id, state=found.state)

    def warmed_by(self, warmer: Warmer) -> None:
        """Register the catalogue with the cache warmer."""
        warmer.add(CATALOGUE, {"all": self._every}, wide_tags=[TAG])

    def _every(self) -> CacheAnswer[tuple[Chapter, ...]]:
        return self._cache.get_or_create(CATALOGUE, "all", self._queries.every, tags=[TAG])

    def _set_archived(self, viewer: Viewer, chapter_id: str, *, archived: bool, version: int | None = None) -> Chapter:
        before = self._authorised(viewer, "chapters.archive" if archived else "chapters.bring_back", chapter_id)

        if version is not None and before.version != version:
            raise _stale()

        def work(session: Any) -> Chapter:
            self._queries.begin_change(session)
            after = self._queries.set_archived(
                session, chapter_id, self._clock.now(), archived=archived, version=version
            )
            if after is None and version is not None:
                raise _stale()
            if after is None:
                raise Conflict(_already(archived=archived))
            was = replace(after, archived_at=None if archived else after.updated_at)
            self._changes.tell(session, [(was, after)])
            act: Act = "chapter.archived" if archived else "chapter.brought_back"
            self._trail.record(viewer, act, "chapter", chapter_id, session=session)
            return after

        after = self._mongo.transaction(work)
        self._changes.follow_up()
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


def _named(
    draft: ChapterDraft, catalogue: Sequence[Chapter], *, confirm: bool, edited: Chapter | None = None
) -> ChapterDraft:
    """The draft with its names as the catalogue writes them. Raises ConfirmationNeeded for a near one, Conflict for a
    chapter that exists."""
    others = [chapter for chapter in in_order(catalogue) if edited is None or chapter.id != edited.id]
    matcher = NameMatcher(others)
    for field, attribute in NAME_FIELDS.items():
        name = getattr(draft, attribute)
        found = matcher.match(field, draft)
        if found.candidates and not confirm and (edited is None or getattr(edited, attribute) != name):
            said = _("“{name}” is not in the catalogue, but {candidates} is. Save it as a new one anyway?")
            raise ConfirmationNeeded(
                said.format(name=name, candidates=candidates_words(found.candidates)),
                code="near_name",
                details={"field": field, "value": name, "candidates": list(found.candidates)},
            )
        draft = replace(draft, **{attribute: found.name})
    twin = next((chapter for chapter in others if chapter.key == draft.key), None)
    if twin:
        raise Conflict(
            _("This chapter exists already.")
            if twin.archived_at is None
            else _("This chapter is in the archive. Bring it back instead of adding it again.")
        )
    return draft


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
