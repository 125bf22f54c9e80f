"""Being built."""

import streamlit as st

st.title("reset_password")
