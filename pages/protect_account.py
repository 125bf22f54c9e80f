"""Where somebody is led whose role needs a second factor and who has none yet: nothing else opens before."""

import streamlit as st

from backend.kit.i18n import _
from pages import _session, _settings_factor
from pages._parts import page_header
from pages._runs import fragment

_session.viewer()
st.session_state[_settings_factor.LED] = True
page_header(
    _("Protect your account"),
    _("Your school wants a second factor of your role, because you see the data of others. It takes a minute."),
    icon="shield_lock",
)
with st.container(width=640):
    fragment(_settings_factor.factor_card)()
