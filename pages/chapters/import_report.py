"""Importing a chapter file: first what it would do, row by row; then, on one more click, doing it."""

from dataclasses import dataclass, field

import msgspec
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend.chapters.models import (
    MAX_FILE_BYTES,
    MAX_ROWS,
    ImportOptions,
    ImportReport,
    NameQuestion,
    Outcome,
)
from backend.errors import Conflict
from backend.kit import deadline
from backend.kit.i18n import _, ngettext, number
from pages.chapters import imports
from pages.chapters.report_rows import draw_notes, draw_rows, outcome_words
from pages.shell import rate_limits, services, session, uploads
from pages.shell.errors import noticed
from pages.widgets.elements import KeyFigure, empty_state, escape, metric_row, pager, plain, section

PAGE_SIZE = 50
_OPEN = "import-open"


@dataclass
class OpenImport:
    """The file on the screen and what is known of it. Changed in place: a second click must find the first one's."""

    file_id: str
    name: str
    report: ImportReport | None = None
    options: ImportOptions = field(default_factory=ImportOptions)
    is_counted: bool = False  # as one import, however often its preview is made
    questions: dict[tuple[str, ...], NameQuestion] = field(default_factory=dict)  # answered ones too


def draw_import() -> None:
    """The whole part; the result stays until another file is chosen."""
    _introduction()
    viewer = session.viewer("teacher", "admin")
    file = uploads.uploader(viewer, _("Chapter file"), ["json", "csv", "xlsx"], "import-file")
    known: OpenImport | None = st.session_state.get(_OPEN)
    if file and (known is None or known.file_id != file.file_id):
        known = st.session_state[_OPEN] = OpenImport(file.file_id, file.name)
        st.session_state.pop("import-page", None)
    if known is None:
        empty_state(
            "upload_file",
            _("Nothing is written before you agree"),
            _("Choose a file: you see first what it would add, what it would change, and which rows cannot be read."),
        )
        imports.draw_imports()
        return
    if file and known.report is None:
        with noticed():
            _check(known, file)
    if known.report:
        _draw_report(known, known.report, file)
    imports.draw_imports()


def _introduction() -> None:
    section(
        _("Import chapters"),
        _("JSON in the published shape, CSV or XLSX, with subject, class, unit, chapter and a column for each year."),
    )
    own = _(
        "Status, solved questions and weak marks in a file belong to a person and are left out here. "
        "Students import theirs on their Chapters page, with “Bring your list”."
    )
    limits = _("Up to {size} MB and {rows} rows.").format(size=number(MAX_FILE_BYTES // 1024**2), rows=number(MAX_ROWS))
    st.html(f'<p class="cp-note">{escape(limits)} {escape(own)}</p>')


def _check(known: OpenImport, file: UploadedFile) -> None:
    viewer = session.viewer("teacher", "admin")
    if not known.is_counted:
        rate_limits.count_import(viewer)
        known.is_counted = True
    with st.spinner(_("Reading {name} …").format(name=plain(known.name))), deadline.lifted():
        known.report = services.backend().chapters.import_file(
            viewer, known.name, file.getvalue(), dry_run=True, options=known.options
        )
    known.questions |= {imports.place(each): each for each in known.report.questions}


def _ask(known: OpenImport, report: ImportReport) -> None:
    """Ask the questions before the import; a changed answer makes a new preview."""
    options = imports.draw_options(known.file_id, known.questions.values(), report.years_deleted)
    if options != known.options:
        known.options, known.report = options, None
        st.rerun()


def _draw_report(known: OpenImport, report: ImportReport, file: UploadedFile | None) -> None:
    count = report.added + report.updated
    if report.dry_run:
        section(_("Preview"), known.name)
        if file:
            _ask(known, report)
    elif report.state == "running" and report.import_id:
        section(_("It is running"), known.name)
        _follow(known, report, report.import_id)
    else:
        section(_("What was imported"), known.name)
        words = ngettext("{count} chapter written.", "{count} chapters written.", count).format(count=number(count))
        st.success(words, icon=":material/check_circle:")
    metric_row(_figures(report))
    if report.has_own_progress:
        st.info(
            _("This file holds somebody's own progress. It is left out here; nobody's progress is touched."),
            icon=":material/person:",
        )
    draw_notes(report)
    if report.dry_run and count and file:
        words = ngettext("Import {count} row", "Import {count} rows", count).format(count=number(count))
        if st.button(words, type="primary", icon=":material/upload:", key="import-go"):
            with noticed():
                _import(known, file)
    elif report.dry_run and not count:
        st.info(_nothing_words(report), icon=":material/info:")
    _draw_rows(report)


def _follow(known: OpenImport, report: ImportReport, import_id: str) -> None:
    state = services.backend().chapters.import_state(session.viewer("teacher", "admin"), import_id).state
    if state == "running":
        imports.draw_running(import_id)
    else:
        known.report = msgspec.structs.replace(report, state=state)
        st.rerun()


def _nothing_words(report: ImportReport) -> str:
    if report.failed:
        return _("There is nothing to import: no row fits. The reasons are below.")
    return _("There is nothing to import: the catalogue already has every chapter of this file.")


def _figures(report: ImportReport) -> list[KeyFigure]:
    return [
        KeyFigure(_("Added"), number(report.added), _("Chapters that are not in the catalogue yet.")),
        KeyFigure(_("Updated"), number(report.updated), _("Known chapters that differ in the file.")),
        KeyFigure(_("Unchanged"), number(report.unchanged), _("Chapters that need no change.")),
        KeyFigure(_("Failed"), number(report.failed), _("Rows that are left out; the reasons are below.")),
    ]


def _import(known: OpenImport, file: UploadedFile) -> None:
    if known.report is None or not known.report.dry_run:
        return
    viewer, chapters = session.viewer("teacher", "admin"), services.backend().chapters
    with st.spinner(_("Importing {name} …").format(name=plain(known.name))), deadline.lifted():
        try:
            known.report = chapters.import_file(
                viewer, known.name, file.getvalue(), dry_run=False, options=known.options, plan=known.report.plan
            )
        except Conflict as error:
            if error.code == "stale":
                known.report = None  # the next run makes a preview of what would be done now
            raise
    st.rerun()


def _draw_rows(report: ImportReport) -> None:
    kinds = [kind for kind in Outcome if any(row.outcome is kind for row in report.rows)]
    if not kinds:
        return
    order = sorted(kinds, key=lambda kind: kind is not Outcome.FAILED)
    chosen = st.segmented_control(
        _("Rows"), order, default=order[0], required=True, format_func=outcome_words, key="import-kind",
        on_change=lambda: st.session_state.pop("import-page", None),
    )  # fmt: skip
    rows = [row for row in report.rows if row.outcome is chosen]
    place = st.container()
    page = pager(len(rows), PAGE_SIZE, "import-page")
    with place:
        draw_rows(rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], _("Rows of the file"))
