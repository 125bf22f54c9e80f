"""Sign-up of a student with the join code of their class; a link with ?code=… fills the code in."""

import streamlit as st

from backend.accounts.models import User
from backend.errors import NotSignedIn
from backend.kit.i18n import _
from pages.shell import rate_limits, services, session
from pages.shell.errors import noticed
from pages.shell.guest_layout import account_fields, entrance
from pages.shell.idempotency import key_field, once
from pages.widgets.elements import card

CODE_LENGTH = 20


def draw_form() -> None:
    """The form. What was typed stays when something was wrong."""
    given = st.query_params.get("code", "")[:CODE_LENGTH]
    with card("sign-up"):
        with st.form("sign_up", border=False):
            code = st.text_input(
                _("Join code"),
                value=given,
                key=f"code-{given}",
                autocomplete="off",
                help=_("Your teacher has it. Capitals and dashes do not matter."),
            )
            name, email, password = account_fields()
            key_field("sign-up")
            sent = st.form_submit_button(_("Create account"), type="primary", width="stretch")
        if sent:
            with noticed():
                rate_limits.count_guest("sign-up")
                user = _begun(name, email, password, code)
                if user:
                    session.welcome(user, to="/")
                    st.rerun()
                st.success(
                    _("An e-mail is on its way to you. Open the link in it within a day to open your account."),
                    icon=":material/mail:",
                )


def _begun(name: str, email: str, password: str, code: str) -> User | None:
    """The new account; None where a letter asks first, which is not told from one that somebody has already."""
    backend = services.backend()

    def made() -> User | None:
        try:
            return backend.sign_in.authenticate(email, password)
        except NotSignedIn:
            return None

    return once(
        "sign-up",
        lambda: backend.registration.begin_sign_up(name=name, email=email, password=password, join_code=code),
        *(name, email, password, code),
        lost=made,
    )


def draw_privacy_notice() -> None:
    """Draw the notice that says which data of a student other people see."""
    lines = (
        _("The teachers of your class see your name, your progress on each chapter and when you last worked."),
        _("The administrator of the school sees your name and e-mail address."),
        _("Other students see nothing, unless you join a leaderboard: then your display name and points."),
        _("Nobody outside the school sees anything: no advertising, no tracking, no third parties."),
    )
    with st.expander(_("Who can see what about me?"), icon=":material/visibility:"):
        st.markdown("\n".join(f"- {line}" for line in lines))


with entrance(_("Join your class"), _("Create your account with the join code from your teacher.")):
    draw_form()
    draw_privacy_notice()
    st.page_link("accounts/sign_in.py", label=_("I have an account: sign in"), icon=":material/login:")
