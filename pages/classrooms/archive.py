"""Classes that are over: put away, listed, brought back; each of these with a way back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from backend.accounts.models import Viewer
from backend.classrooms.models import Classroom
from backend.kit.i18n import _, day_of, ngettext, number
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.widgets.elements import (
    ask,
    button_row,
    card,
    confirmed,
    empty_state,
    escape,
    notice_saved,
    pager,
    plain,
    section,
)

PAGE_SIZE = 10
SHOWN_FOR = timedelta(minutes=10)
_ASKED, _WANTED, _DONE = "class-archive", "class-archive-wanted", "class-archive-done"


def draw_archiving(classroom: Classroom, learners: int) -> None:
    """The card that puts a class away; it asks first and says what that means for whom."""
    with card("class-archive"):
        section(_("Archive this class"), _("For a class that is over. It can be brought back at any time."))
        if st.button(_("Archive …"), icon=":material/archive:", key="class-archive-ask"):
            st.session_state[_ASKED] = classroom.id
            title = _("Archive “{name}”?").format(name=classroom.name)
            ask(_ASKED, title, _what_it_means(learners), _("Archive"), icon="archive")


def _what_it_means(learners: int) -> str:
    kept = _("It leaves every list, and its join code stops working at once. Nothing is deleted.")
    if not learners:
        return kept
    words = ngettext(
        "{count} learner keeps all progress, and no longer sees this class or its leaderboard.",
        "{count} learners keep all progress, and no longer see this class or its leaderboard.",
        learners,
    )
    return f"{kept} {words.format(count=number(learners))}"


def carry_out() -> None:
    """Do what was agreed to or clicked, first of all: what is drawn afterwards is how it is by then."""
    classroom_id = st.session_state.get(_ASKED, "")
    if confirmed(_ASKED) and classroom_id:
        _archive(classroom_id)
    act, wanted = st.session_state.pop(_WANTED, ("", ""))
    if wanted:
        (_archive if act == "archive" else _bring_back)(wanted)


def draw_notice() -> None:
    """Show the notice of the last act, with a button that undoes it."""
    done: tuple[str, str, str, datetime] | None = st.session_state.get(_DONE)
    if done is None or services.backend().clock.now() - done[3] > SHOWN_FOR:
        return
    act, classroom_id, words, _at = done
    if notice_saved(words, "class-undo"):
        _want("back" if act == "archive" else "archive", classroom_id)
        st.rerun()


def archive_button(archived: Sequence[Classroom]) -> None:
    """Draw the button to the archived classes; nothing if there are none."""
    if not archived:
        return
    words = _("Archive: {count}").format(count=number(len(archived)))
    if st.button(plain(words), icon=":material/inventory_2:", key="class-archived", type="tertiary"):
        _open()


def _open() -> None:
    @st.dialog(_("Archived classes"), icon=":material/inventory_2:")
    def dialog() -> None:
        draw_archived(session.viewer("teacher", "admin"))

    dialog()


def draw_archived(viewer: Viewer) -> None:
    """All archived classes that the viewer may bring back, each with its button."""
    archived = services.backend().classrooms.archived(viewer)
    if not archived:
        empty_state(
            "inventory_2", _("The archive is empty"), _("Classes that you archive appear here."), key="archived"
        )
        return
    st.caption(_("A class comes back as it was: its learners, its join code, its leaderboard."))
    place = st.container(gap="small")
    page = pager(len(archived), PAGE_SIZE, "archived-classes-page") if len(archived) > PAGE_SIZE else 1
    with place:
        for classroom in archived[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
            _draw_one(classroom, viewer.time_zone)


def _draw_one(classroom: Classroom, zone: str) -> None:
    at = classroom.archived_at
    since = _("archived {day}").format(day=day_of(at, zone)) if at else ""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute",
        key=f"cp-archived-class-{classroom.id}",
    ):  # fmt: skip
        st.html(f'<strong>{escape(classroom.name)}</strong><p class="cp-note">{escape(since)}</p>', width="content")
        name = plain(_("Bring back {name}").format(name=classroom.name))
        if st.button(
            _("Bring back"), key=f"class-back-{classroom.id}", icon=":material/unarchive:", help=name, on_click=_want,
            args=("back", classroom.id),
        ):  # fmt: skip
            st.rerun()  # of the whole page: the list may stand in a dialog


def draw_missing(viewer: Viewer, classroom_id: str) -> bool:
    """Say that a linked class is archived, with a button to bring it back. False if it is not in the archive."""
    found = next((each for each in services.backend().classrooms.archived(viewer) if each.id == classroom_id), None)
    if found is None:
        return False
    st.info(
        plain(
            _("“{name}” is in the archive: nobody sees it, and its join code does not work.").format(name=found.name)
        ),
        icon=":material/inventory_2:",
    )
    with button_row("class-missing"):
        st.button(
            _("Bring back"), type="primary", key="class-back", icon=":material/unarchive:", on_click=_want,
            args=("back", found.id),
        )  # fmt: skip
        st.page_link("home.py", label=_("Go to my classes"), icon=":material/arrow_forward:")
    return True


def _want(act: str, classroom_id: str) -> None:
    st.session_state[_WANTED] = (act, classroom_id)


def _archive(classroom_id: str) -> None:
    viewer, classrooms = session.viewer("teacher", "admin"), services.backend().classrooms
    with noticed():
        # A double click ends the first run after the class is gone: the second must find it done, not fail.
        there = {each.id: each for each in (*classrooms.archived(viewer), *classrooms.classrooms(viewer))}
        found = there.get(classroom_id)
        if found is None or found.archived_at is None:
            found = classrooms.archive(viewer, classroom_id)
        st.query_params.clear()
        _note("archive", found.id, _("Archived: {name}").format(name=found.name))


def _bring_back(classroom_id: str) -> None:
    viewer, classrooms = session.viewer("teacher", "admin"), services.backend().classrooms
    with noticed():
        here = {each.id: each for each in classrooms.classrooms(viewer)}
        found = here.get(classroom_id) or classrooms.bring_back(viewer, classroom_id)
        st.query_params.from_dict({"id": found.id})
        _note("back", found.id, _("Brought back: {name}").format(name=found.name))


def _note(act: str, classroom_id: str, words: str) -> None:
    st.session_state[_DONE] = (act, classroom_id, words, services.backend().clock.now())
