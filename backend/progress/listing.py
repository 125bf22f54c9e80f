"""Finding chapters: filters, search, sort and pages over the catalogue that is held in memory. Pure.

The catalogue has a few hundred entries, so choosing among them in Python costs less than asking a database.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from backend.chapters.models import STATUSES, Chapter
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.progress import search, weights
from backend.progress.models import ChapterFilters, ChapterPage, ChapterRow, Facets, Progress

PAGE_LIMIT = 200


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """The cursor of a page: its last row, the position of that row in the syllabus, and its sort value."""

    id: str
    position: int
    value: float | str


@dataclass(frozen=True)
class _Known:
    """The position of each row in the syllabus, and how well it fits the searched words (None: no search)."""

    positions: Mapping[str, int]
    scores: Mapping[str, float] | None


def rows(
    chapters: Sequence[Chapter], progress: Mapping[str, Progress] | None, this_year: int
) -> tuple[ChapterRow, ...]:
    """Every chapter with its exam figures, and own progress beside it where `progress` is given."""
    known = weights.weigh(chapters, this_year)
    return tuple(_row(chapter, known, progress) for chapter in chapters)


def row(
    chapter: Chapter, chapters: Sequence[Chapter], progress: Mapping[str, Progress] | None, this_year: int
) -> ChapterRow:
    """The row of one of these chapters."""
    return _row(chapter, weights.weigh(chapters, this_year), progress)


def select(rows: Sequence[ChapterRow], filters: ChapterFilters) -> ChapterPage:
    """The page of `rows` that fits `filters`. Raises Invalid for a page, limit, sort or cursor that cannot be."""
    if not 1 <= filters.limit <= PAGE_LIMIT:
        raise Invalid(_("A page may have 1 to {most} rows.").format(most=PAGE_LIMIT))
    if filters.page < 1:
        raise Invalid(_("Pages are counted from 1."))
    known = _known(rows, filters)
    found = _found(rows, known, filters)
    start = _start(found, known, filters)
    shown = found[start : start + filters.limit]
    more = start + filters.limit < len(found)
    return ChapterPage(
        rows=tuple(shown),
        total=len(found),
        page=start // filters.limit + 1 if filters.after else filters.page,
        limit=filters.limit,
        total_pages=max(1, -(-len(found) // filters.limit)),
        next_cursor=_cursor(shown[-1], known, filters) if more and shown else None,
    )


def by_subject(chapters: Sequence[Chapter]) -> dict[str, list[Chapter]]:
    """The chapters of each subject, both in syllabus order."""
    parts: dict[str, list[Chapter]] = {}
    for chapter in chapters:
        parts.setdefault(chapter.subject, []).append(chapter)
    return parts


def that_fit(rows: Sequence[ChapterRow], filters: ChapterFilters) -> tuple[ChapterRow, ...]:
    """All `rows` that fit, in the order of `filters`, whatever page they ask for."""
    return tuple(_found(rows, _known(rows, filters), filters))


def _row(chapter: Chapter, known: weights.Weights, progress: Mapping[str, Progress] | None) -> ChapterRow:
    return ChapterRow(
        chapter=chapter,
        own=None if progress is None else progress.get(chapter.id, Progress(chapter_id=chapter.id)),
        recent_total=known.recent[chapter.id],
        exam_share=known.shares[chapter.id],
        trend=known.trends[chapter.id],
    )


def facets(chapters: Sequence[Chapter], this_year: int) -> Facets:
    """Subjects, classes, units and exam years that the catalogue has, in syllabus order."""
    units: dict[str, list[str]] = {}
    for chapter in chapters:
        known = units.setdefault(chapter.subject, [])
        if chapter.unit not in known:
            known.append(chapter.unit)
    return Facets(
        subjects=tuple(units),
        classes=tuple(sorted({chapter.class_ for chapter in chapters})),
        units={subject: tuple(names) for subject, names in units.items()},
        years=tuple(map(str, weights.weigh(chapters, this_year).years)),
    )


def _known(rows: Sequence[ChapterRow], filters: ChapterFilters) -> _Known:
    return _Known(
        positions={row.chapter.id: position for position, row in enumerate(rows)},
        scores=search.scores((row.chapter for row in rows), filters.search) if filters.search.strip() else None,
    )


def _found(rows: Sequence[ChapterRow], known: _Known, filters: ChapterFilters) -> list[ChapterRow]:
    key, descending = _order(known, filters)
    return sorted((row for row in rows if _fits(row, known, filters)), key=key, reverse=descending)


def _fits(row: ChapterRow, known: _Known, filters: ChapterFilters) -> bool:
    chapter, own = row.chapter, row.own
    return (
        (filters.subject is None or chapter.subject == filters.subject)
        and (filters.class_ is None or chapter.class_ == filters.class_)
        and (filters.unit is None or chapter.unit == filters.unit)
        and (filters.status is None or (own is not None and own.status == filters.status))
        and (filters.weak_chapters is None or (own is not None and own.is_weak_chapter == filters.weak_chapters))
        and (filters.min_recent is None or row.recent_total >= filters.min_recent)
        and (known.scores is None or chapter.id in known.scores)
    )


def _order(known: _Known, filters: ChapterFilters) -> tuple[Callable[[ChapterRow], Any], bool]:
    """Return the sort key of rows, and whether the greatest comes first; equals stay in syllabus order."""
    if filters.sort == "syllabus":
        scores = known.scores
        if scores is not None:
            return lambda row: scores[row.chapter.id], True
        return lambda row: known.positions[row.chapter.id], filters.descending
    if filters.sort not in _SORT_KEYS:
        names = ", ".join(("syllabus", *_SORT_KEYS))
        raise Invalid(_("Chapters can be sorted by {names}.").format(names=names))
    return _SORT_KEYS[filters.sort], filters.descending


def _own(row: ChapterRow) -> Progress:
    return row.own or Progress(chapter_id=row.chapter.id)


_SORT_KEYS: Mapping[str, Callable[[ChapterRow], Any]] = {
    "chapter": lambda row: row.chapter.chapter.casefold(),
    "subject": lambda row: row.chapter.subject.casefold(),
    "class": lambda row: row.chapter.class_.casefold(),
    "unit": lambda row: row.chapter.unit.casefold(),
    "asked": lambda row: row.chapter.question_total,
    "recent": lambda row: row.recent_total,
    "solved": lambda row: _own(row).question_solved,
    "left": lambda row: max(0, row.chapter.question_total - _own(row).question_solved),
    "status": lambda row: STATUSES.index(_own(row).status),
    "updated": lambda row: when.timestamp() if (when := _own(row).updated_at) else 0.0,
}


def _start(found: Sequence[ChapterRow], known: _Known, filters: ChapterFilters) -> int:
    """How many of `found` come before the page. A cursor keeps the value that its row had then, for the row may have
    moved since, no longer fit the filters, or be gone: what stood behind it is still shown, and shown once."""
    if not filters.after:
        return (filters.page - 1) * filters.limit
    key, descending = _order(known, filters)
    positions = known.positions
    try:
        last = msgspec.json.decode(base64.urlsafe_b64decode(filters.after.encode()), type=_Place)
        place: float = positions.get(last.id, last.position - 0.5)  # what followed it has moved up by one
        is_in_syllabus_order = filters.sort == "syllabus" and known.scores is None
        value = place if is_in_syllabus_order else last.value
        return sum(
            positions[row.chapter.id] <= place if key(row) == value else (key(row) > value) == descending
            for row in found
        )
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise Invalid(_("The cursor “after” is not valid.")) from error


def _cursor(row: ChapterRow, known: _Known, filters: ChapterFilters) -> str:
    value, position = _order(known, filters)[0](row), known.positions[row.chapter.id]
    place = _Place(id=row.chapter.id, position=position, value=value)
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()
