"""A student's own list as a file: download and import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from uuid import uuid4

import streamlit as st

from backend.accounts.models import Viewer
from backend.chapters import export
from backend.chapters.models import Candidate, Chapter, ImportReport, ImportRow, Outcome, OwnProgress
from backend.kit import deadline
from backend.kit.i18n import _, ngettext, number
from backend.progress import own_list
from backend.progress.models import ChapterFilters
from pages.chapters.list_downloads import draw_downloads
from pages.chapters.report_rows import draw_notes, draw_rows, place
from pages.shell import downloads, rate_limits, services, session, uploads
from pages.shell.errors import noticed
from pages.widgets.elements import KeyFigure, button_row, escape, metric_row, notice_saved, plain, section

_REPORT = "chapters.own_list.report"
_SHOWN = 200
_ASKED = 50
Write = Callable[[list[Chapter], dict[str, OwnProgress]], bytes]


def actions(viewer: Viewer, filters: ChapterFilters) -> None:
    """The page's actions: download what the filters show, bring a list along."""
    draw_downloads(viewer, filters, _("The chapters that your filters show, with your progress."), key="own")
    if st.button(_("Bring your list"), icon=":material/upload_file:", key="bring"):
        st.session_state.pop(_REPORT, None)
        _bring()


def _bring() -> None:
    @st.dialog(_("Bring your own list"), width="medium", icon=":material/upload_file:", on_dismiss="rerun")
    def dialog() -> None:
        viewer = session.viewer("student")
        words = _("A list of chapters with your status, questions solved or weak marks: CSV, XLSX or JSON.")
        more = _("What it does not say stays as it is. You see first what it would change, before anything is saved.")
        st.html(f'<p class="cp-note">{escape(words)} {escape(more)}</p>')
        _templates(services.backend().progress.today(viewer))
        file = uploads.uploader(viewer, _("File"), ["csv", "tsv", "txt", "xlsx", "json"], "own-file")
        if file is None:
            return
        with noticed():
            _checked(viewer, file.name, file.getvalue())

    dialog()


def _templates(today: date) -> None:
    """Lists to fill in, with the viewer's chapters and what stands now."""
    with button_row("own-templates"):
        for label, ending, mime, write in (
            (_("Template (Excel)"), "xlsx", export.XLSX_TYPE, export.template_xlsx),
            (_("Template (CSV)"), "csv", "text/csv", export.template_csv),
        ):
            st.download_button(
                label,
                downloads.fetched(partial(_template, write)),
                export.file_name(ending, today, "my list"),
                mime,
                key=f"own-template-{ending}",
                on_click="ignore",
                icon=":material/download:",
            )


def _template(write: Write, viewer: Viewer) -> bytes:
    backend = services.backend()
    return write(list(backend.chapters.active()), dict(backend.progress.record(viewer.id).progress))


@dataclass
class OpenList:
    """The list in the dialog: what is known of it, and the key under which it is saved once."""

    mark: str
    report: ImportReport
    choices: dict[str, str]
    key: str
    doubtful: tuple[ImportRow, ...]


def _checked(viewer: Viewer, name: str, content: bytes) -> None:
    mark = sha256(name.encode() + content).hexdigest()
    known: OpenList | None = st.session_state.get(_REPORT)
    progress = services.backend().progress
    if not known or known.mark != mark:
        rate_limits.count_import(viewer)
        report = progress.take_over(viewer, name, content, dry_run=True)
        doubtful = tuple(row for row in report.rows if row.candidates)
        known = st.session_state[_REPORT] = OpenList(mark, report, {}, uuid4().hex, doubtful)
    if known.report.dry_run:
        choices = _chosen(known)
        if choices != known.choices:
            known.report = progress.take_over(viewer, name, content, dry_run=True, choices=choices)
            known.choices = choices
    count = known.report.added + known.report.updated
    above, slot = st.container(), st.empty()
    if known.report.dry_run and count:
        words = ngettext("Import {count} record", "Import {count} records", count)
        if slot.button(words.format(count=number(count)), type="primary", key="own-take-over"):
            with deadline.lifted():
                known.report = progress.take_over(
                    viewer, name, content, dry_run=False, key=known.key, choices=known.choices
                )
            count = known.report.added + known.report.updated
            slot.empty()
    with above:
        _show(known.report)
        _outcome(known.report, count)


def _chosen(known: OpenList) -> dict[str, str]:
    """Draw a select for each row that may mean several chapters; what was chosen by the row's `ref`."""
    if not known.doubtful:
        return {}
    section(_("Which chapter is meant?"), _("Rows for which you choose nothing are left out."))
    choices = {}
    for row in known.doubtful[:_ASKED]:
        options = {each.chapter_id: each for each in row.candidates}
        chosen = st.selectbox(
            plain(f"{place(row)}: “{row.chapter}”"),
            [*options, own_list.LEFT_OUT],
            index=None,
            format_func=partial(_option, options),
            placeholder=_("Choose a chapter"),
            key=f"own-choice-{known.mark[:12]}-{row.ref}",
        )
        if chosen is not None:
            choices[row.ref] = chosen
    if len(known.doubtful) > _ASKED:
        words = _("{count} more rows are uncertain. Write their chapters as the template does.")
        st.caption(words.format(count=number(len(known.doubtful) - _ASKED)))
    return choices


def _option(options: Mapping[str, Candidate], chapter_id: str) -> str:
    found = options.get(chapter_id)
    if not found:
        return _("None of these: leave the row out")
    return " · ".join((found.chapter, found.subject, found.class_, found.unit))


def _outcome(report: ImportReport, count: int) -> None:
    if report.dry_run and not count:
        st.info(_("There is nothing to import from this file."), icon=":material/info:")
    elif not report.dry_run:
        words = ngettext("{count} record imported.", "{count} records imported.", count)
        if notice_saved(words.format(count=number(count)), "own-undo" if report.batch_id else None):
            with noticed(), deadline.lifted():
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
            KeyFigure(_("Unchanged"), number(report.unchanged), _("Chapters that need no change.")),
            KeyFigure(_("Failed"), number(report.failed), _("Rows that are left out; the reasons are below.")),
        ]
    )
    draw_notes(report)
    telling = sorted(
        (row for row in report.rows if row.outcome is not Outcome.UNCHANGED or row.reason),
        key=lambda row: (row.outcome is not Outcome.FAILED, row.outcome is Outcome.UNCHANGED),
    )
    draw_rows(telling[:_SHOWN], _("Rows of the file that matter, failed ones first"))
    if len(telling) > _SHOWN:
        words = _("The first {shown} of {count} rows are shown.")
        st.caption(words.format(shown=number(_SHOWN), count=number(len(telling))))
