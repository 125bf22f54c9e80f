"""Messages for failed calls: a plain notice for what the reader can mend, an apology for what they cannot."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.errors import AppError, NotSignedIn, RateLimited, Unavailable
from backend.kit.i18n import _
from backend.kit.observability import log
from pages.shell import outage, rate_limits
from pages.widgets.elements import empty_html, escape, plain

_log = log.get(__name__)


def show(error: Exception) -> bool:
    """Show an error that ended a script run or a fragment. True: nothing more is to be drawn of it."""
    if isinstance(error, NotSignedIn):
        st.warning(plain(error.message), icon=":material/lock:")
        # A button would rerun the fragment alone; only a new run of the page leads to the sign-in form.
        st.html(f'<p><a href="">{escape(_("Sign in and come back to this page"))}</a></p>')
    elif isinstance(error, Unavailable):
        is_away = error.code == Unavailable.code and outage.current().writes
        if is_away:
            words = _("This cannot be shown until the database is back.")
            st.html(empty_html("cloud_off", words, _("You need not do anything: the page checks again by itself.")))
        else:
            st.error(plain(error.message), icon=":material/cloud_off:")
        _again()
        outage.try_again()
    elif isinstance(error, RateLimited):
        st.warning(plain(error.message), icon=":material/hourglass_top:")
        _again()
    elif isinstance(error, AppError):
        st.warning(plain(error.message), icon=":material/info:")
    else:
        st.error(noted(error), icon=":material/report:")
        _again()
    return True


def noted(error: Exception) -> str:
    """Write what nobody foresaw to the log; the apology, with the word by which it is found there."""
    reference = secrets.token_hex(4)
    _log.error("page_failed", reference=reference, exc_info=error)
    words = _("Something went wrong on our side, and we have noted it. If it happens again, tell your school: {code}")
    return words.format(code=reference)


def _again() -> None:
    """A button that runs again what failed; several parts of a page may fail at once, hence a fresh key."""
    st.button(_("Try again"), key=f"shell.errors.again.{secrets.token_hex(4)}", icon=":material/refresh:")


@contextmanager
def noticed() -> Iterator[None]:
    """Wrap a form's call: an error that the person can mend is shown in place, and their input stays on the screen.

    Raises RateLimited, before the call, for forms sent faster than any person sends them.
    """
    rate_limits.count_form()
    try:
        yield
    except NotSignedIn as error:
        if error.code == "not_signed_in":
            raise
        st.error(plain(error.message), icon=":material/error:")
    except AppError as error:
        st.error(plain(error.message), icon=":material/error:")
