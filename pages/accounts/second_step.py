"""The second step of signing in: a code of the authenticator app, or a recovery code."""

import streamlit as st

from backend.kit.i18n import _
from pages.shell import reauthentication, session
from pages.shell.errors import noticed
from pages.shell.guest_layout import entrance
from pages.widgets.elements import button_row, card


def draw_form() -> None:
    """The field for the code, and the way back."""
    with card("second-step"):
        with st.form("second_step", border=False):
            code = reauthentication.code_field("second-code", label=_("Code"))
            sent = st.form_submit_button(_("Continue"), type="primary", width="stretch", icon=":material/login:")
        if sent:
            with noticed():
                session.answer_challenge(code)
                st.rerun()


with entrance(_("One more step"), _("Enter the code that your authenticator app shows for this school.")):
    draw_form()
    st.caption(_("Without your phone, use one of your recovery codes. Without these, ask your administrator."))
    with button_row("second-step"):
        if st.button(_("Back to sign-in"), key="second-back", type="tertiary", icon=":material/arrow_back:"):
            session.drop_challenge()
            st.rerun()
