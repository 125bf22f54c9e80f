"""Password and sessions on the settings page."""

import streamlit as st

from backend.kit.i18n import _, clock_time, ngettext, number
from pages.accounts.profile_forms import form_card
from pages.accounts.session_list import session_rows
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import nothing, once
from pages.widgets.elements import card, icon_code, notice_saved, section_html

ROUND = "settings.password.round"  # the fields of a form are emptied by giving them other keys
SAID = "settings.password.said"
ENDED = "settings.sessions.ended"


def password_form() -> None:
    """Change the password; every other session ends with it."""
    turn = st.session_state.get(ROUND, 0)
    with form_card("password", _("Password"), _("Changing it signs you out on every other device.")):
        current = st.text_input(
            _("Current password"), type="password", autocomplete="current-password", key=f"current-{turn}"
        )
        new = st.text_input(
            _("New password"),
            type="password",
            autocomplete="new-password",
            key=f"new-{turn}",
            help=_("At least 8 characters, and none of the most common passwords."),
        )
        sent = st.form_submit_button(_("Change password"))
        if sent:
            _change_password(current, new)
        said = st.session_state.pop(SAID, "")
        if said:
            notice_saved(said)


def _change_password(current: str, new: str) -> None:
    backend, viewer = services.backend(), session.viewer()
    with noticed():
        accounts = backend.accounts
        once("password", lambda: accounts.change_password(viewer, current, new), current, new, lost=nothing)
        at = clock_time(backend.clock.now(), viewer.time_zone)
        st.session_state[SAID] = _("Password changed {time}").format(time=at)
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
        st.rerun(scope="app")  # the list of sessions is shorter now


def session_list() -> None:
    """Draw this person's open sessions; each can be ended here, or all others at once."""
    viewer = session.viewer()
    accounts = services.backend().accounts
    with card("sessions"):
        title = _("Where you are signed in")
        above = section_html(title, _("Sign out any device that you do not know, and then change your password."))
        sessions = accounts.sessions(viewer)
        with noticed():
            if ended := session_rows(sessions, key="own", above=above):
                accounts.end_session(viewer, ended)
                st.session_state[ENDED] = 1
                st.rerun()
            others = len(sessions) > 1
            if others and st.button(_("Sign out everywhere else"), key="sign_out_elsewhere", icon=icon_code("logout")):
                st.session_state[ENDED] = accounts.sign_out_elsewhere(viewer)
                st.rerun()
        if count := st.session_state.pop(ENDED, 0):
            words = ngettext("{count} session ended", "{count} sessions ended", count)
            notice_saved(words.format(count=number(count)))
