"""In the users' dialog: a person's sessions, buttons to end them, and the reset of their second factor."""

import streamlit as st

from backend.accounts.models import User, Viewer
from backend.kit.i18n import _, ngettext, number
from pages.accounts.session_list import session_rows
from pages.shell import services
from pages.shell.errors import noticed
from pages.widgets.elements import button_row, icon_code, plain, section

SAID, RESETS = "users.said", "users.resets"


def draw(user: User, viewer: Viewer) -> None:
    """Draw the person's sessions with an administrator's actions on them."""
    administration = services.backend().administration
    sessions = administration.sessions(viewer, user.id)
    count = ngettext("Signed in on {count} device", "Signed in on {count} devices", len(sessions))
    section(count.format(count=number(len(sessions))) if sessions else _("Not signed in anywhere"))
    with noticed():
        if ended := session_rows(sessions, key="theirs"):
            administration.end_session(viewer, ended)
            st.session_state[SAID] = _("The session has ended")
            st.rerun(scope="fragment")
        with button_row("sign-ins"):
            ends_all = bool(sessions) and st.button(
                _("Sign out everywhere"), key="end_sessions", icon=icon_code("logout")
            )
            resets = user.second_factor_at and st.button(
                _("Reset second factor"), key="reset_factor", icon=icon_code("lock_reset")
            )
        if ends_all:
            ended_count = administration.end_sessions(viewer, user.id)
            words = ngettext("{count} session ended", "{count} sessions ended", ended_count)
            st.session_state[SAID] = words.format(count=number(ended_count))
            st.rerun(scope="fragment")
        if resets:
            st.session_state[RESETS] = user.id
        if st.session_state.get(RESETS) == user.id and user.second_factor_at:
            _draw_question(user, viewer)


def _draw_question(user: User, viewer: Viewer) -> None:
    words = _("{name} is signed out everywhere, and needs only the password until they set up another one.")
    st.warning(plain(words.format(name=user.name)), icon=":material/lock_reset:")
    with button_row("reset-question"):
        is_sure = st.button(_("Yes, reset"), type="primary", key="reset-yes")
        st.button(_("Cancel"), key="reset-no", on_click=lambda: st.session_state.pop(RESETS, None))
    if is_sure:
        st.session_state.pop(RESETS, None)
        services.backend().administration.reset_second_factor(viewer, user.id)
        st.session_state[SAID] = _("{name} has no second factor any more").format(name=user.name)
        st.rerun(scope="fragment")
