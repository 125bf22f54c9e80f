"""A student's own list as a file: taking it along, and bringing one that was kept elsewhere."""

from collections.abc import Callable
from datetime import date
from hashlib import sha256
from uuid import uuid4

import msgspec
import streamlit as st

from backend.accounts.models import Viewer
from backend.chapters import export
from backend.chapters.models import Chapter, ImportReport, Outcome, OwnProgress
from backend.kit.i18n import _, ngettext, number
from backend.progress.models import ChapterFilters
from pages.shell import downloads, rate_limits, services, session
from pages.shell.errors import noticed
from pages.widgets.elements import KeyFigure, escape, metric_row, notice_saved, plain
from pages.widgets.tables import Column, Twin, Value, static_table

_REPORT = "chapters.own_list.report"
_SHOWN = 200
Write = Callable[[list[Chapter], dict[str, OwnProgress]], bytes]


def actions(viewer: Viewer, filters: ChapterFilters) -> None:
    """The page's actions: download what the filters show, bring a list along."""
    with st.popover(_("Download"), icon=":material/download:", key="own-downloads", on_change="rerun") as popover:
        if popover.open:
            st.html(f'<p class="cp-note">{escape(_("The chapters that your filters show, with your progress."))}</p>')
            today = services.backend().progress.today(viewer)
            _download(_("CSV for spreadsheets"), "csv", "text/csv", export.to_csv, filters, today)
            _download(_("Excel workbook"), "xlsx", _XLSX, export.to_xlsx, filters, today)
            _download(_("JSON for programs"), "json", "application/json", export.to_json, filters, today)
    if st.button(_("Bring your list"), icon=":material/upload_file:", key="bring"):
        st.session_state.pop(_REPORT, None)
        _bring()


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _download(label: str, ending: str, mime: str, write: Write, filters: ChapterFilters, today: date) -> None:
    overview = services.backend().overview

    def content(viewer: Viewer) -> bytes:
        page = overview.chapters(viewer, msgspec.structs.replace(filters, limit=200, page=1))
        rows = list(page.rows)
        while page.next_cursor:
            page = overview.chapters(viewer, msgspec.structs.replace(filters, limit=200, after=page.next_cursor))
            rows += page.rows
        return write([row.chapter for row in rows], {row.chapter.id: row.own for row in rows if row.own})

    st.download_button(
        label,
        downloads.fetched(content),
        export.file_name(ending, today, _file_about(filters)),
        mime,
        key=f"download-{ending}",
        on_click="ignore",
        width="stretch",
    )


def _file_about(filters: ChapterFilters) -> str:
    return " ".join(word for word in (filters.subject, filters.class_, filters.unit) if word)


def _bring() -> None:
    @st.dialog(_("Bring your own list"), width="medium", icon=":material/upload_file:")
    def dialog() -> None:
        viewer = session.viewer("student")
        words = _("A chapter file with your status, questions solved and weak marks: CSV, XLSX or JSON.")
        more = _("You see first what it would change; nothing is saved before you agree.")
        st.html(f'<p class="cp-note">{escape(words)} {escape(more)}</p>')
        file = st.file_uploader(_("File"), type=["csv", "xlsx", "json"], key="own-file")
        if file is None:
            return
        with noticed():
            _checked(viewer, file.name, file.getvalue())

    dialog()


def _checked(viewer: Viewer, name: str, content: bytes) -> None:
    mark = sha256(name.encode() + content).hexdigest()
    known = st.session_state.get(_REPORT)
    if not known or known[0] != mark:
        rate_limits.count_import(viewer)
        report = services.backend().progress.take_over(viewer, name, content, dry_run=True)
        known = st.session_state[_REPORT] = (mark, report, uuid4().hex)
    _mark, report, key = known
    place, slot = st.container(), st.empty()
    count = report.added + report.updated
    if report.dry_run and count:
        words = ngettext("Take over {count} record", "Take over {count} records", count)
        if slot.button(words.format(count=number(count)), type="primary", key="own-take-over"):
            report = services.backend().progress.take_over(viewer, name, content, dry_run=False, key=key)
            st.session_state[_REPORT] = (mark, report, key)
            slot.empty()
    with place:
        _show(report)
        _outcome(report, count)


def _outcome(report: ImportReport, count: int) -> None:
    if report.dry_run and not count:
        st.info(_("There is nothing to take over from this file."), icon=":material/info:")
    elif not report.dry_run:
        words = ngettext("{count} record taken over.", "{count} records taken over.", count)
        if notice_saved(words.format(count=number(count)), "own-undo" if report.batch_id else None):
            with noticed():
                services.backend().progress.undo(session.viewer("student"), str(report.batch_id))
                st.session_state.pop(_REPORT, None)
                st.rerun()
        if st.button(_("Back to the chapters"), type="primary", key="own-done"):
            st.rerun()


def _show(report: ImportReport) -> None:
    metric_row(
        [
            KeyFigure(_("Added"), number(report.added), _("Chapters on which you have no progress yet.")),
            KeyFigure(_("Updated"), number(report.updated), _("Chapters whose progress the file would change.")),
            KeyFigure(_("Unchanged"), number(report.unchanged), _("Chapters that stand so already.")),
            KeyFigure(_("Failed"), number(report.failed), _("Rows that are left out, with the reason below.")),
        ]
    )
    if report.ignored_fields:
        fields = ", ".join(report.ignored_fields[:10])
        st.caption(plain(_("Fields that say nothing to us and are left out: {names}").format(names=fields)))
    telling = sorted(
        (row for row in report.rows if row.outcome is not Outcome.UNCHANGED),
        key=lambda row: (row.outcome is not Outcome.FAILED, row.row),
    )
    words = {Outcome.ADDED: _("Added"), Outcome.UPDATED: _("Updated"), Outcome.FAILED: _("Failed")}
    shown = telling[:_SHOWN]
    rows: list[list[Value]] = [[number(row.row), words[row.outcome], row.chapter or "–", row.reason] for row in shown]
    if rows:
        columns: list[Column | str] = [_("Row"), _("Outcome"), _("Chapter"), _("Reason")]
        static_table(Twin(_("Rows of the file that matter, failed ones first"), columns, rows))
