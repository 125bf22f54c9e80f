"""The administrator's home: is everything well, who is here, and what to do next."""

import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _
from backend.operations.models import Health, OperationsCounts
from pages.operations import text as words
from pages.operations.overview import QUIET
from pages.shell import services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import as_of, metric_row, page_title, section

REFRESH_SECONDS = 15.0


def draw(viewer: Viewer) -> None:
    """The whole page."""
    greeting = _("Hello, {name}").format(name=viewer.name.split()[0])
    page_title(greeting, _("How your school is doing today."), icon="waving_hand")
    _draw_now()


@refreshing(REFRESH_SECONDS)
def _draw_now() -> None:
    viewer = session.viewer("admin")
    health = services.backend().operations.health(viewer)
    if health.counts:
        _draw_next_steps(health.counts)
    _draw_state(health)
    section(_("Your school"))
    metric_row(words.people_figures(health.counts))
    metric_row(words.work_figures(health.counts))
    as_of(health.as_of, viewer.time_zone)


def _draw_state(health: Health) -> None:
    """The verdict, and only those checks that want something or have something to tell."""
    wanting = [check for check in health.checks if check.state not in QUIET]
    below = words.checks_html(wanting, brief=True) if wanting else ""
    st.html(f'<div class="cp-parts">{words.verdict_html(health.state)}{below}</div>')
    st.page_link("operations/health.py", label=_("All checks, and how to fix them"), icon=":material/monitor_heart:")


def _draw_next_steps(counts: OperationsCounts) -> None:
    """Draw the first steps of a new school; nothing once they are done."""
    steps = _steps(counts)
    if not steps:
        return
    section(_("Next steps"))
    for page, icon, label, why in steps:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(page, label=label, icon=f":material/{icon}:")
            st.caption(why)


def _steps(counts: OperationsCounts) -> list[tuple[str, str, str, str]]:
    steps = []
    if not counts.teachers:
        why = _("You get a one-time link to pass on; with it the teacher sets a password.")
        steps.append(("accounts/users.py", "person_add", _("Add the first teacher"), why))
    if not counts.classrooms:
        why = _("A class has a join code, with which students create their own accounts.")
        steps.append(("classrooms/classroom.py", "meeting_room", _("Make the first class"), why))
    if counts.classrooms and not counts.students:
        why = _("Hand out the join code: students sign up with it on the sign-in page.")
        steps.append(("classrooms/classroom.py", "key", _("Invite students"), why))
    if not counts.progress:
        why = _("101 chapters of JEE Main are included; add your own as JSON, CSV or Excel.")
        steps.append(("chapters/manage_chapters.py", "upload_file", _("Browse the chapters"), why))
    return steps
