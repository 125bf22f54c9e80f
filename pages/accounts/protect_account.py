"""The only page open to a person whose role needs a second factor and who has none yet."""

import streamlit as st

from backend.kit.i18n import _
from pages.accounts import second_factor
from pages.shell import session
from pages.shell.script_runs import fragment
from pages.widgets.elements import page_header

session.viewer()
st.session_state[second_factor.LED] = True
page_header(
    _("Protect your account"),
    _("Your school requires a second factor for your role, because you see the data of others. It takes a minute."),
    icon="shield_lock",
)
with st.container(width=640):
    fragment(second_factor.factor_card)()
