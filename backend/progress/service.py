"""A student's own progress: saved in one transaction per change, undone as a new change, read through the cache."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from msgspec.structs import replace

from backend.accounts import rooms
from backend.accounts.models import Viewer
from backend.chapters import importing
from backend.chapters.files import parse_own
from backend.chapters.models import Chapter, ImportReport, OwnProgress
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.chapters.service import ChapterService
from backend.errors import NotFound, Unavailable
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.mongo.client import Mongo, new_id, stable_id
from backend.policy import authorise
from backend.progress import entries, own_list, rules, streak
from backend.progress.models import (
    Activity,
    Progress,
    ProgressChange,
    SaveContext,
    Saved,
    StudentRecord,
    StudyDay,
    SummaryRecord,
)
from backend.progress.queries import ProgressQueries
from backend.progress.recount import SummaryRecount

STUDENT = Region("progress", StudentRecord, ttl_seconds=300)
HISTORY = Region("history", tuple[Activity, ...], ttl_seconds=300)
HISTORY_LIMIT = 200
FOLLOW_UP_SECONDS = 2.0  # a change of the catalogue waits so long for the recount; a job does the rest

Step = tuple[Chapter, OwnProgress]  # a chapter and what its record shall be


class ProgressService:
    def __init__(
        self,
        queries: ProgressQueries,
        chapters: ChapterService,
        mongo: Mongo,
        cache: Cache,
        clock: Clock,
        events: EventHub,
        recount: SummaryRecount,
    ) -> None:
        self._queries = queries
        self._chapters = chapters
        self._mongo = mongo
        self._cache = cache
        self._clock = clock
        self._events = events
        self._recount = recount

    def today(self, viewer: Viewer) -> date:
        """The viewer's present study day: for a student the one that work counts for now."""
        if viewer.role == "student":
            return self._counted_for(viewer, self.record(viewer.id).summary)
        return self._by_settings(viewer)

    def record(self, student_id: str) -> StudentRecord:
        """One student's whole record, for services that have authorised the reader."""
        return self._cache.get_or_create(
            STUDENT,
            student_id,
            lambda: self._queries.student(student_id),
            tags=[student_tag(student_id), CATALOGUE_TAG],
        ).value

    def history(self, viewer: Viewer, chapter_id: str, limit: int = 50) -> tuple[Activity, ...]:
        """The viewer's own changes on a chapter, newest first."""
        authorise(viewer, "progress.history")
        chapter_id = self._chapters.get(chapter_id).id
        found = self._cache.get_or_create(
            HISTORY,
            f"{viewer.id}:{chapter_id}",
            lambda: self._queries.history(viewer.id, chapter_id, HISTORY_LIMIT),
            tags=[student_tag(viewer.id)],
        ).value
        return found[:limit]

    def change(
        self, viewer: Viewer, chapter_id: str, change: ProgressChange, *, key: str, confirm: bool = False
    ) -> Saved:
        """Save one change. See `change_many`."""
        authorise(viewer, "progress.change")
        return self.change_many(viewer, {chapter_id: change}, key=key, confirm=confirm)

    def change_many(
        self,
        viewer: Viewer,
        changes: Mapping[str, ProgressChange],
        *,
        key: str,
        confirm: bool = False,
        is_imported: bool = False,
    ) -> Saved:
        """Save changes by chapter id, all or none; the same `key` again gives back what was saved the first time.

        `is_imported` marks work that was done elsewhere before: it counts in every total, but not as today's work.

        Raises Invalid, NotFound (unknown chapter), ConfirmationNeeded (more solved than past papers asked, unless
        `confirm`), Unavailable.
        """
        authorise(viewer, "progress.change_many")
        entries.check_batch(changes, key)
        return self._save(viewer, changes, stable_id(viewer.id, key), confirm=confirm, is_imported=is_imported)

    def undo(self, viewer: Viewer, batch_id: str) -> Saved:
        """Take a saved batch back by a new change that counts for the same study day; twice does it once.

        A batch of more than BATCH_LIMIT changes is taken back in steps. Raises NotFound where the viewer saved no such
        batch, Conflict where a later change stands on top of it.
        """
        authorise(viewer, "progress.undo")
        undone = self._queries.batch(viewer.id, batch_id)
        if not undone:
            raise NotFound(_("There is nothing to undo here."))
        steps = entries.undo_steps(undone)
        if len(steps) > 1:
            self._refuse_changed(viewer, undone, stable_id(viewer.id, "undo", batch_id))
        return entries.joined([self._undo(viewer, step, batch_id) for step in steps])

    def _undo(self, viewer: Viewer, undone: Sequence[Activity], batch_id: str) -> Saved:
        undo_id, day = stable_id(viewer.id, "undo", batch_id), undone[0].study_day
        chapter_ids = entries.chapter_ids(undone)

        def work(session: Any) -> Saved:
            context = self._queries.save_context(session, viewer.id, batch_id=undo_id, chapter_ids=chapter_ids, day=day)
            if context.batch:
                return self._replayed(session, viewer.id, context.batch)
            steps = [(context.chapters[activity.chapter_id], activity.before) for activity in undone]
            for activity in undone:
                if rules.own(entries.record(context.records, activity.chapter_id)) != activity.after:
                    raise entries.changed_since()
            undoes = {activity.chapter_id: activity.id for activity in undone}
            return self._apply(session, context, steps, undo_id, undoes=undoes, is_imported=undone[0].is_imported)

        return self._commit(viewer, work)

    def take_over(
        self,
        viewer: Viewer,
        name: str,
        content: bytes,
        *,
        dry_run: bool,
        key: str = "",
        choices: own_list.Choices | None = None,
    ) -> ImportReport:
        """Take what a list says of status, questions solved and weak marks over as the viewer's own progress.

        What it does not say stays; a chapter is never added. `choices` says which chapter a doubtful row means. A dry
        run makes the same plan. Long lists are saved in steps: the same `key` again goes on where one was cut off, and
        `undo` takes the whole list back by the report's `batch_id`.
        """
        authorise(viewer, "progress.take_over")
        file = parse_own(name, content)
        records = self._queries.student(viewer.id).progress
        planned = own_list.plan(file, self._chapters.active(), records, choices or {})
        report = importing.report(file, planned.rows, dry_run=dry_run)
        if not planned.changes or dry_run:
            return report
        batch_id = stable_id(viewer.id, key or new_id())
        for changes in entries.parts(planned.changes):
            self._save(viewer, changes, batch_id, confirm=True, is_imported=True, resumes=True)
        return replace(report, batch_id=batch_id)

    def chapters_changed(self, session: Any, changes: Sequence[tuple[Chapter, Chapter]]) -> None:
        """Start the recount of totals and copied names for moved, archived or restored chapters (a ChapterFollower)."""
        moved = [after for before, after in changes if _place(before) != _place(after)]
        if moved:
            self._queries.close_gates(session)
            self._recount.begin(session, moved)

    def in_use(self, session: Any, chapter_ids: Sequence[str]) -> set[str]:
        """Return those of these chapters on which somebody has a record (a ChapterFollower).

        Nobody can add one until this transaction ends.
        """
        if not chapter_ids:
            return set()
        self._queries.close_gates(session)
        return self._queries.chapters_with_records(session, chapter_ids)

    def follow_up(self) -> None:
        """Recount now what takes a moment; a job does the rest (a ChapterFollower)."""
        with suppress(Unavailable):  # what was changed stands, and the job goes on with it
            self._recount.carry_on(seconds=FOLLOW_UP_SECONDS)

    def _save(
        self,
        viewer: Viewer,
        changes: Mapping[str, ProgressChange],
        batch_id: str,
        *,
        confirm: bool,
        is_imported: bool,
        resumes: bool = False,
    ) -> Saved:
        """Save changes in one transaction. A batch that is there already is given back as it was saved.

        `resumes`: the batch is a list that is saved in steps, and goes on with the chapters that it has not saved yet.
        """

        def work(session: Any) -> Saved:
            context = self._context_of_today(session, viewer, batch_id, changes)
            done = set(entries.chapter_ids(context.batch))
            left = {chapter_id: change for chapter_id, change in changes.items() if chapter_id not in done}
            if done and not (resumes and left):
                return self._replayed(session, viewer.id, context.batch)
            steps = _steps(left, context, confirm=confirm)
            context = self._with_day_counted(viewer, context)
            return self._apply(session, context, steps, batch_id, is_imported=is_imported)

        return self._commit(viewer, work)

    def _refuse_changed(self, viewer: Viewer, undone: Sequence[Activity], undo_id: str) -> None:
        """Raises Conflict where a record of the batch was changed since, before the first step is taken back."""
        records = self._queries.student(viewer.id).progress
        done = set(entries.chapter_ids(self._queries.batch(viewer.id, undo_id)))
        for activity in undone:
            is_done = activity.chapter_id in done
            if not is_done and rules.own(entries.record(records, activity.chapter_id)) != activity.after:
                raise entries.changed_since()

    def _context_of_today(self, session: Any, viewer: Viewer, batch_id: str, chapter_ids: Iterable[str]) -> SaveContext:
        """Return the context of a save, read again if the summary names another study day than the settings (rare)."""
        day, ids = self._by_settings(viewer), tuple(chapter_ids)
        context = self._queries.save_context(session, viewer.id, batch_id=batch_id, chapter_ids=ids, day=day)
        true_day = self._counted_for(viewer, context.summary)
        if true_day == day:
            return context
        return self._queries.save_context(session, viewer.id, batch_id=batch_id, chapter_ids=ids, day=true_day)

    def _with_day_counted(self, viewer: Viewer, context: SaveContext) -> SaveContext:
        counted = rules.counted_day(context.day.day, viewer.time_zone, viewer.day_end_hour, context.summary)
        return replace(context, summary=replace(context.summary, counted_day=counted))

    def _by_settings(self, viewer: Viewer) -> date:
        return rules.study_day(self._clock.now(), viewer.time_zone, viewer.day_end_hour)

    def _counted_for(self, viewer: Viewer, summary: SummaryRecord) -> date:
        return rules.counted_for(self._clock.now(), viewer.time_zone, viewer.day_end_hour, summary)

    def _replayed(self, session: Any, student_id: str, saved: Sequence[Activity]) -> Saved:
        return entries.replayed(saved, self._queries.records(session, student_id, entries.chapter_ids(saved)))

    def _apply(
        self,
        session: Any,
        context: SaveContext,
        steps: Sequence[Step],
        batch_id: str,
        *,
        is_imported: bool,
        undoes: Mapping[str, str] | None = None,
    ) -> Saved:
        at, summary, study_day = self._clock.now(), context.summary, context.day
        student_id, day = summary.id, study_day.day
        written: list[tuple[Chapter, Progress]] = []
        changes: list[tuple[Chapter, Activity]] = []
        for chapter, after in steps:
            record = entries.record(context.records, chapter.id)
            before = rules.own(record)
            if before == after:
                continue
            written.append((chapter, entries.next_version(record, after, at)))
            undone = (undoes or {}).get(chapter.id)
            changes.append(
                (chapter, entries.entry(chapter, at, day, before, after, batch_id, undone, is_imported=is_imported))
            )
            study_day = rules.day_counted(study_day, before, after, is_imported=is_imported)
            summary = rules.summed(summary, chapter, before, after)
            summary = replace(summary, recent=rules.recent(summary.recent, chapter.id))
        progress = tuple(record for _chapter, record in written)
        if written:
            summary = replace(summary, last_activity_at=at, revision=summary.revision + 1)
            summary = self._with_streak(session, summary, context.day, study_day)
            if any(record.version == 1 for record in progress):
                self._queries.pass_gate(session, student_id)
            self._queries.write_records(session, student_id, written)
            self._queries.write_activity(session, student_id, changes, batch_id)
            self._queries.write_day(session, student_id, study_day)
            self._queries.write_summary(session, summary)
        return Saved(batch_id=batch_id, at=at, study_day=day, progress=progress, changed=len(written))

    def _with_streak(self, session: Any, summary: SummaryRecord, before: StudyDay, after: StudyDay) -> SummaryRecord:
        was, now = rules.counts_as_studied(before), rules.counts_as_studied(after)
        if was == now:
            return summary
        last = summary.streak.last_day
        if now and (last is None or after.day > last):
            kept = streak.extended(summary.streak, after.day)
        else:
            others = (day for day in self._queries.days(session, summary.id) if day.day != after.day)
            studied = [day.day for day in (*others, after) if rules.counts_as_studied(day)]
            kept = streak.recomputed(studied, longest=summary.streak.longest)
        return replace(summary, streak=kept, studied_days=summary.studied_days + now - was)

    def _commit(self, viewer: Viewer, work: Callable[[Any], Saved]) -> Saved:
        is_repeated = False

        def held(session: Any) -> Saved:
            """On a retry, lock the student's summary first, so that one save waits for the other."""
            nonlocal is_repeated
            if is_repeated:
                self._queries.lock_summary(session, viewer.id)
            is_repeated = True
            return work(session)

        saved = self._mongo.transaction(held)
        self._cache.invalidate(student_tag(viewer.id), *(classroom_tag(name) for name in viewer.classroom_ids))
        chapter_ids = [record.chapter_id for record in saved.progress]
        self._events.publish(rooms.CHANGED, rooms.of_work(viewer, saved.batch_id, chapter_ids))
        return saved


def student_tag(student_id: str) -> str:
    """Cache tag of all that is computed from one student's own work."""
    return f"student:{student_id}"


def classroom_tag(classroom_id: str) -> str:
    """Cache tag of all that is computed from the work of one classroom's students."""
    return f"classroom:{classroom_id}"


def _place(chapter: Chapter) -> tuple[bool, str, str, str]:
    """Return the facts of a chapter that students' totals and the copies beside their records contain."""
    return chapter.archived_at is None, chapter.subject, chapter.class_, chapter.unit


def _steps(changes: Mapping[str, ProgressChange], context: SaveContext, *, confirm: bool) -> list[Step]:
    """Return the new value of each record. Raises NotFound, Conflict, Invalid, ConfirmationNeeded."""
    planned = []
    for chapter_id, change in changes.items():
        chapter, record = context.chapters.get(chapter_id), entries.record(context.records, chapter_id)
        if chapter is None or chapter.archived_at is not None:
            raise NotFound(_("There is no such chapter."))
        entries.check_version(record, change)
        before = rules.own(record)
        after = rules.changed(before, change)
        if not confirm:
            rules.require_confirmation(before, after, chapter.question_total, chapter.chapter)
        planned.append((chapter, after))
    return planned
