"""Home by role."""

import streamlit as st

from pages import _session

viewer = _session.viewer()
st.title(viewer.name)
