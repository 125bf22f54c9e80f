"""Parts around the report of an import: questions before it, the progress bar of a large one, and its undo."""

from collections.abc import Iterable

import streamlit as st

from backend.chapters.models import CatalogueChange, ImportOptions, NameChoice, NameQuestion
from backend.kit.i18n import _, moment, ngettext, number
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.widgets.elements import card, escape, plain, section

_NOTICE = "import-undone"
_LATER, _NEW = "", "\x00new"  # options of a question beside the candidates: not answered yet, a new name
REFRESH_SECONDS = 1.0


def draw_options(file_id: str, questions: Iterable[NameQuestion], deletions: int) -> ImportOptions:
    """Ask about years that the file leaves out and names that resemble others; return the answers."""
    choices = tuple(choice for question in questions if (choice := _ask(file_id, question)))
    replace_years = st.checkbox(
        _("Delete the years that a row leaves out"),
        key=f"import-replace-{file_id}",
        help=_("Otherwise the years of the file are added to the known ones. A row without any year deletes none."),
    )
    if replace_years:
        said = ngettext("{count} year count will be deleted.", "{count} year counts will be deleted.", deletions)
        st.warning(said.format(count=number(deletions)), icon=":material/delete:")
    return ImportOptions(replace_years=replace_years, choices=choices)


def _ask(file_id: str, question: NameQuestion) -> NameChoice | None:
    rows = ngettext("{count} row", "{count} rows", question.rows).format(count=number(question.rows))
    label = _("Which {field} is “{value}” ({rows})?").format(
        field=_field_words(question), value=question.value, rows=rows
    )
    chosen = st.selectbox(
        plain(label), [_LATER, *question.candidates, _NEW], format_func=_answer_words,
        key="-".join(("import-name", file_id, *place(question))),
    )  # fmt: skip
    if chosen in (_LATER, None):
        return None
    same_as = None if chosen == _NEW else chosen
    return NameChoice(
        field=question.field,
        value=question.value,
        subject=question.subject,
        class_=question.class_,
        unit=question.unit,
        same_as=same_as,
    )


def place(question: NameQuestion) -> tuple[str, ...]:
    """Return what tells a question from every other of its file."""
    return question.field, question.subject, question.class_, question.unit, question.value


def _field_words(question: NameQuestion) -> str:
    if question.field == "unit":
        return _("unit of {subject}").format(subject=question.subject)
    if question.field == "chapter":
        return _("chapter of {unit} ({subject}, {class_name})").format(
            unit=question.unit, subject=question.subject, class_name=question.class_
        )
    return {"subject": _("subject"), "class": _("class")}[question.field]


def _answer_words(answer: str) -> str:
    if answer == _LATER:
        return _("Choose: its rows are left out until then")
    return _("It is a new one") if answer == _NEW else _("Same as {name}").format(name=answer)


def draw_running(import_id: str) -> None:
    """The bar of an import that goes on, also where somebody else or another process carries it out."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def bar() -> None:
        viewer = session.viewer("teacher", "admin")
        state = services.backend().chapters.import_state(viewer, import_id)
        if state.state != "running":
            st.rerun()
        words = _("{done} of {total} chapters written. It continues if you leave this page.")
        st.progress(state.share, words.format(done=number(state.done), total=number(state.total)))

    bar()


def draw_imports() -> None:
    """The latest imports, each with the way back."""
    viewer = session.viewer("teacher", "admin")
    found = services.backend().chapters.imports(viewer)
    if not found:
        return
    section(_("Latest imports"), _("An import can be undone as long as none of its chapters has been changed since."))
    if words := st.session_state.pop(_NOTICE, ""):
        st.success(plain(words), icon=":material/undo:")
    for change in found:
        _draw_one(change, viewer.time_zone)


def _draw_one(change: CatalogueChange, zone: str) -> None:
    with (
        card(f"import-{change.id}"),
        st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
    ):
        st.html(
            f"<strong>{escape(change.file_name)}</strong>"
            f'<p class="cp-note">{escape(moment(change.at, zone))} · {escape(_counts(change))}</p>',
            width="content",
        )
        if (
            change.state in ("done", "failed")
            and not change.undoes
            and st.button(_("Undo"), key=f"undo-{change.id}", icon=":material/undo:")
        ):
            _undo(change)


def _counts(change: CatalogueChange) -> str:
    kinds = {
        _("added"): change.added,
        _("updated"): change.updated,
        _("removed"): change.removed,
    }
    counts = ", ".join(f"{number(count)} {word}" for word, count in kinds.items() if count)
    states = {
        "running": _("under way"),
        "done": _("an earlier import undone") if change.undoes else "",
        "failed": change.message,
        "undone": _("undone"),
    }
    return " · ".join(part for part in (counts, states[change.state]) if part)


def _undo(change: CatalogueChange) -> None:
    with noticed():
        viewer, chapters = session.viewer("teacher", "admin"), services.backend().chapters
        once(
            "import-undo",
            lambda: chapters.undo_import(viewer, change.id),
            change.id,
            lost=lambda: chapters.import_state(viewer, change.id),
        )
        st.session_state[_NOTICE] = _("Undone: {name}").format(name=change.file_name)
        st.rerun()
