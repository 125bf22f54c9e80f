"""A class as its teacher sees it: learners, chapters, weeks, and the way in."""

from collections.abc import Sequence

import streamlit as st

from backend.accounts.models import Viewer
from backend.classrooms.models import Classroom
from backend.errors import NotFound
from backend.kit.i18n import _
from pages.classrooms import archive, forms, join_code, learner_csv, learner_table, matrix, statistics, weeks
from pages.classrooms.pseudonyms import are_names_hidden, hide_names_toggle, shown_names
from pages.shell import downloads, live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import card, empty_state, page_header, section

PARAMETER, LAST = "id", "class-last"


def _chosen(viewer: Viewer, classrooms: Sequence[Classroom]) -> Classroom:
    """The class that the address names, else the last one looked at. Raises NotFound for somebody else's."""
    named = st.query_params.get(PARAMETER)
    if named is None:
        last = st.session_state.get(LAST)
        named = last if last in {each.id for each in classrooms} else classrooms[0].id
        st.query_params[PARAMETER] = named
    found = services.backend().classrooms.taught(viewer, named)
    st.session_state[LAST] = found.id
    return found


def _choose(classrooms: Sequence[Classroom], chosen: Classroom) -> None:
    names = {each.id: each.name for each in classrooms}
    st.session_state["class-choice"] = chosen.id
    st.selectbox(
        _("Class"), list(names), key="class-choice", format_func=names.__getitem__, on_change=_go, width=180,
        label_visibility="collapsed",
    )  # fmt: skip


def _go() -> None:
    st.query_params.from_dict({PARAMETER: st.session_state["class-choice"]})


def _views() -> dict[str, str]:
    return {
        "learners": _("Learners"),
        "chapters": _("Chapters"),
        "weeks": _("Over time"),
        "numbers": _("Statistics"),
        "class": _("Settings"),
    }


def _download(viewer: Viewer, classroom: Classroom) -> None:
    """The file as it stands when it is fetched; that happens outside any run, where no session is at hand."""
    backend, is_hidden = services.backend(), are_names_hidden()

    def content(reader: Viewer) -> bytes:
        report = backend.reports.export(reader, classroom.id)
        names = shown_names(((each.id, each.name) for each in report.learners), is_hidden=is_hidden)
        return learner_csv.to_csv(report, names, reader.time_zone)

    st.download_button(
        _("CSV"), downloads.fetched(content),
        learner_csv.file_name(classroom.name, backend.progress.today(viewer)), "text/csv", key="class-csv",
        icon=":material/download:", on_click="ignore",
        help=_("The table of learners for a spreadsheet, with names hidden where they are hidden here."),
    )  # fmt: skip


def draw_class(viewer: Viewer, classrooms: Sequence[Classroom]) -> None:
    """The whole page of one class."""
    classroom = join_code.renew_where_agreed(_chosen(viewer, classrooms))
    if join_code.is_on_projector():
        join_code.draw_projector(classroom)
        return
    heard = live_updates.position()
    report = services.backend().reports.report(viewer, classroom.id)
    count = report.figures.learners
    actions = page_header(classroom.name, _("This page keeps itself up to date."), icon="groups")
    with actions:
        if len(classrooms) > 1:
            _choose(classrooms, classroom)
        if count:
            hide_names_toggle()
            _download(viewer, classroom)
        archive.archive_button(services.backend().classrooms.archived(viewer))
        if st.button(_("New class"), icon=":material/group_add:", key="class-new"):
            forms.create_dialog()
    archive.draw_notice()
    if not count:
        _draw_without_learners(classroom)
        return
    view = _choose_view()
    if view == "chapters":
        matrix.draw_matrix(classroom.id)
    elif view == "weeks":
        weeks.draw_weeks(classroom.id)
    elif view == "numbers":
        statistics.draw_numbers(classroom.id)
    elif view == "class":
        _draw_settings(classroom, count)
    else:
        learner_table.draw_learners(classroom.id, [(report, heard)])


def _choose_view() -> str | None:
    words = _views()
    return st.segmented_control(
        _("View"), list(words), default="learners", required=True, key="class-view", format_func=words.__getitem__,
        label_visibility="collapsed",
    )  # fmt: skip


@refreshing(live_updates.FALLBACK_SECONDS)
def _wait_for_learners(classroom_id: str) -> None:
    live_updates.listen(live_updates.classroom_room(classroom_id), key="first-learner")
    report = services.backend().reports.report(session.viewer("teacher", "admin"), classroom_id)
    if report.learners:
        st.rerun()


def _draw_without_learners(classroom: Classroom) -> None:
    _wait_for_learners(classroom.id)
    empty_state(
        "group_add",
        _("Nobody is in this class yet"),
        _("Write the code on the board or send the link. Learners create their own accounts and appear here."),
    )
    _draw_settings(classroom, 0)


def _draw_settings(classroom: Classroom, learners: int) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left:
        join_code.draw_card(classroom)
    with right:
        forms.draw_rename(classroom)
        archive.draw_archiving(classroom, learners)


def _draw_missing(viewer: Viewer, error: NotFound) -> None:
    page_header(_("Class"), icon="groups")
    if not archive.draw_missing(viewer, st.query_params.get(PARAMETER, "")):
        hint = _("It may have been closed, or the link is not for you.")
        empty_state("search_off", error.message, hint, _("Go to my classes"), page="home.py")


viewer = session.viewer("teacher", "admin")
archive.carry_out()
classrooms = services.backend().classrooms.classrooms(viewer)
if classrooms or PARAMETER in st.query_params:
    try:
        draw_class(viewer, classrooms)
    except NotFound as error:
        _draw_missing(viewer, error)
else:
    page_header(_("Class"), _("A class brings your learners together."), icon="groups")
    archive.draw_notice()
    archived = services.backend().classrooms.archived(viewer)
    with card("first-class"):
        title = _("Make a new class") if archived else _("Make your first class")
        section(title, _("It gets a join code, with which learners create their own accounts."))
        forms.create_form("first")
    if archived:
        section(_("Archived classes"))
        archive.draw_archived(viewer)
