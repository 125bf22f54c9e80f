"""Finding chapters: filters, search, sort, pages and cursors."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.chapters.catalogue import catalogue
from backend.errors import Invalid
from backend.progress import listing
from backend.progress.models import ChapterFilters, ChapterRow
from tests.progress.builders import chapter, progress

CATALOGUE = [
    chapter(
        draft.chapter,
        subject=draft.subject,
        unit=draft.unit,
        **{f"y{y}": c for y, c in draft.year_wise_question_count.items()},
    )
    for draft in catalogue()
]
ROWS = listing.rows(CATALOGUE, {CATALOGUE[3].id: progress(CATALOGUE[3], "Completed", 9, weak=True)}, 2026)


def names(filters: ChapterFilters) -> list[str]:
    return [row.chapter.chapter for row in listing.select(ROWS, filters).rows]


def test_own_progress_filters() -> None:
    """Status and weak mark look at the viewer's own record; without one a chapter is Not Started."""
    assert names(ChapterFilters(status="Completed")) == [CATALOGUE[3].chapter]
    assert names(ChapterFilters(weak_chapters=True)) == [CATALOGUE[3].chapter]
    assert listing.select(ROWS, ChapterFilters(status="Not Started")).total == len(ROWS) - 1


def test_asked_often_lately() -> None:
    """`min_recent` keeps what was asked at least so often in the last three years."""
    found = listing.select(ROWS, ChapterFilters(min_recent=20, limit=200)).rows
    assert found
    assert all(row.recent_total >= 20 for row in found)


@given(st.integers(1, 40))
def test_pages_are_the_whole_list_once(limit: int) -> None:
    """Walking by page or by cursor gives every chapter exactly once."""
    whole = [row.chapter.id for row in ROWS]
    pages = listing.select(ROWS, ChapterFilters(limit=limit)).total_pages
    by_page = [listing.select(ROWS, ChapterFilters(limit=limit, page=page)).rows for page in range(1, pages + 1)]
    assert [row.chapter.id for rows in by_page for row in rows] == whole
    assert [row.chapter.id for row in walk(limit)] == whole


def walk(limit: int) -> list[ChapterRow]:
    rows: list[ChapterRow] = []
    cursor: str | None = None
    while True:
        page = listing.select(ROWS, ChapterFilters(limit=limit, after=cursor))
        rows.extend(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            return rows


@pytest.mark.parametrize("filters", [{"limit": 0}, {"limit": 201}, {"page": 0}, {"after": "%%%"}, {"after": "eA=="}])
def test_impossible_pages_are_refused(filters: dict[str, Any]) -> None:
    """A page, limit or cursor that cannot be is said so."""
    with pytest.raises(Invalid):
        listing.select(ROWS, ChapterFilters(**filters))


@given(st.text(max_size=60))
def test_any_search_is_survived(search: str) -> None:
    """No search text breaks the list, and every row it finds is a row of the list."""
    assert set(names(ChapterFilters(search=search, limit=200))) <= {row.chapter.chapter for row in ROWS}


@pytest.mark.parametrize("descending", [False, True])
def test_a_cursor_holds_while_its_own_row_moves_or_leaves(descending: bool) -> None:
    """The last row of a page changes its sort value, stops fitting, or is archived: the rest comes, once each."""
    filters = ChapterFilters(sort="solved", status="In Progress", limit=2, descending=descending)
    first = listing.select(_walked(), filters)
    shown = [row.chapter.id for row in first.rows]
    last = shown[-1]
    for changed in (_walked({last: 1000}), _walked({last: 0}), _walked(without=last)):
        seen, after = list(shown), first.next_cursor
        while after:
            page = listing.select(changed, replace(filters, after=after))
            seen += [row.chapter.id for row in page.rows if row.chapter.id != last]
            after = page.next_cursor
        assert sorted(seen) == sorted(row.chapter.id for row in _walked())


def _walked(changed: Mapping[str, int] = MappingProxyType({}), *, without: str = "") -> tuple[ChapterRow, ...]:
    """Seven chapters, some with equal numbers of solved questions; 0 solved is not begun."""
    chapters = [chapter(f"C{number}") for number in range(7)]
    counts = {each.id: changed.get(each.id, 1 + number // 2) for number, each in enumerate(chapters)}
    return listing.rows(
        [each for each in chapters if each.id != without],
        {
            each.id: progress(each, "In Progress" if counts[each.id] else "Not Started", counts[each.id])
            for each in chapters
        },
        2026,
    )


@pytest.mark.parametrize("position", [0, 3, len(CATALOGUE) - 1])
def test_one_row_is_that_of_the_list(position: int) -> None:
    """The row of a single chapter is the one that stands in the list of all."""
    own = {CATALOGUE[3].id: progress(CATALOGUE[3], "Completed", 9, weak=True)}
    assert listing.row(CATALOGUE[position], CATALOGUE, own, 2026) == ROWS[position]
