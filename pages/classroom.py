"""A class as its teacher sees it: learners, chapters, weeks, and the way in."""

from collections.abc import Sequence

import streamlit as st

from backend.accounts.models import Viewer
from backend.classrooms.models import Classroom
from backend.errors import NotFound
from backend.kit.i18n import _
from pages import (
    _class_archive,
    _class_forms,
    _class_numbers,
    _class_weeks,
    _downloads,
    _join_code,
    _learners,
    _learners_file,
    _live,
    _matrix,
    _session,
)
from pages._parts import card, empty_state, filter_bar, page_header, section
from pages._pseudonyms import are_names_hidden, hide_names_toggle, shown_names
from pages._runs import refreshing

PARAMETER, LAST = "id", "class-last"


def _chosen(viewer: Viewer, classrooms: Sequence[Classroom]) -> Classroom:
    """The class that the address names, else the last one looked at. Raises NotFound for somebody else's."""
    named = st.query_params.get(PARAMETER)
    if named is None:
        last = st.session_state.get(LAST)
        named = last if last in {each.id for each in classrooms} else classrooms[0].id
        st.query_params[PARAMETER] = named
    found = _session.backend().classrooms.taught(viewer, named)
    st.session_state[LAST] = found.id
    return found


def _choose(classrooms: Sequence[Classroom], chosen: Classroom) -> None:
    names = {each.id: each.name for each in classrooms}
    st.session_state["class-choice"] = chosen.id
    st.selectbox(
        _("Class"), list(names), key="class-choice", format_func=names.__getitem__, on_change=_go, width=200,
    )  # fmt: skip


def _go() -> None:
    st.query_params.from_dict({PARAMETER: st.session_state["class-choice"]})


def _views() -> dict[str, str]:
    return {
        "learners": _("Learners"),
        "chapters": _("Chapter by chapter"),
        "weeks": _("Over time"),
        "numbers": _("Numbers"),
        "class": _("Code, name, archive"),
    }


def _download(viewer: Viewer, classroom: Classroom) -> None:
    """The file as it stands when it is fetched; that happens outside any run, where no session is at hand."""
    backend, is_hidden = _session.backend(), are_names_hidden()

    def content(reader: Viewer) -> bytes:
        report = backend.reports.export(reader, classroom.id)
        names = shown_names(((each.id, each.name) for each in report.learners), is_hidden=is_hidden)
        return _learners_file.to_csv(report, names, reader.time_zone)

    st.download_button(
        _("CSV"), _downloads.fetched(content),
        _learners_file.file_name(classroom.name, backend.progress.today(viewer)), "text/csv", key="class-csv",
        icon=":material/download:", on_click="ignore",
        help=_("The table of learners for a spreadsheet, with names hidden where they are hidden here."),
    )  # fmt: skip


def draw_class(viewer: Viewer, classrooms: Sequence[Classroom]) -> None:
    """The whole page of one class."""
    classroom = _join_code.renew_where_agreed(_chosen(viewer, classrooms))
    if _join_code.is_on_projector():
        _join_code.draw_projector(classroom)
        return
    heard = _live.position()
    report = _session.backend().reports.report(viewer, classroom.id)
    count = report.figures.learners
    actions = page_header(classroom.name, _("What you see here keeps itself up to date."), icon="groups")
    with actions:
        if count:
            hide_names_toggle()
            _download(viewer, classroom)
        _class_archive.archive_button(_session.backend().classrooms.archived(viewer))
        if st.button(_("New class"), icon=":material/group_add:", key="class-new"):
            _class_forms.create_dialog()
    _class_archive.draw_notice()
    if not count:
        _draw_bar(classrooms, classroom, [])
        _draw_without_learners(classroom)
        return
    view = _draw_bar(classrooms, classroom, list(_views()))
    if view == "chapters":
        _matrix.draw_matrix(classroom.id)
    elif view == "weeks":
        _class_weeks.draw_weeks(classroom.id)
    elif view == "numbers":
        _class_numbers.draw_numbers(classroom.id)
    elif view == "class":
        _draw_settings(classroom, count)
    else:
        _learners.draw_learners(classroom.id, [(report, heard)])


def _draw_bar(classrooms: Sequence[Classroom], classroom: Classroom, views: list[str]) -> str | None:
    if len(classrooms) <= 1:
        return _choose_view(views)
    with filter_bar("class"):
        _choose(classrooms, classroom)
        return _choose_view(views)


def _choose_view(views: list[str]) -> str | None:
    if not views:
        return None
    words = _views()
    return st.segmented_control(
        _("View"), views, default=views[0], required=True, key="class-view", format_func=words.__getitem__,
    )  # fmt: skip


@refreshing(_live.FALLBACK_SECONDS)
def _wait_for_learners(classroom_id: str) -> None:
    _live.listen(_live.classroom_room(classroom_id), key="first-learner")
    report = _session.backend().reports.report(_session.viewer("teacher", "admin"), classroom_id)
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
        _join_code.draw_card(classroom)
    with right:
        _class_forms.draw_rename(classroom)
        _class_archive.draw_archiving(classroom, learners)


def _draw_missing(viewer: Viewer, error: NotFound) -> None:
    page_header(_("Class"), icon="groups")
    if not _class_archive.draw_missing(viewer, st.query_params.get(PARAMETER, "")):
        hint = _("It may have been closed, or the link is not for you.")
        empty_state("search_off", error.message, hint, _("To my classes"), page="home.py")


viewer = _session.viewer("teacher", "admin")
_class_archive.carry_out()
classrooms = _session.backend().classrooms.classrooms(viewer)
if classrooms or PARAMETER in st.query_params:
    try:
        draw_class(viewer, classrooms)
    except NotFound as error:
        _draw_missing(viewer, error)
else:
    page_header(_("Class"), _("A class brings your learners together."), icon="groups")
    _class_archive.draw_notice()
    archived = _session.backend().classrooms.archived(viewer)
    with card("first-class"):
        title = _("Make a new class") if archived else _("Make your first class")
        section(title, _("It gets a join code, with which learners create their own accounts."))
        _class_forms.create_form("first")
    if archived:
        section(_("Archived classes"))
        _class_archive.draw_archived(viewer)
