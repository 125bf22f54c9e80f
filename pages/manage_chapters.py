"""Being built."""

import streamlit as st

st.title("manage_chapters")
