"""Making a class and renaming it. Each form keeps what was typed until it is saved."""

import streamlit as st

from backend.classrooms.models import Classroom
from backend.kit.i18n import _
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import key_field, once
from pages.widgets.elements import card, notice_saved, section


def create_form(key: str) -> None:
    """A form that makes a class and leads to it."""
    with st.form(f"create-{key}", border=False):
        name = st.text_input(_("Name of the class"), key=f"create-{key}-name", placeholder=_("Class 12 A"))
        key_field(_act(key))
        sent = st.form_submit_button(_("Create class"), type="primary", icon=":material/add:")
    if sent:
        with noticed():
            made = _create(key, name)
            st.session_state["class-is-new"] = made.id
            st.switch_page("classrooms/classroom.py", query_params={"id": made.id})


def _create(key: str, name: str) -> Classroom:
    classrooms, viewer = services.backend().classrooms, session.viewer("teacher", "admin")

    def newest() -> Classroom:
        return max(classrooms.classrooms(viewer), key=lambda each: each.created_at)

    return once(_act(key), lambda: classrooms.create(viewer, name), name, lost=newest)


def _act(key: str) -> str:
    return f"create-class-{key}"


def create_dialog() -> None:
    """The same form over the page, for who has a class already."""

    @st.dialog(_("New class"), icon=":material/group_add:")
    def dialog() -> None:
        create_form("dialog")

    dialog()


def draw_rename(classroom: Classroom) -> None:
    """The name of a class, to be changed."""
    with card("class-name"):
        section(_("Name of the class"), _("Learners see it in their settings and on the leaderboard."))
        with st.form("rename", border=False):
            name = st.text_input(
                _("Name"), value=classroom.name, key=f"rename-{classroom.id}",
                label_visibility="collapsed",
            )  # fmt: skip
            sent = st.form_submit_button(_("Save name"))
        if sent:
            with noticed():
                services.backend().classrooms.rename(session.viewer("teacher", "admin"), classroom.id, name)
                st.session_state["class-renamed"] = classroom.id
                st.rerun()
        if st.session_state.pop("class-renamed", None) == classroom.id:
            notice_saved(_("Name saved"))
