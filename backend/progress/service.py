"""A student's own progress: saved in one transaction per change, undone as a new change, read through the cache."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from backend.accounts import rooms
from backend.accounts.models import Viewer
from backend.chapters import importing
from backend.chapters.files import parse
from backend.chapters.models import Chapter, FileRow, ImportReport, ImportRow, Outcome, OwnProgress
from backend.chapters.service import TAG as CATALOGUE_TAG
from backend.chapters.service import ChapterService
from backend.errors import Conflict, Invalid, NotFound
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.mongo.client import Mongo, new_id, stable_id
from backend.policy import authorise
from backend.progress import entries, rules, streak
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

STUDENT = Region("progress", StudentRecord, ttl_seconds=300)

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
    ) -> None:
        self._queries = queries
        self._chapters = chapters
        self._mongo = mongo
        self._cache = cache
        self._clock = clock
        self._events = events

    def today(self, viewer: Viewer) -> date:
        """The viewer's present study day."""
        return rules.study_day(self._clock.now(), viewer.time_zone, viewer.day_end_hour)

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
        return self._queries.history(viewer.id, self._chapters.get(chapter_id).id, min(limit, 200))

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
        batch_id = stable_id(viewer.id, key)

        def work(session: Any) -> Saved:
            ground = self._queries.ground(
                session, viewer.id, batch_id=batch_id, chapter_ids=changes, day=self.today(viewer)
            )
            if ground.batch:
                return self._replayed(session, viewer.id, ground.batch)
            steps = _steps(changes, ground, confirm=confirm)
            return self._apply(session, ground, steps, batch_id, is_imported=is_imported)

        return self._commit(viewer, work)

    def undo(self, viewer: Viewer, batch_id: str) -> Saved:
        """Take a saved batch back by a new change that counts for the same study day; twice does it once.

        Raises NotFound where the viewer saved no such batch, Conflict where a later change stands on top of it.
        """
        authorise(viewer, "progress.undo")
        undo_id = stable_id(viewer.id, "undo", batch_id)

        def work(session: Any) -> Saved:
            undone = self._queries.batch(session, viewer.id, batch_id)
            if not undone:
                raise NotFound(_("There is nothing to undo here."))
            chapter_ids, day = entries.chapter_ids(undone), undone[0].study_day
            ground = self._queries.ground(session, viewer.id, batch_id=undo_id, chapter_ids=chapter_ids, day=day)
            if ground.batch:
                return self._replayed(session, viewer.id, ground.batch)
            steps = [(ground.chapters[activity.chapter_id], activity.before) for activity in undone]
            for activity in undone:
                if rules.own(entries.record(ground.records, activity.chapter_id)) != activity.after:
                    raise Conflict(_("This was changed again since, so it cannot be undone."), code="stale")
            undoes = {activity.chapter_id: activity.id for activity in undone}
            return self._apply(session, ground, steps, undo_id, undoes=undoes, is_imported=undone[0].is_imported)

        return self._commit(viewer, work)

    def take_over(self, viewer: Viewer, name: str, content: bytes, *, dry_run: bool, key: str = "") -> ImportReport:
        """Take status, questions solved and weak marks of a chapter file over as the viewer's own progress.

        Rows whose chapter the catalogue does not have fail; a chapter is never added this way. The report's
        `batch_id` is what `undo` takes.
        """
        authorise(viewer, "progress.take_over")
        file = parse(name, content)
        if not any(row.own for row in file.rows):
            raise Invalid(_("This file holds chapters only: no status, questionSolved or isWeakChapter to take over."))
        known = {chapter.key: chapter for chapter in self._chapters.active()}
        records = self._queries.student(viewer.id).progress
        planned = [_taken_over(row, known, records) for row in file.rows]
        changes = {
            report.chapter_id: _whole(row.own)
            for row, report in zip(file.rows, planned, strict=True)
            if row.own and report.chapter_id and report.outcome in (Outcome.ADDED, Outcome.UPDATED)
        }
        report = importing.report(file, planned, dry_run=dry_run)
        if not changes or dry_run:
            return report
        saved = self.change_many(viewer, changes, key=key or new_id(), confirm=True, is_imported=True)
        return replace(report, batch_id=saved.batch_id)

    def chapter_changed(self, session: Any, before: Chapter, after: Chapter) -> None:
        """Keep copies and summaries true when a chapter moves, is archived or returns (a ChapterFollower)."""
        was, stays = before.archived_at is None, after.archived_at is None
        moved = (before.subject, before.class_, before.unit) != (after.subject, after.class_, after.unit)
        if was == stays and not moved:
            return
        self._queries.close_gates(session)
        if moved:
            self._queries.copy_chapter_fields(session, after)
        if was == stays and before.subject == after.subject:
            return
        nothing = OwnProgress()
        for student_id, record in self._queries.records_of_chapter(session, after.id).items():
            summary = self._queries.lock_summary(session, student_id)
            if was:
                summary = rules.summed(summary, before.subject, record, nothing)
            if stays:
                summary = rules.summed(summary, after.subject, nothing, record)
            self._queries.write_summary(session, summary)

    def _replayed(self, session: Any, student_id: str, saved: Sequence[Activity]) -> Saved:
        return entries.replayed(saved, self._queries.records(session, student_id, entries.chapter_ids(saved)))

    def _apply(
        self,
        session: Any,
        ground: SaveContext,
        steps: Sequence[Step],
        batch_id: str,
        *,
        is_imported: bool,
        undoes: Mapping[str, str] | None = None,
    ) -> Saved:
        at, summary, study_day = self._clock.now(), ground.summary, ground.day
        student_id, day = summary.id, study_day.day
        written: list[tuple[Chapter, Progress]] = []
        changes: list[tuple[Chapter, Activity]] = []
        for chapter, after in steps:
            record = entries.record(ground.records, chapter.id)
            before = rules.own(record)
            if before == after:
                continue
            written.append((chapter, entries.next_version(record, after, at)))
            undone = (undoes or {}).get(chapter.id)
            changes.append(
                (chapter, entries.entry(chapter, at, day, before, after, batch_id, undone, is_imported=is_imported))
            )
            study_day = rules.day_counted(study_day, before, after, is_imported=is_imported)
            if chapter.archived_at is None:
                summary = rules.summed(summary, chapter.subject, before, after)
            summary = replace(summary, recent=rules.recent(summary.recent, chapter.id))
        progress = tuple(record for _chapter, record in written)
        if written:
            summary = replace(summary, last_activity_at=at, revision=summary.revision + 1)
            summary = self._with_streak(session, summary, ground.day, study_day)
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
            """Who met another save of the same student takes her summary first, so that one waits for the other."""
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


