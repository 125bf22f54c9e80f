"""The script that st.App runs: page settings, sign-in gate, navigation by role."""

import streamlit as st
from streamlit.navigation.page import Page

from backend.accounts.models import Viewer
from backend.errors import Unavailable
from backend.kit.i18n import _
from pages.accounts import second_factor
from pages.demo import opening
from pages.shell import live_updates, navigation, outage, page_change, script_runs, services, session, uploads
from pages.widgets.elements import style
from pages.widgets.style import LOGO, MARK

st.set_page_config(page_title=_("Chapter Performance"), page_icon=MARK, layout="wide")
style()

if session.settle():
    uploads.let_go()
    st.stop()


def _choose(viewer: Viewer | None) -> Page:
    if viewer is None:
        is_first_visit = opening.is_running() or not services.backend().registration.has_users()
        return navigation.for_guests(is_first_visit=is_first_visit, is_challenged=session.is_challenged())
    if viewer.lacks_second_factor or second_factor.is_leaving():
        return navigation.for_the_unprotected(viewer)
    st.logo(LOGO, size="large", icon_image=MARK)
    page = navigation.for_viewer(viewer)
    live_updates.guard()
    outage.draw_line(viewer)
    return page


with outage.visit():
    try:
        page = _choose(session.viewer_or_none())
    except Unavailable:
        page = outage.instead()
    st.set_page_config(page_title=navigation.tab_title(page.title))
    page_change.announce(page.title)
    script_runs.run(page)
