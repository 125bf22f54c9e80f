"""The catalogue as those see it who look after it: filters, the list, and the list as a file."""

from collections.abc import Callable, Sequence
from datetime import date

import msgspec
import streamlit as st

from backend.accounts.models import Viewer
from backend.chapters import export
from backend.chapters.models import Chapter
from backend.kit.i18n import _, ngettext, number
from backend.progress.models import ChapterFilters, ChapterPage, ChapterRow, Facets
from pages.shell import downloads, services
from pages.widgets.elements import empty_state, escape, filter_bar, pager
from pages.widgets.tables import Column, Row, Value, data_table

KEY, PAGE_SIZE = "catalogue", 200
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def catalogue_filters(facets: Facets) -> ChapterFilters:
    """The filters that students have too; their values are in the address and survive a reload."""
    with filter_bar("catalogue"):
        search = st.text_input(
            _("Search"), key="search", bind="query-params", icon=":material/search:", live="300ms", type="search",
            placeholder=_("Chapter or unit"), width=230, max_chars=80,
        )  # fmt: skip
        subject = _choice(_("Subject"), "subject", facets.subjects, _("All subjects"), 170)
        class_ = _choice(_("Class"), "class", facets.classes, _("All classes"), 150)
        units = facets.units.get(subject or "", ())
        unit = _choice(_("Unit"), "unit", units, _("All units") if units else _("Choose a subject first"), 220)
    return ChapterFilters(subject=subject, class_=class_, unit=unit, search=search or "", limit=PAGE_SIZE)


def _choice(label: str, key: str, options: Sequence[str], none: str, width: int) -> str | None:
    return st.selectbox(
        label, options, index=None, key=key, bind="query-params", placeholder=none, width=width,
        disabled=not options, filter_mode=None,
    )  # fmt: skip


def draw_list(viewer: Viewer, filters: ChapterFilters) -> str | None:
    """The chapters that fit; returns the id of the one whose row was just chosen."""
    overview = services.backend().overview
    found = overview.chapters(viewer, filters)
    if not found.total:
        empty_state("search_off", _("No chapter fits your filters."), _("Take a filter off, or add the chapter."))
        return None
    _count(found)
    place = st.container()
    page = pager(found.total, PAGE_SIZE, "catalogue-page") if found.total_pages > 1 else 1
    if page > 1:
        found = overview.chapters(viewer, msgspec.structs.replace(filters, page=page))
    learners = _learners(viewer)
    with place:
        return data_table(
            _("Choose a chapter to change it"),
            _columns(),
            [_row(row, learners) for row in found.rows],
            key=KEY,
            sort=None,
            stacked=True,
        )


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


def draw_downloads(viewer: Viewer, filters: ChapterFilters) -> None:
    """What the filters show, in three forms."""
    with st.popover(_("Download"), icon=":material/download:"):
        st.html(f'<p class="cp-note">{escape(_("The chapters that your filters show, with their year counts."))}</p>')
        today = services.backend().progress.today(viewer)
        _download(_("CSV for spreadsheets"), "csv", "text/csv", export.to_csv, filters, today)
        _download(_("Excel workbook"), "xlsx", _XLSX, export.to_xlsx, filters, today)
        _download(_("JSON for programs"), "json", "application/json", export.to_json, filters, today)


def _download(
    label: str,
    ending: str,
    mime: str,
    write: Callable[[list[Chapter]], bytes],
    filters: ChapterFilters,
    today: date,
) -> None:
    about = " ".join(word for word in (filters.subject, filters.class_, filters.unit) if word)
    st.download_button(
        label, downloads.fetched(lambda reader: write(_every(reader, filters))),
        export.file_name(ending, today, about), mime,
        key=f"catalogue-{ending}", on_click="ignore", width="stretch",
    )  # fmt: skip


def _every(viewer: Viewer, filters: ChapterFilters) -> list[Chapter]:
    overview = services.backend().overview
    page = overview.chapters(viewer, filters)
    rows = list(page.rows)
    while page.next_cursor:
        page = overview.chapters(viewer, msgspec.structs.replace(filters, after=page.next_cursor))
        rows += page.rows
    return [row.chapter for row in rows]