def _steps(changes: Mapping[str, ProgressChange], ground: SaveContext, *, confirm: bool) -> list[Step]:
    """What each record shall be. Raises NotFound, Conflict, Invalid, ConfirmationNeeded."""
    planned = []
    for chapter_id, change in changes.items():
        chapter, record = ground.chapters.get(chapter_id), entries.record(ground.records, chapter_id)
        if chapter is None or chapter.archived_at is not None:
            raise NotFound(_("There is no such chapter."))
        entries.check_version(record, change)
        before = rules.own(record)
        after = rules.changed(before, change)
        if not confirm:
            rules.require_confirmation(before, after, chapter.question_total, chapter.chapter)
        planned.append((chapter, after))
    return planned


def _whole(own: OwnProgress | None) -> ProgressChange:
    own = own or OwnProgress()
    return ProgressChange(status=own.status, question_solved=own.question_solved, is_weak_chapter=own.is_weak_chapter)


def _taken_over(row: FileRow, known: Mapping[importing.Key, Chapter], records: Mapping[str, Progress]) -> ImportRow:
    if row.problem or row.draft is None:
        return importing.named(row, Outcome.FAILED, row.problem or "")
    chapter = known.get(row.draft.key)
    if chapter is None:
        return importing.named(row, Outcome.FAILED, _("The syllabus has no such chapter."))
    record = records.get(chapter.id)
    if row.own is None or row.own == (rules.own(record) if record else OwnProgress()):
        return importing.named(row, Outcome.UNCHANGED, chapter=chapter)
    return importing.named(row, Outcome.UPDATED if record else Outcome.ADDED, chapter=chapter)
