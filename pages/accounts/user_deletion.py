"""The deletion of somebody's account, for administrators: asked for (for a parent), called off, listed."""

import streamlit as st

from backend.accounts.models import User, Viewer
from backend.kit.i18n import _, day_of, ngettext, number
from backend.rights.models import Deletion
from pages.shell import services
from pages.shell.errors import noticed
from pages.shell.idempotency import nothing, once
from pages.widgets.elements import button_row, plain
from pages.widgets.tables import Cell, Twin, Value, static_table

ASKED = "users.deletion.asked"


def draw(user: User, viewer: Viewer) -> None:
    """Draw in a person's dialog whether their account will be deleted, and the request for it."""
    found = next(
        (each for each in services.backend().rights.open_requests(viewer) if each.deletion.id == user.id), None
    )
    if found:
        _draw_standing(found.deletion, viewer)
    elif st.button(_("Delete this account …"), icon=":material/delete:", type="tertiary", key="delete-person"):
        st.session_state[ASKED] = user.id
    if not found and st.session_state.get(ASKED) == user.id:
        _draw_question(user, viewer)


def draw_open(viewer: Viewer) -> None:
    """All deletions that stand, above the list of people; nothing where there are none."""
    found = services.backend().rights.open_requests(viewer)
    if not found:
        return
    words = ngettext("{count} account will be deleted", "{count} accounts will be deleted", len(found))
    with st.expander(words.format(count=number(len(found))), icon=":material/auto_delete:"):
        zone = viewer.time_zone
        rows: list[list[Value]] = [[Cell(each.name, note=each.email), _when(each.deletion, zone)] for each in found]
        static_table(Twin(_("Open it in the list to cancel the deletion"), [_("Name"), _("Deleted on")], rows))


def _when(deletion: Deletion, zone: str) -> str:
    return _("being deleted") if deletion.closed_at else day_of(deletion.due_at, zone, "long")


def _draw_standing(deletion: Deletion, viewer: Viewer) -> None:
    words = _("This account and everything about it will be deleted on {day}.")
    st.warning(words.format(day=day_of(deletion.due_at, viewer.time_zone, "long")), icon=":material/auto_delete:")
    if deletion.closed_at is None and st.button(_("Cancel the deletion"), key="keep-person"):
        with noticed():
            rights = services.backend().rights
            once("deletion", lambda: rights.cancel_for(viewer, deletion.id), "cancel", deletion.id, lost=nothing)
            st.rerun(scope="fragment")


def _draw_question(user: User, viewer: Viewer) -> None:
    count = services.backend().settings.deletion_grace_days
    words = ngettext(
        "In {count} day the account of {name} and everything about it is deleted for good.",
        "In {count} days the account of {name} and everything about it is deleted for good.",
        count,
    )
    st.warning(plain(words.format(count=number(count), name=user.name)), icon=":material/delete:")
    with button_row("delete-person-question"):
        is_sure = st.button(_("Yes, delete it"), type="primary", key="delete-person-yes")
        st.button(_("Cancel"), key="delete-person-no", on_click=lambda: st.session_state.pop(ASKED, None))
    if is_sure:
        with noticed():
            rights = services.backend().rights
            once("deletion", lambda: rights.request_for(viewer, user.id), "request", user.id, lost=lambda: None)
            st.session_state.pop(ASKED, None)
            st.rerun(scope="fragment")
