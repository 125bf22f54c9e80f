"""The catalogue for teachers and administrators: its filters and its list."""

from collections.abc import Mapping, Sequence

import msgspec
import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _, ngettext, number
from backend.progress.models import ChapterFilters, ChapterPage, ChapterRow, Facets, Sort
from pages.chapters.filters import found_page
from pages.shell import services
from pages.widgets.elements import empty_state, escape, filter_bar, pager
from pages.widgets.tables import UNORDERED, Column, Order, Row, Value, data_table, order_of

KEY, PAGE_SIZE = "catalogue", 25
# By column of the list: how the service sorts it. The learners, who come last, are counted by another service.
_SORTS: tuple[Sort, ...] = ("chapter", "subject", "class", "unit", "asked", "recent")
_LEARNERS = len(_SORTS)
_SYLLABUS, _PAGE = Order(UNORDERED), "catalogue-page"


def catalogue_filters(facets: Facets) -> ChapterFilters:
    """The filters that students have too; their values are in the address and survive a reload."""
    with filter_bar("catalogue"):
        search = st.text_input(
            _("Search"), key="search", bind="query-params", icon=":material/search:", live="300ms", type="search",
            placeholder=_("Chapter or unit"), width=230, on_change=_first_page,
        )  # fmt: skip
        subject = _choice(_("Subject"), "subject", facets.subjects, _("All subjects"), 170)
        class_ = _choice(_("Class"), "class", facets.classes, _("All classes"), 150)
        units = facets.units.get(subject or "", ())
        unit = _choice(_("Unit"), "unit", units, _("All units") if units else _("Choose a subject first"), 220)
    return ChapterFilters(subject=subject, class_=class_, unit=unit, search=search or "", limit=PAGE_SIZE)


def _choice(label: str, key: str, options: Sequence[str], none: str, width: int) -> str | None:
    return st.selectbox(
        label, options, index=None, key=key, bind="query-params", placeholder=none, width=width,
        on_change=_first_page, disabled=not options, filter_mode=None,
    )  # fmt: skip


def draw_list(viewer: Viewer, filters: ChapterFilters) -> str | None:
    """The chapters that fit; returns the id of the one whose row was just chosen."""
    order, page = order_of(KEY, _SYLLABUS), int(st.session_state.get(_PAGE, 1))
    learners = _learners(viewer)
    found = _found(viewer, filters, order, page, learners)
    if not found.total:
        empty_state("search_off", _("No chapter fits your filters."), _("Remove a filter, or add the chapter."))
        return None
    _count(found)
    opened = data_table(
        _("Choose a chapter to change it"),
        _columns(),
        [_row(row, learners) for row in found.rows],
        key=KEY,
        sort=None,
        stacked=True,
        on_order=_first_page,
    )
    if found.total_pages > 1:
        pager(found.total, PAGE_SIZE, _PAGE)
    return opened


def _found(
    viewer: Viewer, filters: ChapterFilters, order: Order, page: int, learners: Mapping[str, int | None]
) -> ChapterPage:
    """The page of the list, ordered over all pages."""
    if order.column == _LEARNERS:
        rows = sorted(
            services.backend().overview.rows_that_fit(viewer, filters),
            key=lambda row: learners.get(row.chapter.id) or 0,
            reverse=order.descending,
        )
        pages = max(1, -(-len(rows) // PAGE_SIZE))
        page = min(page, pages)
        shown = tuple(rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
        return ChapterPage(rows=shown, total=len(rows), page=page, limit=PAGE_SIZE, total_pages=pages)
    if order != _SYLLABUS:
        filters = msgspec.structs.replace(filters, sort=_SORTS[order.column], descending=order.descending)
    return found_page(viewer, filters, page)


def _first_page() -> None:
    st.session_state.pop(_PAGE, None)


def _count(found: ChapterPage) -> None:
    words = ngettext("{count} chapter", "{count} chapters", found.total).format(count=number(found.total))
    st.html(f'<p class="cp-count" role="status">{escape(words)}</p>')


def _columns() -> list[Column | str]:
    return [
        _("Chapter"),
        _("Subject"),
        _("Class"),
        _("Unit"),
        Column(_("Asked"), numeric=True, rule=_("Questions in the past papers of all years.")),
        Column(_("In 3 years"), numeric=True, rule=_("Questions in the past papers of the last three years.")),
        Column(_("Learners"), numeric=True, rule=_("Learners of the whole school with progress on it.")),
    ]


def _row(row: ChapterRow, learners: dict[str, int | None]) -> Row:
    chapter = row.chapter
    is_known = bool(chapter.year_wise_question_count)
    cells: list[Value] = [
        chapter.chapter,
        chapter.subject,
        chapter.class_,
        chapter.unit,
        chapter.question_total if is_known else None,
        row.recent_total if is_known else None,
        learners.get(chapter.id),
    ]
    return Row(chapter.id, cells)


def _learners(viewer: Viewer) -> dict[str, int | None]:
    rows = services.backend().statistics.statistics(viewer, "chapter").rows
    return {row.chapter_id: row.students for row in rows if row.chapter_id}
