"""In the users' dialog: another role for a person, after a question that says what they gain and lose by it."""

from collections.abc import Mapping

import streamlit as st

from backend.accounts.models import ROLES, Role, User, Viewer
from backend.kit.i18n import _
from pages.accounts.user_sessions import SAID
from pages.shell import services
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.widgets.elements import button_row, plain

ASKED = "users.role"


def draw(user: User, viewer: Viewer, words: Mapping[Role, str]) -> None:
    """The choice, and the question before anything is changed."""
    with st.form(f"role-{user.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        now = ROLES.index(user.role)
        role = st.selectbox(_("Role"), ROLES, index=now, format_func=words.__getitem__, key=f"role-of-{user.id}")
        sent = st.form_submit_button(_("Change role"))
    if sent:
        st.session_state[ASKED] = (user.id, role)
    asked_of, wanted = st.session_state.get(ASKED, ("", user.role))
    if asked_of == user.id and wanted != user.role:
        _draw_question(user, wanted, viewer, words)


def _draw_question(user: User, role: Role, viewer: Viewer, words: Mapping[Role, str]) -> None:
    said = f"{_lost(user.role)} {_won(role)}".format(name=user.name)
    st.warning(plain(said), icon=":material/badge:")
    with button_row("role-question"):
        is_sure = st.button(_("Yes, change"), type="primary", key="role-yes")
        st.button(_("Cancel"), key="role-no", on_click=forget)
    if is_sure:
        with noticed():
            administration = services.backend().administration
            once("role", lambda: administration.set_role(viewer, user.id, role), user.id, role, lost=lambda: user)
            forget()
            st.session_state[SAID] = _("{name} is now: {role}").format(name=user.name, role=words[role])
            st.rerun(scope="fragment")


def forget() -> None:
    """Close the open question."""
    st.session_state.pop(ASKED, None)


def _lost(role: Role) -> str:
    return {
        "student": _("{name} no longer sees their own progress; it is kept."),
        "teacher": _("{name} no longer sees the classes they taught; they stay, and administrators can open them."),
        "admin": _("{name} no longer opens the pages of administrators."),
    }[role]


def _won(role: Role) -> str:
    return {
        "student": _("From their next click they record progress of their own, and join classes by their codes."),
        "teacher": _("From their next click they can make classes and see how each learner is doing."),
        "admin": _("From their next click they can see and change everybody's data."),
    }[role]
