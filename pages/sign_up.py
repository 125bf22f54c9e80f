"""Being built."""

import streamlit as st

st.title("sign_up")
