"""Suggestions of what to study next, with reasons; coverage of the syllabus; the expected end. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from backend.chapters.models import Chapter
from backend.kit import i18n
from backend.kit.i18n import _, ngettext
from backend.progress import weights
from backend.progress.models import Pace, Progress, Suggestion

SUGGESTIONS = 5
PACE_DAYS = 28
DAYS_IN_WEEK = 7
WEAK_FACTOR = 1.5
COMPLETED_GAP = 0.1  # a completed chapter is rarely the next thing to do, but a weak one may be
SMALLEST_GAP = 0.15


def gap(progress: Progress, question_total: int) -> float:
    """Return the part of a chapter that is left to learn, from 0 to 1.5.

    1 − solved/asked, at least 0.15; 0.1 once completed; half as much again where it is marked weak.
    """
    if progress.status == "Completed":
        left = COMPLETED_GAP
    else:
        done = min(1.0, progress.question_solved / question_total) if question_total else 0.0
        left = max(SMALLEST_GAP, 1.0 - done)
    return left * (WEAK_FACTOR if progress.is_weak_chapter else 1.0)


def study_next(chapters: Sequence[Chapter], progress: Mapping[str, Progress], this_year: int) -> tuple[Suggestion, ...]:
    """Return the chapters with the largest exam share × own gap; by exam share alone without any progress."""
    known, is_new = weights.weigh(chapters, this_year), not progress
    scored = [
        (_score(chapter, progress.get(chapter.id), known.shares[chapter.id], is_new), chapter) for chapter in chapters
    ]
    ranked = sorted(scored, key=lambda pair: -pair[0])  # stable: equal scores stay in syllabus order
    return tuple(
        _suggestion(chapter, progress.get(chapter.id), known, is_new)
        for score, chapter in ranked[:SUGGESTIONS]
        if score > 0
    )


def coverage(
    chapters: Sequence[Chapter], progress: Mapping[str, Progress], shares: Mapping[str, float]
) -> float | None:
    """Exam weight of the completed ones of these chapters, from 0 to 1; None where no past paper is known.

    `shares` are those of the whole syllabus, by chapter.
    """
    total = sum(shares[chapter.id] for chapter in chapters)
    done = sum(shares[chapter.id] for chapter in chapters if _is_completed(progress.get(chapter.id)))
    return done / total if total else None


def pace(completed_in_28_days: int, chapters_left: int, today: date, exam_date: date | None) -> Pace:
    """When the syllabus is finished if the last four weeks go on, in numbers and in one sentence."""
    finish_on = None
    if chapters_left == 0:
        finish_on = today
    elif completed_in_28_days > 0:
        finish_on = today + timedelta(days=-(-chapters_left * PACE_DAYS // completed_in_28_days))
    late = (finish_on - exam_date).days if finish_on and exam_date else None
    return Pace(
        completed_in_28_days=completed_in_28_days,
        chapters_left=chapters_left,
        finish_on=finish_on,
        exam_date=exam_date,
        days_late=late,
        sentence=_pace_sentence(chapters_left, finish_on, late) + _in_time(chapters_left, today, exam_date, late),
    )


def _score(chapter: Chapter, own: Progress | None, share: float, is_new: bool) -> float:
    if is_new:
        return share
    return share * gap(own or Progress(chapter_id=chapter.id), chapter.question_total)


def _suggestion(chapter: Chapter, own: Progress | None, known: weights.Weights, is_new: bool) -> Suggestion:
    progress, share = own or Progress(chapter_id=chapter.id), known.shares[chapter.id]
    known_gap = None if is_new else gap(progress, chapter.question_total)
    return Suggestion(
        chapter=chapter,
        own=progress,
        reason=_reason(known.recent[chapter.id], progress, is_new),
        exam_share=share,
        gap=known_gap,
        score=_score(chapter, own, share, is_new),
    )


def _reason(recent: int, progress: Progress, is_new: bool) -> str:
    asked = ngettext("{count} question in 3 years", "{count} questions in 3 years", recent).format(
        count=i18n.number(recent)
    )
    if is_new:
        return asked
    said = [asked, _("{count} solved").format(count=i18n.number(progress.question_solved))]
    if progress.status == "Completed":
        said.append(_("completed"))
    if progress.is_weak_chapter:
        said.append(_("marked weak"))
    return ", ".join(said)


def _pace_sentence(left: int, finish_on: date | None, late: int | None) -> str:
    if left == 0:
        return _("Every chapter is completed.")
    if finish_on is None:
        return _("No chapter was completed in the last 4 weeks, so there is no pace to carry on yet.")
    said = _("At your pace of the last 4 weeks, you finish on {day}").format(day=i18n.day(finish_on))
    if late is None:
        return said + "."
    if late > 0:
        return said + ngettext(", {count} day after the exam.", ", {count} days after the exam.", late).format(
            count=late
        )
    return said + ngettext(", {count} day before the exam.", ", {count} days before the exam.", -late).format(
        count=-late
    )


def _in_time(left: int, today: date, exam_date: date | None, late: int | None) -> str:
    """Return the pace that would finish in time, if the present pace does not; else ""."""
    if left == 0 or exam_date is None or exam_date <= today or (late is not None and late <= 0):
        return ""
    weekly = -(-left * DAYS_IN_WEEK // (exam_date - today).days)
    said = ngettext("{count} chapter a week finishes it in time.", "{count} chapters a week finish it in time.", weekly)
    return " " + said.format(count=weekly)


def _is_completed(progress: Progress | None) -> bool:
    return progress is not None and progress.status == "Completed"
