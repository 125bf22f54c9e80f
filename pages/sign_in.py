"""Sign in with e-mail address and password."""

import streamlit as st

from backend.kit.i18n import _
from pages import _session
from pages._errors import noticed

_left, middle, _right = st.columns([1, 1.4, 1])
with middle:
    st.title(_("Sign in"))
    with st.form("sign_in", enter_to_submit=True):
        email = st.text_input(_("E-mail address"), autocomplete="username", key="email")
        password = st.text_input(_("Password"), type="password", autocomplete="current-password", key="password")
        sent = st.form_submit_button(_("Sign in"), type="primary", width="stretch")
    if sent:
        with noticed():
            _session.sign_in(email, password)
            st.rerun()
    st.page_link("sign_up.py", label=_("Have a join code? Create your account"), icon=":material/person_add:")
