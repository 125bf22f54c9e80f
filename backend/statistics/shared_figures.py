"""The rule for the figures of others that a student may see, and the figures that follow from it. Pure.

A group is everyone, or one class. Each qualifies by itself, and figures of two classes are put together from what was
told of each. A member counts after `SETTLED` in it and work on `STUDIED_DAYS` days. Of a group, and of a chapter in it,
nothing is told below `FEWEST` who count: five beside the reader. Counts are told in steps of `STEP`, shares in steps of
`SHARE_STEP`. What was told stays for a day, and for as long as fewer than `FEWEST_CHANGED` people have joined, left or
worked since: no difference of two figures is about a few of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from backend.chapters.models import Chapter
from backend.statistics.models import ChapterStatistics, SharedChapter, SharedFigures, SharedSubject

EVERYONE = "everyone"
SETTLED = timedelta(days=14)
STUDIED_DAYS = 3
FEWEST = 6
FEWEST_CHANGED = 5
STEP = 5
SHARE_STEP = 0.05
RENEWED_AFTER = timedelta(days=1)


def is_due(told: SharedFigures | None, now: datetime) -> bool:
    """Whether the figures are due for renewal, also if they are dated in the future."""
    return told is None or abs(now - told.looked_at) >= RENEWED_AFTER


def marks(cohort: Mapping[str, int]) -> frozenset[str]:
    """One mark for each member at the revision of their work, which names neither."""
    said = (f"{student_id}:{revision}".encode() for student_id, revision in cohort.items())
    return frozenset(blake2b(each, digest_size=8).hexdigest() for each in said)


def enough_changed(before: Collection[str], now: Collection[str]) -> bool:
    """Whether at least `FEWEST_CHANGED` people joined, left or worked between two sets of marks."""
    old, new = frozenset(before), frozenset(now)
    return max(len(new - old), len(old - new)) >= FEWEST_CHANGED


def figures(
    group: str, size: int, sums: Mapping[str, ChapterStatistics], chapters: Sequence[Chapter], now: datetime
) -> SharedFigures:
    """Return the shared figures of `size` members who count, whose work on each chapter adds up to `sums`."""
    is_told = size >= FEWEST
    return SharedFigures(
        id=group,
        is_told=is_told,
        students=stepped(size) if is_told else 0,
        chapters=tuple(map(_chapter, _told(sums.values()))) if is_told else (),
        subjects=_subjects(size, sums, chapters) if is_told else (),
        as_of=now,
        looked_at=now,
    )


def stepped(count: float) -> int:
    """The nearest multiple of `STEP`."""
    return STEP * round(count / STEP)


def _told(sums: Iterable[ChapterStatistics]) -> list[ChapterStatistics]:
    return [each for each in sums if each.students >= FEWEST]


def _chapter(sums: ChapterStatistics) -> SharedChapter:
    return SharedChapter(
        id=sums.id,
        students=stepped(sums.students),
        completed=stepped(sums.completed),
        in_progress=stepped(sums.in_progress),
        weak=stepped(sums.weak),
        average_solved=stepped(sums.solved / sums.students),
    )


def _subjects(
    size: int, sums: Mapping[str, ChapterStatistics], chapters: Sequence[Chapter]
) -> tuple[SharedSubject, ...]:
    counts: dict[str, list[int]] = {}
    for chapter in chapters:
        counts.setdefault(chapter.subject, []).append(sums[chapter.id].completed if chapter.id in sums else 0)
    shares = {subject: sum(found) / (len(found) * size) for subject, found in counts.items()}
    return tuple(
        SharedSubject(subject=subject, completed=round(SHARE_STEP * round(share / SHARE_STEP), 2))
        for subject, share in shares.items()
    )
