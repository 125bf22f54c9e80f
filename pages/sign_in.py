"""Sign in with e-mail address and password; every page of the app leads here for a guest, and back again."""

import streamlit as st

from backend.kit.i18n import _
from pages import _demo_school, _provider, _session
from pages._entrance import entrance
from pages._errors import noticed
from pages._parts import card


def draw_form() -> None:
    """The form. What was typed stays when it was wrong."""
    with card("sign-in"):
        with st.form("sign_in", border=False):
            email = st.text_input(_("E-mail address"), type="email", autocomplete="username", key="email")
            password = st.text_input(_("Password"), type="password", autocomplete="current-password", key="password")
            sent = st.form_submit_button(_("Sign in"), type="primary", width="stretch", icon=":material/login:")
        if sent:
            with noticed():
                _session.sign_in(email, password)
                st.rerun()


def draw_demo_school() -> None:
    """Known sign-ins, where this is a demo school."""
    sign_ins = _session.backend().accounts.demo_sign_ins()
    if not sign_ins:
        return
    _demo_school.offer_to_finish()
    _demo_school.offer_sign_ins(sign_ins)


with entrance(_("Sign in")):
    if _session.failed_to_sign_in():
        st.error(_("Your browser could not be signed in. Please try once more."), icon=":material/error:")
    _provider.take_arrivals()
    draw_form()
    _provider.offer()
    st.page_link("sign_up.py", label=_("Have a join code? Create your account"), icon=":material/person_add:")
    st.caption(_("Forgotten your password? Ask your teacher or administrator for a one-time link."))
    draw_demo_school()
