"""Health of the running system, for administrators: what works, how fast, and how to fix what does not."""

import streamlit as st

from backend.kit.i18n import _
from pages import _session
from pages._health_details import draw_details
from pages._health_overview import HEALTH
from pages._parts import page_title
from pages._runs import refreshing

REFRESH_SECONDS = 5.0


@refreshing(REFRESH_SECONDS)
def draw_health() -> None:
    """The checks, who is there, and one kind of detail: draws itself anew while the page is open."""
    viewer = _session.viewer("admin")
    st.html(HEALTH.of(_session.backend().operations.health(viewer), viewer.time_zone))
    draw_details(viewer)


_session.viewer("admin")
page_title(
    _("Health"), _("What works, how fast, and how to fix what does not. It refreshes itself."), icon="monitor_heart"
)
draw_health()
