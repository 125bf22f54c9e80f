"""The only file that touches sign-in state: who is looking, signing in, signing out."""

from typing import Any

import streamlit as st

from backend.accounts.models import Role, User, Viewer, require
from backend.bootstrap import Backend
from backend.errors import NotSignedIn
from backend.kit.i18n import DEFAULT_LOCALE, _, use_locale

SESSION_COOKIE = "session"
BROWSER_COOKIE = "browser"
_TICKET = "_session.ticket"
_LEAVING = "_session.leaving"

_installed: list[Backend] = []


def install(backend: Backend) -> None:
    """Let the pages of this process use `backend`; app.py calls it once everything runs."""
    _installed[:] = [backend]


def backend() -> Backend:
    """The services behind the pages."""
    return _installed[0]


def viewer(*roles: Role) -> Viewer:
    """The signed-in person, with one of `roles` where any are named.

    Asked anew on every run and in every fragment, so that a session ended elsewhere ends here on the next click.
    Raises NotSignedIn or NotAllowed.
    """
    return require(viewer_or_none(), *roles)


def viewer_or_none() -> Viewer | None:
    """The signed-in person, or None. Speaks her language for the rest of the run."""
    token = st.context.cookies.get(SESSION_COOKIE)
    try:
        person = backend().accounts.viewer(token) if token else None
    except NotSignedIn:
        person = None
    use_locale(person.locale if person else DEFAULT_LOCALE)
    return person


def sign_in(email: str, password: str) -> None:
    """Check the password and let the browser fetch its cookie. Raises NotSignedIn."""
    welcome(backend().accounts.authenticate(email, password))


def welcome(user: User) -> None:
    """Sign in somebody who has just proved who she is."""
    browser = st.context.cookies.get(BROWSER_COOKIE)
    if not browser:
        raise NotSignedIn(_("Your browser refuses cookies. Allow them for this address, reload, and try again."))
    st.session_state[_TICKET] = backend().accounts.issue_ticket(user, browser)


def sign_out() -> None:
    """End the session everywhere and take the cookie away."""
    person = viewer_or_none()
    if person:
        backend().accounts.sign_out(person)
    st.session_state[_LEAVING] = True


def settle() -> bool:
    """Let the browser exchange its ticket or drop its cookie, where one of these is due; True while it does."""
    ticket, leaving = st.session_state.pop(_TICKET, None), st.session_state.pop(_LEAVING, False)
    if not ticket and not leaving:
        return False
    _cookie_component()(data={"ticket": ticket}, key="_session.cookie", height=1)
    st.html(f'<p role="status">{_("Signing you in …") if ticket else _("Signing you out …")}</p>')
    return True


# The page reloads whole, because the cookies a script can read are those its websocket was opened with.
_EXCHANGE = """
export default function ({ data }) {
  const request = data.ticket
    ? { method: "POST", body: JSON.stringify({ ticket: data.ticket }) }
    : { method: "DELETE" };
  fetch("/api/v1/auth/browser-session", {
    ...request,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
  }).finally(() => (data.ticket ? location.reload() : location.assign("/")));
}
"""


@st.cache_resource
def _cookie_component() -> Any:
    return st.components.v2.component("session_cookie", js=_EXCHANGE)
