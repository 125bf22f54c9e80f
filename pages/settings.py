"""One's own settings. Each form saves by itself; what is typed in the others stays."""

import streamlit as st

from backend.kit.i18n import _
from pages import _session, _settings_factor, _settings_forms, _settings_mail, _settings_rights, _settings_safety
from pages._parts import page_title

viewer = _session.viewer()
page_title(_("Settings"), icon="settings")
left, right = st.columns(2, gap="medium")
with _settings_forms.read_once():
    with left:
        _settings_forms.name_form()
        if viewer.role == "student":
            _settings_forms.goal_form()
            _settings_forms.board_form()
        _settings_mail.mail_form()
        _settings_safety.password_form()
    with right:
        if viewer.role == "student":
            _settings_forms.classes_form()
        _settings_forms.day_form()
        _settings_factor.factor_card()
        _settings_safety.session_list()
        _settings_rights.rights_card()
