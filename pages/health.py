"""Health of the running system, for administrators: what works, how fast, and how to fix what does not."""

import streamlit as st

from backend.errors import Unavailable
from backend.kit.i18n import _
from backend.operations.models import Health
from pages import _health_words as words
from pages import _session
from pages._health_details import draw_details
from pages._hour import hour, hour_twin
from pages._parts import as_of_html, figures_html, page_title, section_html
from pages._runs import refreshing
from pages._tables import table_html, twin_table

REFRESH_SECONDS = 5.0
CHARTS_SECONDS = 30.0


@refreshing(REFRESH_SECONDS)
def draw_health() -> None:
    """The checks and who is there: draws itself anew while the page is open."""
    viewer = _session.viewer("admin")
    health = _session.backend().operations.health(viewer)
    checks = words.verdict_html(health.state) + words.checks_html(health.checks)
    at = as_of_html(health.as_of, viewer.time_zone)
    st.html(f'<div class="cp-parts">{checks}{at}{_school_html(health)}</div>')


def _school_html(health: Health) -> str:
    return (
        section_html(_("Processes"), _("Each says every five seconds that it is there; silent for 15 s means gone."))
        + table_html(words.instances_table(health.instances))
        + section_html(_("This process"))
        + figures_html(words.process_figures(health))
        + section_html(_("The school"))
        + figures_html([*words.people_figures(health.counts), *words.work_figures(health.counts)])
    )


@refreshing(CHARTS_SECONDS)
def draw_hour() -> None:
    """Charts of the last hour, and their table."""
    viewer = _session.viewer("admin")
    try:
        history = _session.backend().operations.history(viewer)
    except Unavailable as error:  # the checks above say more, and must stay in sight
        st.info(error.message, icon=":material/monitoring:")
        return
    st.html(hour(history, viewer.time_zone))
    if history.points:
        twin_table(hour_twin(history, viewer.time_zone), key="hour")


_session.viewer("admin")
page_title(
    _("Health"), _("What works, how fast, and how to fix what does not. It refreshes itself."), icon="monitor_heart"
)
draw_health()
draw_hour()
draw_details()
