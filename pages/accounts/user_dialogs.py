"""Dialogs in which an administrator adds, opens, deactivates and reactivates an account."""

from datetime import datetime
from urllib.parse import urlsplit

import streamlit as st

from backend.accounts.models import OneTimeLink, Role, User, Viewer
from backend.kit.i18n import _, day_of, moment
from pages.accounts import user_deletion, user_role, user_sessions
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import key_field, once
from pages.widgets.elements import button_row, notice_saved, person_html, plain

ADDED: tuple[Role, ...] = ("teacher", "admin")  # students sign up themselves
LINK, ASKED, SAID = "users.link", "users.asked", user_sessions.SAID


def role_words() -> dict[Role, str]:
    """The roles in the reader's language."""
    return {"student": _("Student"), "teacher": _("Teacher"), "admin": _("Administrator")}


def add_person() -> None:
    """Ask for name, address and role of a new teacher or administrator; then show their one-time link."""
    _forget()

    @st.dialog(_("Add a person"), icon=":material/person_add:", on_dismiss="rerun")
    def dialog() -> None:
        viewer = session.viewer("admin")
        made: OneTimeLink | None = st.session_state.get(LINK)
        if made:
            _draw_link(made, viewer)
            return
        with st.form("add_person", border=False):
            name = st.text_input(_("Name"), autocomplete="off", key="new-name")
            email = st.text_input(_("E-mail address"), type="email", autocomplete="off", key="new-email")
            roles: tuple[Role, ...] = ("teacher", "admin")
            role = st.radio(
                _("Role"), roles, format_func=lambda each: role_words()[each], horizontal=True, key="new-role"
            )
            key_field("add-person")
            sent = st.form_submit_button(_("Add"), type="primary")
        st.caption(_("Students are not added here: they sign up with the join code of their class."))
        if sent:
            with noticed():
                administration = services.backend().administration
                made = once(
                    "add-person",
                    lambda: administration.create(viewer, name=name, email=email, role=role),
                    *(name, email, role),
                    lost=lambda: _new_link(viewer, _id_of(viewer, email)),
                )
                st.session_state[LINK] = made
                st.rerun(scope="fragment")

    dialog()


def open_person(user_id: str) -> None:
    """Draw one person and the actions on their account."""
    _forget()

    @st.dialog(_("Account"), icon=":material/manage_accounts:", on_dismiss="rerun")
    def dialog() -> None:
        viewer = session.viewer("admin")
        user = services.backend().administration.user(viewer, user_id)
        st.html(person_html(user.name, user.email))
        _draw_facts(user, viewer)
        made: OneTimeLink | None = st.session_state.get(LINK)
        if made:
            _draw_link(made, viewer)
        user_role.draw(user, viewer, role_words())
        _draw_acts(user, viewer)
        user_sessions.draw(user, viewer)
        user_deletion.draw(user, viewer)
        if said := st.session_state.pop(SAID, ""):
            notice_saved(said)

    dialog()


def _forget() -> None:
    for key in (LINK, ASKED, SAID):
        st.session_state.pop(key, None)
    user_role.forget()


def _draw_facts(user: User, viewer: Viewer) -> None:
    facts = [
        role_words()[user.role],
        _("active") if user.is_active else _("deactivated"),
        _("with a second factor") if user.second_factor_at else _("without a second factor"),
        _("since {day}").format(day=day_of(user.created_at, viewer.time_zone)),
        _("last sign-in {time}").format(time=_moment(user.last_sign_in_at, viewer)),
    ]
    st.caption(plain(" · ".join(facts)))


def _moment(at: datetime | None, viewer: Viewer) -> str:
    return moment(at, viewer.time_zone, "medium") if at else _("never")


def _draw_link(made: OneTimeLink, viewer: Viewer) -> None:
    """Show the link once: only its fingerprint is stored."""
    until = moment(made.expires_at, viewer.time_zone, "medium")
    words = _("Give this link to {name}. It works once, until {time}, and is not shown again.")
    st.success(plain(words.format(name=made.user.name, time=until)), icon=":material/key:")
    if made.is_mailed:
        st.caption(plain(_("It is also on its way to {address}.").format(address=made.user.email)))
    st.code(reset_address(made.token), language=None, wrap_lines=True)


def reset_address(token: str) -> str:
    """Return the full address of a one-time link, with the host that this browser uses."""
    here = urlsplit(st.context.url or "")
    base = services.backend().settings.public_url or f"{here.scheme}://{here.netloc}"
    return f"{base.rstrip('/')}/reset-password?token={token}"


def _draw_acts(user: User, viewer: Viewer) -> None:
    """Draw the buttons for a one-time link, and to deactivate (which asks first) or reactivate the account."""
    with button_row("person"):
        wants_link = user.is_active and st.button(_("Make a password link"), icon=":material/key:", key="make_link")
        wants_out = user.is_active and st.button(_("Deactivate"), icon=":material/person_off:", key="deactivate")
        wants_in = not user.is_active and st.button(_("Activate"), icon=":material/person_check:", key="activate")
    with noticed():
        if wants_link:
            st.session_state[LINK] = _new_link(viewer, user.id)
            st.rerun(scope="fragment")
        if wants_in:
            _let_in(user, viewer, is_in=True)
            st.session_state[SAID] = _("{name} may sign in again").format(name=user.name)
            st.rerun(scope="fragment")
    if wants_out:
        st.session_state[ASKED] = True
    if st.session_state.get(ASKED) and user.is_active:
        _draw_question(user, viewer)


def _let_in(user: User, viewer: Viewer, *, is_in: bool) -> None:
    administration = services.backend().administration
    once("active", lambda: administration.set_active(viewer, user.id, active=is_in), user.id, is_in, lost=lambda: user)


def _new_link(viewer: Viewer, user_id: str) -> OneTimeLink:
    """Return a new link, the same for both clicks of a double click: a second link would end the first."""
    administration = services.backend().administration

    def make() -> OneTimeLink:
        return administration.make_reset_link(viewer, user_id)

    return once("link", make, user_id, lost=make)


def _id_of(viewer: Viewer, email: str) -> str:
    found = services.backend().administration.users(viewer, search=email).users
    return next(each.id for each in found if each.email.casefold() == email.strip().casefold())


def _draw_question(user: User, viewer: Viewer) -> None:
    words = _(
        "{name} is signed out everywhere at once and cannot sign in again. The data of this account stays, and you "
        "can activate it at any time."
    )
    st.warning(plain(words.format(name=user.name)), icon=":material/person_off:")
    with button_row("deactivate-question"):
        is_sure = st.button(_("Yes, deactivate"), type="primary", key="deactivate-yes")
        st.button(_("Cancel"), key="deactivate-no", on_click=lambda: st.session_state.pop(ASKED, None))
    with noticed():
        if is_sure:
            _let_in(user, viewer, is_in=False)
            st.session_state.pop(ASKED, None)
            st.session_state.pop(LINK, None)
            st.session_state[SAID] = _("{name} is deactivated").format(name=user.name)
            st.rerun(scope="fragment")
