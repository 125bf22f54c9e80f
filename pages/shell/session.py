"""The sign-in state of a browser: the viewer, signing in and signing out. No other module touches it."""

import secrets
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import runtime

from backend.accounts.models import ProviderIdentity, Role, User, Viewer, require
from backend.errors import NotSignedIn, SecondFactorNeeded
from backend.kit.i18n import DEFAULT_LOCALE, _, use_locale
from backend.kit.observability import log
from backend.kit.origin import Origin, come_from
from pages.shell.services import backend
from pages.widgets.style import escape

SESSION_COOKIE = "session"
BROWSER_COOKIE = "browser"
_DUE = "shell.session.due"
_FAILED = "shell.session.failed"
_CHALLENGE = "shell.session.challenge"


def open_pages() -> int:
    """Return the number of tabs connected to this process."""
    return len(runtime.get_instance()._session_mgr.list_active_sessions()) if runtime.exists() else 0


def viewer(*roles: Role) -> Viewer:
    """The signed-in person, with one of `roles` where any are named.

    Asked anew on every run and in every fragment, so that a session ended elsewhere ends here on the next click.
    Raises NotSignedIn or NotAllowed.
    """
    come_from(_origin)
    token = st.context.cookies.get(SESSION_COOKIE)
    person = backend().sign_in.viewer(token) if token else None
    use_locale(person.locale if person else DEFAULT_LOCALE)
    log.note(viewer_id=person.id if person else "")
    return require(person, *roles)


def asked_later() -> Callable[[], Viewer]:
    """Return a function for use outside script runs: it returns the person then signed in in this browser.

    That function raises NotSignedIn if the session is over by then.
    """
    token, services = st.context.cookies.get(SESSION_COOKIE), backend()
    return lambda: require(services.sign_in.viewer(token) if token else None)


def _origin() -> Origin:
    """Return the origin of this script run, for the audit trail."""
    headers = st.context.headers
    return Origin(
        address=st.context.ip_address or "",
        agent=headers.get("User-Agent", ""),
        request_id=log.fact("request_id") or secrets.token_hex(8),
        browser=st.context.cookies.get(BROWSER_COOKIE, ""),
    )


def viewer_or_none() -> Viewer | None:
    """Return the signed-in person, or None. Sets their language for the rest of the run."""
    try:
        return viewer()
    except NotSignedIn:
        use_locale(DEFAULT_LOCALE)
        return None


def sign_in(email: str, password: str, *, to: str = "") -> None:
    """Check the password and let the browser fetch its cookie (see welcome). Raises NotSignedIn, RateLimited."""
    come_from(_origin)
    welcome(backend().sign_in.authenticate(email, password), to=to)


def welcome(user: User, *, to: str = "") -> None:
    """Sign in a person who has just been authenticated; opens the path `to`, or the page they asked for.

    Takes effect with the next full run: call st.rerun() after it. Raises NotSignedIn where cookies are refused.
    """
    _admit(lambda browser: backend().sign_in.issue_ticket(user, browser), to)


def arrive(identity: ProviderIdentity) -> None:
    """Sign in somebody whom the school's own provider has vouched for. Raises NotSignedIn saying why not."""
    _admit(lambda browser: backend().sign_in.enter_by_provider(identity, browser), "/")


def is_challenged() -> bool:
    """Whether the password was right and the code of a second factor is still to come."""
    return _CHALLENGE in st.session_state


def answer_challenge(code: str) -> None:
    """Go on with the code; call st.rerun() after it. Raises NotSignedIn, NotAllowed, RateLimited."""
    waiting = st.session_state[_CHALLENGE]
    _admit(lambda browser: backend().sign_in.complete_ticket(waiting["challenge"], code, browser), waiting["to"])
    drop_challenge()


def drop_challenge() -> None:
    """Forget the challenge; the person starts again with the password."""
    st.session_state.pop(_CHALLENGE, None)


def _admit(ticket_for: Callable[[str], str], to: str) -> None:
    """Have the browser exchange its ticket with the next run; or ask for the second factor then."""
    browser = st.context.cookies.get(BROWSER_COOKIE)
    if not browser:
        raise NotSignedIn(
            _("Your browser refuses cookies. Allow them for this address, reload, and try again."),
            code="cookies_refused",
        )
    come_from(_origin)
    try:
        st.session_state[_DUE] = {"ticket": ticket_for(browser), "to": to}
    except SecondFactorNeeded as needed:
        st.session_state[_CHALLENGE] = {"challenge": (needed.details or {})["challenge"], "to": to}


def sign_out(*, to: str = "/") -> None:
    """End the session everywhere and take the cookie away; then lead to the path `to` ("" stays on this page)."""
    person = viewer_or_none()
    if person:
        backend().accounts.sign_out(person)
    st.session_state[_DUE] = {"ticket": None, "to": to}


def settle() -> bool:
    """Let the browser exchange its ticket or drop its cookie, where one of these is due; True while it does."""
    due = st.session_state.pop(_DUE, None)
    if due is None:
        return False
    _cookie_component()(data=due, key="shell.session.cookie", height=1, on_failed_change=_note_failure)
    words = _("Signing you in …") if due["ticket"] else _("Signing you out …")
    st.html(f'<p class="cp-note" role="status">{escape(words)}</p>')
    return True


def failed_to_sign_in() -> bool:
    """Whether the browser has just tried to exchange its ticket in vain. True once."""
    return bool(st.session_state.pop(_FAILED, False))


def _note_failure() -> None:
    st.session_state[_FAILED] = True


# The page reloads whole, because the cookies a script can read are those its websocket was opened with.
_EXCHANGE = """
export default function ({ data, setTriggerValue }) {
  const go = () => (data.to ? location.assign(data.to) : location.reload());
  const request = data.ticket
    ? { method: "POST", body: JSON.stringify({ ticket: data.ticket }) }
    : { method: "DELETE" };
  fetch("/api/v1/auth/browser-session", {
    ...request,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
  }).then(
    (response) => (response.ok || !data.ticket ? go() : setTriggerValue("failed", true)),
    () => (data.ticket ? setTriggerValue("failed", true) : go()),
  );
}
"""


@st.cache_resource
def _cookie_component() -> Any:
    return st.components.v2.component("session_cookie", js=_EXCHANGE)
