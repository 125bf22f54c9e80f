"""Password and sessions on the settings page."""

import re

import streamlit as st

from backend.accounts.models import SessionRecord, Viewer
from backend.kit.i18n import _, ago, clock_time, ngettext, number
from pages import _session
from pages._errors import noticed
from pages._parts import card, icon_code, notice_saved, section
from pages._runs import fragment
from pages._tables import Cell, Twin, static_table

ROUND = "settings.password.round"  # the fields of a form are emptied by giving them other keys
SAID = "settings.password.said"

# The first that fits names the program; the order matters, because most browsers also call themselves Chrome.
_PROGRAMS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"))


@fragment
def password_form() -> None:
    """Change the password; every other session ends with it."""
    turn = st.session_state.get(ROUND, 0)
    with card("password"):
        section(_("Password"), _("Changing it signs you out on every other device."))
        with st.form("password", border=False):
            current = st.text_input(
                _("Present password"), type="password", autocomplete="current-password", key=f"current-{turn}"
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
    backend, viewer = _session.backend(), _session.viewer()
    with noticed():
        backend.accounts.change_password(viewer, current, new)
        at = clock_time(backend.clock.now(), viewer.time_zone)
        st.session_state[SAID] = _("Password changed {time}").format(time=at)
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
        st.rerun(scope="app")  # the list of sessions is shorter now


@fragment
def session_list() -> None:
    """Where this person is signed in, and the way to end all of it but here."""
    viewer = _session.viewer()
    accounts = _session.backend().accounts
    with card("sessions"):
        section(_("Where you are signed in"))
        place = st.empty()
        if st.button(_("Sign out everywhere else"), key="sign_out_elsewhere", icon=icon_code("logout")):
            ended = accounts.sign_out_elsewhere(viewer)
            words = ngettext("{count} session ended", "{count} sessions ended", ended)
            notice_saved(words.format(count=number(ended)))
        rows = [_row(viewer, each) for each in accounts.sessions(viewer)]
        with place:
            static_table(Twin(_("Sessions, the last used first"), [_("Device"), _("Last used")], rows))


def _row(viewer: Viewer, session: SessionRecord) -> list[Cell | str]:
    note = _("This device") if session.id == viewer.session_id else ""
    kind = device_name(session.device) if session.kind == "browser" else _("Program")
    return [Cell(kind, note=note), ago(_session.backend().clock.now() - session.last_seen_at)]


def device_name(user_agent: str) -> str:
    """A browser's own description in two words: "Firefox, Windows"."""
    program = next((name for sign, name in _PROGRAMS if sign in user_agent), _("Browser"))
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    system = system or ("Linux" if re.search(r"Linux|X11", user_agent) else "")
    return f"{program}, {system}" if system else program
