"""The script that st.App runs: page settings, sign-in gate, navigation by role."""

import streamlit as st

from pages import _navigation, _session
from pages._parts import style

st.set_page_config(page_title="Chapter Performance", page_icon="pages/assets/mark.svg", layout="wide")
style()

if _session.settle():
    st.stop()

viewer = _session.viewer_or_none()
if viewer is None:
    page = _navigation.for_guests(is_first_visit=not _session.backend().accounts.has_users())
else:
    page = _navigation.for_viewer(viewer)
page.run()
