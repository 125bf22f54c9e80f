"""Long work on backups while it goes on: a bar that fills, and how it ended."""

from datetime import timedelta

import streamlit as st

from backend.backups.models import Task
from backend.kit.i18n import _, clock_time, moment, percent
from pages.backups import text as words
from pages.shell import services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import card, plain

REFRESH_SECONDS = 1.0
SEEN = "backups.seen"
SHOWN_FOR = timedelta(hours=1)


def draw_task(task: Task | None, zone: str) -> bool:
    """The work under way, or how the last one ended; True while one is under way."""
    if task is None:
        return False
    if task.state == "running":
        st.session_state.pop(SEEN, None)
        _draw_running()
        return True
    ended_at = task.ended_at or task.started_at
    is_news = services.backend().clock.now() - ended_at < SHOWN_FOR
    if is_news and st.session_state.get(SEEN) != task.id:
        _draw_ended(task, zone)
    return False


@refreshing(REFRESH_SECONDS)
def _draw_running() -> None:
    """Draws itself anew until the work has ended; then the whole page, which has changed."""
    viewer = session.viewer("admin")
    task = services.backend().backup_tasks.current(viewer)
    if task is None or task.state != "running":
        st.rerun(scope="app")
    with card("backup-task"):
        doing = f"{words.task_words(task)} · {percent(task.share)}"
        st.progress(task.share, text=plain(doing))
        part = words.collection_word(task.collection) if task.collection else _("Getting ready")
        since = _("since {time}").format(time=clock_time(task.started_at, viewer.time_zone, "medium"))
        who = _("You may leave this page; the work continues.") if task.asked_by else _("A scheduled job does it.")
        st.caption(plain(" · ".join((part, since, who))))


def _draw_ended(task: Task, zone: str) -> None:
    at = moment(task.ended_at or task.started_at, zone, "medium")
    said = f"{words.task_words(task)}, {at}: {task.message or _('Done')}"
    with st.container(horizontal=True, vertical_alignment="center", key="cp-backup-ended"):
        if task.state == "done":
            st.success(plain(said), icon=":material/check_circle:")
        else:
            st.error(plain(said), icon=":material/error:")
        st.button(
            _("Close"), key="backup-seen", icon=":material/close:", type="tertiary", on_click=_see, args=(task.id,)
        )


def _see(task_id: str) -> None:
    st.session_state[SEEN] = task_id
