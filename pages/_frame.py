"""The script that st.App runs: page settings, sign-in gate, navigation by role."""

import streamlit as st
from streamlit.navigation.page import Page

from backend.accounts.models import Viewer
from backend.errors import Unavailable
from backend.kit.i18n import _
from pages import _away, _demo_opening, _live, _navigation, _runs, _session, _settings_factor
from pages._parts import style
from pages._style import LOGO, MARK

st.set_page_config(page_title=_("Chapter Performance"), page_icon=MARK, layout="wide")
style()

if _session.settle():
    st.stop()


def _choose(viewer: Viewer | None) -> Page:
    if viewer is None:
        accounts = _session.backend().accounts
        is_first_visit = _demo_opening.is_running() or not accounts.has_users()
        return _navigation.for_guests(is_first_visit=is_first_visit, is_challenged=_session.is_challenged())
    if viewer.lacks_second_factor or _settings_factor.is_leaving():
        return _navigation.for_the_unprotected(viewer)
    st.logo(LOGO, size="large", icon_image=MARK)
    page = _navigation.for_viewer(viewer)
    _live.guard()
    _away.draw_line(viewer)
    return page


with _away.visit():
    try:
        page = _choose(_session.viewer_or_none())
    except Unavailable:
        page = _away.instead()
    st.set_page_config(page_title=_navigation.tab_title(page.title))
    _runs.run(page)
