"""Your data, on the settings page: who can see what, a download of all of it, and the deletion of the account."""

import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _, day_of, listing, ngettext, number
from backend.rights.models import Deletion
from pages.shell import downloads, services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import nothing, once
from pages.widgets.elements import button_row, card, plain, section
from pages.widgets.tables import Twin, Value, static_table

ASKED = "settings.rights.asked"


def rights_card() -> None:
    """Draw who sees the data, its download, and the deletion of the account."""
    viewer = session.viewer()
    with card("rights"):
        section(_("Your data"), _("Kept on your school's own server."))
        with st.expander(_("Who can see what about me"), icon=":material/visibility:", type="compact"):
            static_table(Twin(_("Who can see what about me"), [_("What"), _("Who")], _seen(viewer)))
            st.caption(plain(_kept()))
        deletion = services.backend().rights.deletion(viewer)
        if deletion:
            _draw_standing(deletion, viewer.time_zone)
        with button_row("rights"):
            _download(viewer)
            if not deletion and st.button(_("Delete my account"), icon=":material/delete:", key="delete-account"):
                st.session_state[ASKED] = True
        if st.session_state.get(ASKED) and not deletion:
            _draw_question(viewer)


def _seen(viewer: Viewer) -> list[list[Value]]:
    """By role, as the table of rights in backend/policy.py has it."""
    admins = _("administrators of the school; each view is recorded")
    rows: list[list[Value]] = [[_("Name and e-mail address"), listing([_("you"), admins])]]
    if viewer.role != "student":
        return [*rows, [_("What you changed for others"), listing([_("you"), _("administrators")])]]
    teachers = _("teachers of your classes")
    return [
        [_("Name"), listing([_("you"), teachers, admins])],
        [_("E-mail address"), listing([_("you"), admins])],
        [_("Progress, activity, study days"), listing([_("you"), teachers, admins])],
        [_("Leaderboard name and score"), _board(viewer)],
        [_("Sums over all students, without names"), _("everybody who is signed in")],
        [_("Goal, exam date, devices"), _("you")],
    ]


def _board(viewer: Viewer) -> str:
    return _("those who take part, and teachers") if viewer.board_joined else _("nobody: you do not take part")


def _kept() -> str:
    days = services.backend().settings.audit_days
    words = ngettext(
        "Your work is kept until your account is deleted. What administrators did is kept for {count} day.",
        "Your work is kept until your account is deleted. What administrators did is kept for {count} days.",
        days,
    )
    return words.format(count=number(days))


def _download(viewer: Viewer) -> None:
    rights = services.backend().rights

    def content(owner: Viewer) -> bytes:
        return b"".join(rights.export(owner))

    st.download_button(
        _("Download my data"), downloads.fetched(content), rights.file_name(viewer), "application/zip", key="my-data",
        icon=":material/download:", on_click="ignore", help=_("Everything that is kept about you, as JSON and CSV."),
    )  # fmt: skip


def _draw_standing(deletion: Deletion, zone: str) -> None:
    words = _("Your account and everything about it will be deleted on {day}.")
    st.warning(words.format(day=day_of(deletion.due_at, zone, "long")), icon=":material/auto_delete:")
    if st.button(_("Keep my account"), type="primary", key="keep-account"):
        with noticed():
            rights, viewer = services.backend().rights, session.viewer()
            once("deletion", lambda: rights.cancel(viewer), "cancel", lost=nothing)
            st.rerun(scope="app")


def _draw_question(viewer: Viewer) -> None:
    """Draw the question; both answers take one click."""
    count = services.backend().settings.deletion_grace_days
    words = ngettext(
        "In {count} day your account, your work and your places on leaderboards are deleted for good. "
        "Until then you can change your mind here.",
        "In {count} days your account, your work and your places on leaderboards are deleted for good. "
        "Until then you can change your mind here.",
        count,
    )
    st.warning(words.format(count=number(count)), icon=":material/delete:")
    with button_row("delete-question"):
        is_sure = st.button(_("Yes, delete it"), key="delete-yes")
        st.button(_("Keep it"), key="delete-no", on_click=lambda: st.session_state.pop(ASKED, None))
    if is_sure:
        with noticed():
            rights = services.backend().rights
            once("deletion", lambda: rights.request(viewer), "request", lost=lambda: rights.deletion(viewer))
            st.session_state.pop(ASKED, None)
            st.rerun(scope="app")
