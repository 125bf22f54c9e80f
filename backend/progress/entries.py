"""The records and history entries of one save: the next version, the entry, the answer to a repeated request."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from msgspec.structs import replace

from backend.chapters.models import Chapter, OwnProgress
from backend.errors import Conflict, Invalid
from backend.kit.i18n import _
from backend.kit.mongo.client import new_id
from backend.progress.models import BATCH_LIMIT, Activity, Progress, ProgressChange, Saved

KEY_LENGTH = 200


def check_batch(changes: Mapping[str, ProgressChange], key: str) -> None:
    """Raises Invalid for an empty or endless batch, or a key of no use."""
    if not 1 <= len(changes) <= BATCH_LIMIT:
        raise Invalid(_("Between 1 and {most} chapters can be changed at once.").format(most=BATCH_LIMIT))
    if not 1 <= len(key) <= KEY_LENGTH:
        raise Invalid(_("The idempotency key needs 1 to {most} characters.").format(most=KEY_LENGTH))


def check_version(record: Progress, change: ProgressChange) -> None:
    """Raises Conflict where the record is no longer the one that was looked at."""
    if change.version is not None and change.version != record.version:
        raise Conflict(
            _("This was changed meanwhile, perhaps in another tab. Here is how it stands now."), code="stale"
        )


def changed_since() -> Conflict:
    """Return the error for an undo of a change that a later one builds on."""
    return Conflict(_("This was changed again since, so it cannot be undone."), code="stale")


def parts(changes: Mapping[str, ProgressChange]) -> list[dict[str, ProgressChange]]:
    """The changes of a long list, cut so that each part fits one transaction."""
    items = list(changes.items())
    return [dict(items[at : at + BATCH_LIMIT]) for at in range(0, len(items), BATCH_LIMIT)]


def undo_steps(saved: Iterable[Activity]) -> list[list[Activity]]:
    """The changes of one batch, cut so that each step fits one transaction and counts for one study day."""
    steps: list[list[Activity]] = []
    for activity in sorted(saved, key=lambda each: (each.study_day, each.chapter_id)):
        if not steps or len(steps[-1]) == BATCH_LIMIT or steps[-1][0].study_day != activity.study_day:
            steps.append([])
        steps[-1].append(activity)
    return steps


def joined(steps: Sequence[Saved]) -> Saved:
    """Return the results of several steps of one act as one answer."""
    progress = tuple(record for step in steps for record in step.progress)
    return replace(steps[-1], progress=progress, changed=sum(step.changed for step in steps))


def record(records: Mapping[str, Progress], chapter_id: str) -> Progress:
    """Return the record on a chapter; the defaults if there is none."""
    return records.get(chapter_id) or Progress(chapter_id=chapter_id)


def chapter_ids(saved: Sequence[Activity]) -> list[str]:
    """The chapters that a batch was about."""
    return [activity.chapter_id for activity in saved]


def next_version(record: Progress, after: OwnProgress, at: datetime) -> Progress:
    """The record after a change. A chapter completed before keeps its first date."""
    is_completed = after.status == "Completed"
    return replace(
        record,
        status=after.status,
        question_solved=after.question_solved,
        is_weak_chapter=after.is_weak_chapter,
        version=record.version + 1,
        updated_at=at,
        completed_at=(record.completed_at or at) if is_completed else None,
    )


def entry(
    chapter: Chapter,
    at: datetime,
    day: date,
    before: OwnProgress,
    after: OwnProgress,
    batch_id: str,
    undoes: str | None,
    *,
    is_imported: bool,
) -> Activity:
    """One line of the history."""
    return Activity(
        id=new_id(),
        chapter_id=chapter.id,
        at=at,
        study_day=day,
        before=before,
        after=after,
        batch_id=batch_id,
        undoes=undoes,
        is_imported=is_imported,
    )


def replayed(saved: Sequence[Activity], records: Mapping[str, Progress]) -> Saved:
    """Return the answer to a repeated request: the result of the first, with the present records."""
    return Saved(
        batch_id=saved[0].batch_id,
        at=saved[0].at,
        study_day=saved[0].study_day,
        progress=tuple(record(records, activity.chapter_id) for activity in saved),
        changed=len(saved),
    )
