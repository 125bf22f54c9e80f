"""“Confirm your identity”: asks for the password again before an act that wants it, and then does the act."""

from collections.abc import Callable

import streamlit as st

from backend.errors import NotAllowed
from backend.kit.i18n import _
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.widgets.elements import button_row

NEEDED = "reauthentication_needed"
_GIVEN = "shell.reauthentication.given"


def given(name: str) -> bool:
    """Whether the password for the act `name` was given just now. True once; then do the act."""
    if st.session_state.get(_GIVEN) != name:
        return False
    del st.session_state[_GIVEN]
    return True


def proven(name: str, act: Callable[[], None]) -> None:
    """Do the act; where it wants a fresh password, ask for it first (`given(name)` tells when it is there)."""
    try:
        act()
    except NotAllowed as error:
        if error.code != NEEDED:
            raise
        _ask(name)


def proven_here(act: Callable[[], None], *, wanted: bool, why: str, key: str) -> None:
    """The same within a dialog, where no other can be opened: the password is asked for in its place.

    `wanted`: the act was asked for in this run; where it needs a password it is done once that was given.
    """
    waiting = f"shell.reauthentication.waiting-{key}"
    if wanted:
        st.session_state.pop(waiting, None)
        try:
            act()
        except NotAllowed as error:
            if error.code != NEEDED:
                raise
            st.session_state[waiting] = True
    if st.session_state.get(waiting) and _draw_form(why, key):
        del st.session_state[waiting]
        act()


def forget(key: str) -> None:
    """The dialog of `proven_here` is opened anew: nothing waits for a password."""
    st.session_state.pop(f"shell.reauthentication.waiting-{key}", None)


def _draw_form(why: str, key: str) -> bool:
    """The fields; True in the run in which what was typed was right."""
    viewer = session.viewer()
    backend = services.backend()
    has_factor = backend.second_factor.state(viewer).enabled_at is not None
    st.caption(why)
    with st.form(key, border=False):
        password = st.text_input(_("Password"), type="password", autocomplete="current-password", key=f"{key}-password")
        code = code_field(f"{key}-code") if has_factor else ""
        sent = st.form_submit_button(_("Confirm"), type="primary")
    is_given = False
    if sent:
        with noticed():
            backend.accounts.reauthenticate(viewer, password, code)
            is_given = True
    return is_given


def _ask(name: str) -> None:
    @st.dialog(_("Confirm your identity"), icon=":material/lock:")
    def dialog() -> None:
        if _draw_form(_("You are about to change how you sign in. Please enter your password again."), "proof"):
            st.session_state[_GIVEN] = name
            st.rerun()
        with button_row("proof"):
            if st.button(_("Cancel"), key="proof-no", type="tertiary"):
                st.rerun()

    dialog()


def code_field(key: str, *, label: str = "") -> str:
    """The field for a code of the authenticator app; phones offer digits, password managers fill it in."""
    return st.text_input(label or _("Code of your authenticator app"), autocomplete="one-time-code", key=key)
