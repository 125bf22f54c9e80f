"""Health of the running system, for administrators: what works, how fast, and how to fix what does not."""

import streamlit as st

from backend.kit.i18n import _
from pages.operations.details import draw_details
from pages.operations.overview import HEALTH, QUIET_CHECKS
from pages.shell import services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import page_title

REFRESH_SECONDS = 5.0


@refreshing(REFRESH_SECONDS)
def draw_health() -> None:
    """The checks, who is there, and one kind of detail: draws itself anew while the page is open."""
    viewer = session.viewer("admin")
    health = services.backend().operations.health(viewer)
    st.html(HEALTH.get(health, viewer.time_zone))
    draw_details(viewer)
    if quiet := QUIET_CHECKS.get(health, viewer.time_zone):
        st.html(quiet)


session.viewer("admin")
page_title(
    _("Health"), _("What works, how fast, and how to fix what does not. It refreshes itself."), icon="monitor_heart"
)
draw_health()
