"""Distributions of students over bins: completion in percent, questions solved. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from backend.progress.models import SummaryRecord
from backend.statistics.models import Bin, Distribution, Level

SOLVED_BINS = ((0, 0), (1, 50), (51, 100), (101, 250), (251, 500), (501, 1000), (1001, None))
COMPLETION_BINS = ((0, 0), (1, 25), (26, 50), (51, 75), (76, 99), (100, 100))


def solved_bin(solved: int) -> int:
    """The least number of the bin in which a number of questions lies."""
    return max((least for least, _most in SOLVED_BINS if least <= solved), default=0)


def levels(summaries: Iterable[SummaryRecord], subjects: Iterable[str]) -> tuple[Level, ...]:
    """One level for each student in the whole syllabus, and one in each subject."""
    subjects = tuple(subjects)
    found = []
    for summary in summaries:
        known = {counts.subject: counts for counts in summary.subjects}
        parts = [(None, summary.total), *((subject, known.get(subject)) for subject in subjects)]
        for subject, counts in parts:
            completed, solved = (counts.completed, counts.solved) if counts else (0, 0)
            found.append(Level(subject=subject, completed=completed, solved=solved_bin(solved)))
    return tuple(found)


def distribution(
    found: Iterable[Level], subject: str | None, chapters: int, students: int, as_of: datetime
) -> Distribution:
    """Return the distribution of `students` over one subject of `chapters` chapters; no level counts as zero."""
    wanted = [level for level in found if level.subject == subject]
    wanted.append(
        Level(subject=subject, completed=0, solved=0, students=students - sum(one.students for one in wanted))
    )
    return Distribution(
        subject=subject,
        students=students,
        chapters=chapters,
        average_completed=average_completed(wanted, chapters, students),
        completion=_bins(COMPLETION_BINS, [(percent(one.completed, chapters), one.students) for one in wanted]),
        solved=_bins(SOLVED_BINS, [(one.solved, one.students) for one in wanted]),
        as_of=as_of,
    )


def average_completed(found: Iterable[Level], chapters: int, students: int) -> float | None:
    """Share of the chapters that a student completed on average, from 0 to 1; None without students or chapters."""
    if not students or not chapters:
        return None
    return sum(one.students * min(one.completed, chapters) for one in found) / (students * chapters)


def percent(completed: int, chapters: int) -> int:
    """Completed chapters in whole percent: 0 only for none of them, 100 only for all."""
    if not chapters or completed >= chapters:
        return 100 if chapters and completed else 0
    return 0 if completed <= 0 else min(99, max(1, round(100 * completed / chapters)))


def _bins(bounds: Sequence[tuple[int, int | None]], values: Iterable[tuple[int, int]]) -> tuple[Bin, ...]:
    counts = dict.fromkeys((least for least, _most in bounds), 0)
    for value, students in values:
        counts[max(least for least in counts if least <= max(0, value))] += students
    return tuple(Bin(least=least, most=most, students=counts[least]) for least, most in bounds)
