"""A chapter list as a file: what the filters show, as CSV, Excel or JSON."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from backend.accounts.models import Viewer
from backend.chapters import export
from backend.chapters.models import Chapter
from backend.kit.i18n import _
from backend.progress.models import ChapterFilters
from pages.shell import downloads, services
from pages.widgets.elements import escape

Write = Callable[[list[Chapter], export.Own], bytes]


def draw_downloads(viewer: Viewer, filters: ChapterFilters, note: str, *, key: str) -> None:
    """Offer the chapters that fit `filters`, with a student's own progress beside them. `note` says what is in it."""
    with st.popover(_("Download"), icon=":material/download:", key=f"{key}-downloads", on_change="rerun") as popover:
        if popover.open:
            st.html(f'<p class="cp-note">{escape(note)}</p>')
            today = services.backend().progress.today(viewer)
            for label, ending, mime, write in (
                (_("CSV for spreadsheets"), "csv", "text/csv", export.to_csv),
                (_("Excel workbook"), "xlsx", export.XLSX_TYPE, export.to_xlsx),
                (_("JSON for programs"), "json", "application/json", export.to_json),
            ):
                _download(label, ending, mime, write, filters, today, key)


def _download(label: str, ending: str, mime: str, write: Write, filters: ChapterFilters, today: date, key: str) -> None:
    def content(reader: Viewer) -> bytes:
        rows = services.backend().overview.rows_that_fit(reader, filters)
        own = {row.chapter.id: row.own for row in rows if row.own} if reader.role == "student" else None
        return write([row.chapter for row in rows], own)

    about = " ".join(word for word in (filters.subject, filters.class_, filters.unit) if word)
    st.download_button(
        label,
        downloads.fetched(content),
        export.file_name(ending, today, about),
        mime,
        key=f"{key}-{ending}",
        on_click="ignore",
        width="stretch",
    )
