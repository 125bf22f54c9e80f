"""One chapter: a student's own progress and history on it, its past-paper questions, and how others stand."""

import streamlit as st

from backend.accounts.models import Viewer
from backend.errors import NotFound
from backend.kit.i18n import _
from backend.progress.models import ChapterDetail
from pages.chapters import facts as chapter_facts
from pages.chapters.editable_rows import about, editable_rows
from pages.shell import live_updates, services, session
from pages.shell.navigation import tab_title
from pages.widgets.elements import card, empty_state, escape, page_header, section, title_html


@st.fragment
def _own(chapter_id: str) -> None:
    viewer = session.viewer("student")
    backend = services.backend()
    with card("own"):
        section(_("Your progress"))
        heard, key = live_updates.position(), f"chapter-{chapter_id}"
        (row,) = editable_rows(viewer, [chapter_id], key=key, single=True, follows=True) or (None,)
        live_updates.listen(live_updates.ME, key=key, after=heard)
        words = chapter_facts.average_words(backend.class_statistics.chapter_average(viewer, chapter_id))
        st.html(f'<p class="cp-note">{escape(words)}</p>')
    if row:
        chapter_facts.by_year(row)
    chapter_facts.history(viewer, backend.progress.history(viewer, chapter_id))


def _draw(viewer: Viewer, detail: ChapterDetail) -> None:
    chapter, facts = detail.row.chapter, chapter_facts
    st.set_page_config(page_title=tab_title(chapter.chapter))
    list_of = "chapters" if viewer.role == "student" else "manage-chapters"
    title = title_html(chapter.chapter, about(detail.row), "article", link=(list_of, _("All chapters"), "menu_book"))
    parts = title + facts.neighbours(detail) + facts.exam_figures(detail.row)
    st.html(f'<div class="cp-stack">{parts}</div>')
    if viewer.role == "student":
        _own(detail.row.chapter.id)
    else:
        chapter_facts.everyone(services.backend().statistics.chapter(viewer, detail.row.chapter.id))
        chapter_facts.by_year(detail.row)


def _unknown(viewer: Viewer) -> None:
    page_header(_("Chapter"), icon="article")
    page = "chapters/chapters.py" if viewer.role == "student" else "chapters/manage_chapters.py"
    empty_state(
        "search_off",
        _("There is no such chapter."),
        _("It may have left the syllabus, or the address is incomplete."),
        _("All chapters"),
        page=page,
    )


viewer = session.viewer()
try:
    found = services.backend().overview.chapter(viewer, st.query_params.get("id", ""))
except NotFound:
    _unknown(viewer)
else:
    _draw(viewer, found)
