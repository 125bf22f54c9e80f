"""One's own mail address on the settings page: it is what one signs in with, so the password is asked for."""

import streamlit as st

from backend.kit.i18n import _, clock_time
from pages.accounts import profile_forms
from pages.shell import reauthentication, services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.widgets.elements import notice_saved

SAID = "settings.mail.said"


def mail_form() -> None:
    """Change the address; the form keeps what was typed while the password is asked for."""
    session.viewer()
    me = profile_forms.me()
    with profile_forms.form_card("mail", _("E-mail address"), _("You sign in with it.")):
        st.text_input(
            _("E-mail address"),
            value=me.email,
            type="email",
            autocomplete="email",
            key="new_mail",
        )
        sent = st.form_submit_button(_("Save address"))
        if said := st.session_state.pop(SAID, ""):
            notice_saved(said)
    if sent or reauthentication.given("mail"):  # outside: the question for the password is a form of its own
        with noticed():
            reauthentication.proven("mail", _save)


def _save() -> None:
    backend, viewer = services.backend(), session.viewer()
    before, asked = profile_forms.me().email, st.session_state["new_mail"]
    accounts = backend.accounts
    user = once(
        "mail", lambda: accounts.change_email(viewer, asked), *(before, asked), lost=lambda: accounts.me(viewer)
    )
    is_asked_by_letter = user.email == before and asked.strip().casefold() != before.casefold()
    at = clock_time(backend.clock.now(), viewer.time_zone)
    st.session_state[SAID] = (
        _("An e-mail is on its way to the new address. Open the link in it within a day.")
        if is_asked_by_letter
        else _("Saved {time}").format(time=at)
    )
    st.rerun(scope="app")
