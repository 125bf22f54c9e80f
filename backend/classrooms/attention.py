"""Flags for students who need attention, by plain rules with reasons. Pure; students never see them.

One signal = "watch", two or more = "at risk". A student whose first class is less than two weeks old is not judged, so
that two classes of one student say the same.
"""

import statistics
from collections.abc import Iterable
from datetime import date, timedelta

from backend.classrooms.models import Flag, LearnerRecord
from backend.kit.i18n import _, ngettext, number
from backend.kit.model import Shape
from backend.progress import rules
from backend.progress.models import StudyDay
from backend.progress.overview import solved_between

QUIET_DAYS = 7
UNSOLVED_DAYS = 14
SETTLED_DAYS = 14  # since joining; before that, silence says nothing
PEER_DAYS = 14
PEERS = 10  # below this many active learners a quartile says nothing
WEEK_DAYS = 7


class Facts(Shape, frozen=True, kw_only=True):
    """The input of the rules, in the learner's own study days. `solved_by_week` has the newest week first."""

    joined_days_ago: int
    quiet_days: int | None
    solved: int
    completed: int
    solved_by_week: tuple[int, int, int]
    chapters_left: int

    @property
    def is_new(self) -> bool:
        return self.joined_days_ago < SETTLED_DAYS

    @property
    def is_active(self) -> bool:
        """Whether the learner saved anything in the last two weeks: the peers that others are compared with."""
        return self.quiet_days is not None and self.quiet_days < PEER_DAYS


def facts(record: LearnerRecord, today: date, chapters_left: int) -> Facts:
    """Return the facts of a learner today; `quiet_days` is None for a learner who never saved anything."""
    member, last = record.member, record.summary.last_activity_at
    return Facts(
        joined_days_ago=(today - rules.study_day(member.known_since, member.time_zone, member.day_end_hour)).days,
        quiet_days=(today - rules.study_day(last, member.time_zone, member.day_end_hour)).days if last else None,
        solved=max(0, sum(day.solved for day in _last(record.days, today, UNSOLVED_DAYS))),
        completed=completed_in(record.days, today, PEER_DAYS),
        solved_by_week=(
            _solved_in_week(record, today, 0),
            _solved_in_week(record, today, 1),
            _solved_in_week(record, today, 2),
        ),
        chapters_left=chapters_left,
    )


def completed_in(days: Iterable[StudyDay], today: date, count: int) -> int:
    """Chapters completed in the last `count` study days, today included; never below 0."""
    return max(0, sum(day.completed for day in _last(days, today, count)))


def quartile(everyone: Iterable[Facts]) -> float | None:
    """The first quartile of completions in 14 days over settled, active learners; None where they are too few."""
    completions = [each.completed for each in everyone if each.is_active and not each.is_new]
    if len(completions) < PEERS:
        return None
    return statistics.quantiles(completions, n=4, method="inclusive")[0]


def reasons(known: Facts, first_quartile: float | None) -> tuple[str, ...]:
    """Return a sentence per signal; empty for a learner who is new or has nothing left to do."""
    if known.is_new or known.chapters_left == 0:
        return ()
    found = (_quiet(known), _unsolved(known), _behind_peers(known, first_quartile), _slowing(known))
    return tuple(reason for reason in found if reason)


def flag(known: Facts, found: tuple[str, ...]) -> Flag | None:
    """Return the flag by the number of signals; None for a new learner."""
    return None if known.is_new else flag_of(found)


def flag_of(found: tuple[str, ...]) -> Flag:
    """Return the flag of a student who is judged, by the number of signals."""
    if not found:
        return "on track"
    return "watch" if len(found) == 1 else "at risk"


def _quiet(known: Facts) -> str | None:
    if known.quiet_days is None:
        count = known.joined_days_ago
        said = ngettext(
            "No activity since joining {count} day ago", "No activity since joining {count} days ago", count
        )
        return said.format(count=number(count))
    if known.quiet_days < QUIET_DAYS:
        return None
    said = ngettext("No activity for {count} day", "No activity for {count} days", known.quiet_days)
    return said.format(count=number(known.quiet_days))


def _unsolved(known: Facts) -> str | None:
    if known.solved > 0:
        return None
    return _("No question solved in the last {count} days").format(count=number(UNSOLVED_DAYS))


def _behind_peers(known: Facts, first_quartile: float | None) -> str | None:
    if first_quartile is None or not known.is_active or known.completed >= first_quartile:
        return None
    said = ngettext(
        "{count} chapter completed in {days} days: fewer than three quarters of the class did",
        "{count} chapters completed in {days} days: fewer than three quarters of the class did",
        known.completed,
    )
    return said.format(count=number(known.completed), days=number(PEER_DAYS))


def _slowing(known: Facts) -> str | None:
    now, before, earlier = known.solved_by_week
    if not (now < before < earlier and now * 2 <= earlier):
        return None
    said = _("Solving less two weeks running: {earlier}, {before}, {now} questions")
    return said.format(earlier=number(earlier), before=number(before), now=number(now))


def _solved_in_week(record: LearnerRecord, today: date, weeks_ago: int) -> int:
    last = today - timedelta(days=WEEK_DAYS * weeks_ago)
    return solved_between(record.days, last - timedelta(days=WEEK_DAYS - 1), last)


def _last(days: Iterable[StudyDay], today: date, count: int) -> list[StudyDay]:
    first = today - timedelta(days=count - 1)
    return [day for day in days if first <= day.day <= today]
