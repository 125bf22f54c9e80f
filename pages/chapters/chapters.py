"""A student's chapters: find them, and change one's own progress in the rows."""

from collections.abc import Sequence

import streamlit as st

from backend.kit.i18n import _
from backend.progress.models import ChapterPage, ChapterRow
from pages.chapters import filters as chapter_filters
from pages.chapters import own_list
from pages.chapters.editable_rows import about, editable_rows
from pages.shell import live_updates, services, session
from pages.widgets.elements import empty_state, escape, page_header
from pages.widgets.style import chip_text
from pages.widgets.tables import Column, Twin, Value, static_table


@st.fragment
def _list(ids: Sequence[str]) -> None:
    viewer = session.viewer("student")
    heard = live_updates.position()
    rows = editable_rows(viewer, ids, key="chapter-rows", follows=bool(st.session_state.get("list-as-table")))
    live_updates.listen(live_updates.ME, key="chapters", after=heard)
    # Drawn only while it is open: closed, it would double what every single save sends to a phone.
    with st.expander(
        _("Show as table"), icon=":material/table_rows:", type="compact", key="list-as-table", on_change="rerun"
    ) as twin:
        if twin.open:
            static_table(_twin(rows))


def _twin(rows: Sequence[ChapterRow]) -> Twin:
    columns: list[Column | str] = [
        _("Chapter"),
        _("Subject, class, unit"),
        Column(_("Asked"), numeric=True, rule=_("Questions in the past papers of all years.")),
        Column(_("In 3 years"), numeric=True, rule=_("Questions in the past papers of the last three years.")),
        _("Status"),
        Column(_("Solved"), numeric=True),
        _("Weak"),
    ]
    return Twin(_("Chapters on this page"), columns, [_twin_row(row) for row in rows])


def _twin_row(row: ChapterRow) -> list[Value]:
    own, chapter = row.own, row.chapter
    asked = bool(chapter.year_wise_question_count)
    return [
        chapter.chapter,
        about(row),
        chapter.question_total if asked else None,
        row.recent_total if asked else None,
        chip_text(own.status) if own else None,
        own.question_solved if own else None,
        _("Yes") if own and own.is_weak_chapter else _("No"),
    ]


def _pages(found: ChapterPage) -> int:
    if found.total_pages == 1:
        return 1
    return st.pagination(found.total_pages, key="page", bind="query-params", max_visible_pages=5)


viewer = session.viewer("student")
actions = page_header(_("Chapters"), _("Every change is saved at once and can be undone."), "menu_book")
filters = chapter_filters.chapter_filters(services.backend().overview.facets())
with actions:
    own_list.actions(viewer, filters)
place = st.container(gap="small")
found = chapter_filters.found_page(viewer, filters, 1)
page = _pages(found)
found = chapter_filters.found_page(viewer, filters, page) if page > 1 else found
with place:
    chapter_filters.count_line(found, filters)
    if found.rows:
        _list([row.chapter.id for row in found.rows])
        keys = _("By keyboard: in the field of solved questions, Enter or ↓ saves and goes to the next chapter.")
        st.html(f'<p class="cp-note cp-keys">{escape(keys)}</p>')
    elif empty_state(
        "search_off",
        _("No chapter fits your filters."),
        _("Remove a filter, or search for another word."),
        _("Clear filters"),
    ):
        chapter_filters.clear_in_next_run()
