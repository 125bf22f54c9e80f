"""The second step of signing in: a code of the authenticator app, or a recovery code."""

import streamlit as st

from backend.kit.i18n import _
from pages import _proof, _session
from pages._entrance import entrance
from pages._errors import noticed
from pages._parts import button_row, card


def draw_form() -> None:
    """The field for the code, and the way back."""
    with card("second-step"):
        with st.form("second_step", border=False):
            code = _proof.code_field("second-code", label=_("Code"))
            sent = st.form_submit_button(_("Continue"), type="primary", width="stretch", icon=":material/login:")
        if sent:
            with noticed():
                _session.answer_challenge(code)
                st.rerun()


with entrance(_("One more step"), _("Enter the code that your authenticator app shows for this school.")):
    draw_form()
    st.caption(_("Without your phone, use one of your recovery codes. Without these, ask your administrator."))
    with button_row("second-step"):
        if st.button(_("Back to signing in"), key="second-back", type="tertiary", icon=":material/arrow_back:"):
            _session.drop_challenge()
            st.rerun()
