"""Learners × chapters: one table that scrolls inside, headings in sight, and at its foot how many stand where."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import streamlit as st

from backend.chapters.models import OwnProgress
from backend.classrooms.models import Matrix, MatrixColumn
from backend.kit.i18n import _, number
from pages.classrooms.pseudonyms import place_of, shown_names
from pages.shell import live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import as_of, empty_state, filter_bar, pager
from pages.widgets.marks import mark, tone
from pages.widgets.style import escape, icon_html

COLUMNS = 60  # at once: a class of 60 has 3,600 cells then, some 100 kB
EVERY = ""  # no subject is called so
_LETTERS = {"Completed": "C", "In Progress": "P", "Not Started": "0"}
_NOTHING = "<td>–</td>"


@refreshing(live_updates.FALLBACK_SECONDS)
def draw_matrix(classroom_id: str) -> None:
    """The matrix of one subject, or of all."""
    viewer = session.viewer("teacher", "admin")
    live_updates.listen(live_updates.classroom_room(classroom_id), key="matrix")
    subjects = services.backend().overview.facets().subjects
    if not subjects:
        empty_state("menu_book", _("There are no chapters yet"), _("Add some, or import a chapter file."))
        return
    with filter_bar("matrix"):
        subject = st.selectbox(
            _("Subject"), [*subjects, EVERY], key="matrix-subject", format_func=_subject_words, width=200,
            filter_mode=None, persist_state="session",
        )  # fmt: skip
    key = f"matrix-page-{subject}"
    first = (st.session_state.get(key, 1) - 1) * COLUMNS
    part = slice(first, first + COLUMNS)
    matrix = services.backend().reports.matrix(viewer, classroom_id, None if subject == EVERY else subject, part)
    names = shown_names((row.id, row.name) for row in matrix.rows)
    order = sorted(matrix.rows, key=lambda row: place_of(names[row.id]))
    st.html(matrix_html(matrix, [(row.id, names[row.id], row.cells) for row in order]))
    if matrix.total > COLUMNS:
        pager(matrix.total, COLUMNS, key)
    as_of(matrix.as_of, viewer.time_zone)


def _subject_words(subject: str) -> str:
    return subject or _("All subjects")


def matrix_html(matrix: Matrix, rows: Sequence[tuple[str, str, Sequence[OwnProgress | None]]]) -> str:
    """The legend and the table; each row is given as (id, name shown, cells in the order of the columns)."""
    caption = _("{count} learners and {chapters} chapters").format(
        count=number(len(rows)), chapters=number(matrix.total)
    )
    head = "".join(f'<th scope="col"><span>{escape(column.chapter.chapter)}</span></th>' for column in matrix.columns)
    body = "".join(
        f'<tr><th scope="row">{_learner_html(matrix, each, name)}</th>{_cells_html(cells)}</tr>'
        for each, name, cells in rows
    )
    return (
        f'{_legend_html()}<div class="cp-table cp-matrix" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table><caption>{escape(caption)}</caption><thead><tr><th scope="col">{escape(_("Learner"))}</th>{head}</tr>'
        f"</thead><tbody>{body}</tbody><tfoot>{_foot_html(matrix.columns)}</tfoot></table></div>"
    )


def _learner_html(matrix: Matrix, learner_id: str, name: str) -> str:
    query = urlencode({"id": matrix.classroom.id, "learner": learner_id})
    return f'<a href="classroom?{escape(query)}">{escape(name)}</a>'


def _cells_html(cells: Sequence[OwnProgress | None]) -> str:
    return "".join(_NOTHING if cell is None else _cell_html(cell) for cell in cells)


def _cell_html(cell: OwnProgress) -> str:
    """As short as can be: a class of 60 has 3,600 of these on a page."""
    weak = "<i>W</i>" if cell.is_weak_chapter else ""
    return f"<td class=cp-{tone(cell.status)}>{_LETTERS[cell.status]}{weak}</td>"


def _foot_html(columns: Sequence[MatrixColumn]) -> str:
    counted: list[tuple[str, Callable[[MatrixColumn], int]]] = [
        (mark("Completed").word, lambda column: column.completed),
        (mark("In Progress").word, lambda column: column.in_progress),
        (mark("weak").word, lambda column: column.weak),
    ]
    return "".join(
        f'<tr><th scope="row">{escape(word)}</th>'
        + "".join(f"<td>{number(count(column))}</td>" for column in columns)
        + "</tr>"
        for word, count in counted
    )


def _legend_html() -> str:
    entries = "".join(
        f"<li><b class=cp-{tone(state)}>{letter}</b>{escape(mark(state).word)}</li>"
        for state, letter in _LETTERS.items()
    )
    weak = f"<li><b><i>W</i></b>{escape(mark('weak').word)}</li>"
    nothing = f"<li><b>–</b>{escape(_('never opened: no data'))}</li>"
    return f'<ul class="cp-legend">{icon_html("info")}{entries}{weak}{nothing}</ul>'
