"""A one-time link, ?token=…, with which a person sets their password; afterwards they are signed in."""

import streamlit as st

from backend.accounts.models import User
from backend.errors import NotFound
from backend.kit.i18n import _
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.guest_layout import entrance
from pages.shell.idempotency import is_uncertain, once
from pages.widgets.elements import card, empty_state, person_html

_FORM, _OWNERS = "reset-password", "reset-password.owners"


def owner_of(token: str) -> User | None:
    """Return the user whom the link belongs to; None if it was used, has expired or never existed.

    If this form was sent and its outcome is unknown, the user stays known: sending it again settles the outcome.
    """
    known: dict[str, User] = st.session_state.setdefault(_OWNERS, {})
    try:
        known[token] = services.backend().accounts.reset_owner(token)
    except NotFound:
        return known.get(token) if is_uncertain(_FORM) else None
    return known[token]


def draw_form(token: str, owner: User) -> None:
    """Draw the form for the new password; it has the address too, so that a password manager knows the account."""
    with card("reset"):
        st.html(person_html(owner.name, owner.email))
        with st.form("reset_password", border=False):
            st.text_input(_("E-mail address"), value=owner.email, autocomplete="username", disabled=True, key="email")
            password = st.text_input(
                _("New password"),
                type="password",
                autocomplete="new-password",
                key="password",
                help=_("At least 8 characters, and none of the most common passwords."),
            )
            sent = st.form_submit_button(_("Set password and sign in"), type="primary", width="stretch")
        if sent:
            with noticed():
                accounts = services.backend().accounts
                user = once(
                    _FORM, lambda: accounts.reset_password(token, password), token, password, lost=lambda: owner
                )
                session.welcome(user, to="/")
                st.rerun()


token = st.query_params.get("token", "")
owner = owner_of(token)
with entrance(_("Choose a new password")):
    if owner:
        draw_form(token, owner)
    else:
        empty_state(
            "link_off",
            _("This link does not work any more"),
            _("It has been used or is too old. Ask your administrator for a new one."),
            _("Sign in"),
            page="accounts/sign_in.py",
        )
