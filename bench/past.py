"""A student's whole past, drawn from a seed: by the product's own rules, so that all copies and sums agree. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from msgspec.structs import replace

from backend.accounts.models import User
from backend.chapters.models import Chapter, OwnProgress
from backend.kit.mongo.client import stable_id
from backend.progress import entries, rules, streak
from backend.progress.models import Activity, Progress, StudyDay, SummaryRecord

DAYS = 110
COMPLETED_SHARE, WEAK_SHARE, REGULARITY = 0.45, 0.15, (0.25, 0.9)
NOTHING = OwnProgress()


@dataclass(frozen=True)
class Past:
    """All that is kept of one student: chapters, in the order of their activity, with each entry."""

    user: User
    records: Mapping[str, Progress]
    activities: Sequence[tuple[Chapter, Activity]]
    days: Sequence[StudyDay]
    summary: SummaryRecord


@dataclass(frozen=True)
class _Step:
    """One change of one chapter at one time."""

    at: datetime
    chapter: Chapter
    after: OwnProgress


def past(user: User, chapters: Sequence[Chapter], now: datetime, seed: int) -> Past:
    """The student's work on all these chapters: one change each, and a second one where she completed it."""
    dice = Random(f"{seed}/{user.id}")  # noqa: S311 - invented work, no secret
    summary, records = SummaryRecord(id=user.id), dict[str, Progress]()
    days: dict[date, StudyDay] = {}
    activities = []
    for step in _steps(dice, chapters, now):
        record = entries.record(records, step.chapter.id)
        before, day = rules.own(record), rules.study_day(step.at, user.time_zone, user.day_end_hour)
        records[step.chapter.id] = entries.next_version(record, step.after, step.at)
        days[day] = rules.day_counted(days.get(day, StudyDay(day=day)), before, step.after)
        summary = rules.summed(summary, step.chapter, before, step.after)
        activities.append((step.chapter, _entry(user, step, day, before, record.version)))
    studied = [day.day for day in days.values() if rules.counts_as_studied(day)]
    return Past(user, records, activities, tuple(days.values()), _finished(summary, activities, studied))


def _steps(dice: Random, chapters: Sequence[Chapter], now: datetime) -> list[_Step]:
    regularity = dice.uniform(*REGULARITY)
    evenings = [day for day in range(DAYS) if dice.random() < regularity] or [0]
    steps = []
    for chapter in chapters:
        begun = dice.randrange(len(evenings))
        after = OwnProgress(
            status="In Progress",
            question_solved=dice.randint(1, max(1, chapter.question_total // 2)),
            is_weak_chapter=dice.random() < WEAK_SHARE,
        )
        steps.append(_Step(_evening(dice, now, evenings[begun]), chapter, after))
        if dice.random() < COMPLETED_SHARE and begun + 1 < len(evenings):
            later = evenings[dice.randrange(begun + 1, len(evenings))]
            more = after.question_solved + dice.randint(0, chapter.question_total // 2)
            done = replace(after, status="Completed", question_solved=more)
            steps.append(_Step(_evening(dice, now, later), chapter, done))
    return sorted(steps, key=lambda step: step.at)


def _evening(dice: Random, now: datetime, day: int) -> datetime:
    """A moment of the day that lies `DAYS - day` days back; all days end before now."""
    into_the_evening = timedelta(minutes=dice.randrange(240), milliseconds=dice.randrange(60_000))
    return now - timedelta(days=DAYS - day) + into_the_evening


def _entry(user: User, step: _Step, day: date, before: OwnProgress, version: int) -> Activity:
    key = stable_id(user.id, step.chapter.id, str(version))
    return Activity(
        id=key,
        chapter_id=step.chapter.id,
        at=step.at,
        study_day=day,
        before=before,
        after=step.after,
        batch_id=key,
    )


def _finished(
    summary: SummaryRecord, activities: Sequence[tuple[Chapter, Activity]], studied: Sequence[date]
) -> SummaryRecord:
    recent: tuple[str, ...] = ()
    for chapter, _activity in activities:
        recent = rules.recent(recent, chapter.id)
    return replace(
        summary,
        recent=recent,
        streak=streak.recomputed(studied),
        studied_days=len(studied),
        last_activity_at=activities[-1][1].at if activities else None,
    )
