"""Sign in with e-mail address and password; every page of the app leads here for a guest, and back again."""

import streamlit as st

from backend.kit.i18n import _
from pages.accounts import openid
from pages.demo import offer
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.guest_layout import entrance
from pages.widgets.elements import card


def draw_form() -> None:
    """The form. What was typed stays when it was wrong."""
    with card("sign-in"):
        with st.form("sign_in", border=False):
            email = st.text_input(_("E-mail address"), type="email", autocomplete="username", key="email")
            password = st.text_input(_("Password"), type="password", autocomplete="current-password", key="password")
            sent = st.form_submit_button(_("Sign in"), type="primary", width="stretch", icon=":material/login:")
        if sent:
            with noticed(), st.spinner(_("Signing you in …")):  # it may have to wait for its turn
                session.sign_in(email, password)
                st.rerun()


def draw_demo_school() -> None:
    """Known sign-ins, where this is a demo school."""
    sign_ins = services.backend().sign_in.demo_sign_ins()
    if not sign_ins:
        return
    offer.offer_to_finish()
    offer.offer_sign_ins(sign_ins)


with entrance(_("Sign in")):
    if session.failed_to_sign_in():
        st.error(_("Your browser could not be signed in. Please try once more."), icon=":material/error:")
    openid.take_arrivals()
    draw_form()
    openid.offer()
    st.page_link("accounts/sign_up.py", label=_("Have a join code? Create your account"), icon=":material/person_add:")
    st.caption(_("Forgotten your password? An administrator of your school can make you a one-time link."))
    draw_demo_school()
