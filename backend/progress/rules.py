"""The effect of one change on a record, on the counts and on a study day. Pure: no clock, no database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from backend.chapters.models import STATUSES, Chapter, OwnProgress
from backend.errors import ConfirmationNeeded, Invalid
from backend.kit.i18n import _
from backend.progress.models import (
    SOLVED_LIMIT,
    CountedDay,
    Progress,
    ProgressChange,
    ProgressCounts,
    StudyDay,
    SubjectCounts,
    SummaryRecord,
)

RECENT_CHAPTERS = 3
FURTHEST_AHEAD = timedelta(hours=14)  # Kiribati begins each day first
NOTHING = OwnProgress()


def study_day(at: datetime, time_zone: str, day_end_hour: int) -> date:
    """The calendar day an act counts for: a day ends `day_end_hour` hours after midnight in the student's zone."""
    return (at.astimezone(ZoneInfo(time_zone)) - timedelta(hours=day_end_hour)).date()


def counted_for(at: datetime, time_zone: str, day_end_hour: int, summary: SummaryRecord) -> date:
    """The study day that work at `at` counts for. A change of settings makes no day.

    Never before the last one counted, never after today anywhere on earth; and a day after that one begins only when it
    is over by the settings under which it began, too.
    """
    today, last = study_day(at, time_zone, day_end_hour), last_counted(summary)
    if last is not None:
        is_over = summary.counted_day is None or study_day(at, *_settings(summary.counted_day)) > last
        today = max(today, last) if is_over else last
    return min(today, (at.astimezone(UTC) + FURTHEST_AHEAD).date())


def counted_day(day: date, time_zone: str, day_end_hour: int, summary: SummaryRecord) -> CountedDay:
    """Return a study day with the settings under which it began, to be remembered."""
    known = summary.counted_day
    if known is not None and known.day == day:
        return known
    return CountedDay(day=day, time_zone=time_zone, day_end_hour=day_end_hour)


def last_counted(summary: SummaryRecord) -> date | None:
    """The last day that work was counted for; of summaries from before this was kept, the last study day."""
    return summary.counted_day.day if summary.counted_day else summary.streak.last_day


def _settings(counted: CountedDay) -> tuple[str, int]:
    return counted.time_zone, counted.day_end_hour


def changed(before: OwnProgress, change: ProgressChange) -> OwnProgress:
    """The record after the change. Raises Invalid for a value out of range or a contradiction."""
    solved = _solved(before, change)
    status = change.status or before.status
    if status not in STATUSES:
        raise Invalid(_("“{status}” is not a status.").format(status=str(status)[:40]))
    if solved > 0 and status == "Not Started":
        if change.status == "Not Started":
            raise Invalid(
                _("Not Started means no questions solved. Set the questions to 0 as well."), code="contradiction"
            )
        status = "In Progress"
    weak = before.is_weak_chapter if change.is_weak_chapter is None else change.is_weak_chapter
    return OwnProgress(status=status, question_solved=solved, is_weak_chapter=weak)


def require_confirmation(before: OwnProgress, after: OwnProgress, question_total: int, chapter: str) -> None:
    """Raises ConfirmationNeeded where more questions are solved than past papers asked, and more than before."""
    if after.question_solved > question_total and after.question_solved > before.question_solved:
        raise ConfirmationNeeded(
            _("{solved} is more than the {total} past-paper questions of “{chapter}”. Save it anyway?").format(
                solved=after.question_solved, total=question_total, chapter=chapter
            ),
            details={"questionTotal": question_total, "questionSolved": after.question_solved},
        )


def own(progress: Progress) -> OwnProgress:
    """The three fields that a change is about."""
    return OwnProgress(
        status=progress.status, question_solved=progress.question_solved, is_weak_chapter=progress.is_weak_chapter
    )


def counted(counts: ProgressCounts, before: OwnProgress, after: OwnProgress, *, is_active: bool) -> dict[str, int]:
    """The fields of `counts` after one record went from `before` to `after`.

    Solved questions are work that was done, so they count on an archived chapter too; how many chapters are completed,
    in progress or weak is said of the present syllabus (docs/pages.md, "What totals count").
    """
    found = {
        "chapters": counts.chapters,
        "completed": counts.completed,
        "in_progress": counts.in_progress,
        "weak": counts.weak,
        "solved": counts.solved + after.question_solved - before.question_solved,
    }
    if is_active:
        found["completed"] += (after.status == "Completed") - (before.status == "Completed")
        found["in_progress"] += (after.status == "In Progress") - (before.status == "In Progress")
        found["weak"] += after.is_weak_chapter - before.is_weak_chapter
    return found


def summed(summary: SummaryRecord, chapter: Chapter, before: OwnProgress, after: OwnProgress) -> SummaryRecord:
    """The summary after the record on `chapter` went from `before` to `after`."""
    subject, is_active = chapter.subject, chapter.archived_at is None
    known = {counts.subject: counts for counts in summary.subjects}
    known[subject] = SubjectCounts(
        subject=subject,
        **counted(known.get(subject, SubjectCounts(subject=subject)), before, after, is_active=is_active),
    )
    return replace(
        summary,
        total=ProgressCounts(**counted(summary.total, before, after, is_active=is_active)),
        subjects=tuple(counts for _name, counts in sorted(known.items()) if not _is_zero(counts)),
    )


def day_counted(day: StudyDay, before: OwnProgress, after: OwnProgress, *, is_imported: bool = False) -> StudyDay:
    """The study day after one change. Taking work back counts down, so a day may be negative."""
    solved = after.question_solved - before.question_solved
    completed = (after.status == "Completed") - (before.status == "Completed")
    day = replace(day, changes=day.changes + 1)
    if is_imported:
        return replace(
            day,
            carried_solved=day.carried_solved + solved,
            carried_completed=day.carried_completed + completed,
        )
    return replace(day, solved=day.solved + solved, completed=day.completed + completed)


def counts_as_studied(day: StudyDay) -> bool:
    """Only real progress makes a study day: a question solved or a chapter completed."""
    return day.solved > 0 or day.completed > 0


def recent(before: tuple[str, ...], chapter_id: str) -> tuple[str, ...]:
    """The last chapters worked on, newest first."""
    return (chapter_id, *(other for other in before if other != chapter_id))[:RECENT_CHAPTERS]


def _solved(before: OwnProgress, change: ProgressChange) -> int:
    if change.question_solved is not None and change.questions_delta is not None:
        raise Invalid(_("Give either the number of questions or how many to add, not both."))
    solved = before.question_solved if change.question_solved is None else change.question_solved
    solved += change.questions_delta or 0
    if not 0 <= solved <= SOLVED_LIMIT:
        raise Invalid(_("Questions solved must be between 0 and {most}.").format(most=SOLVED_LIMIT))
    return solved


def _is_zero(counts: ProgressCounts) -> bool:
    return not (counts.completed or counts.in_progress or counts.weak or counts.solved)
