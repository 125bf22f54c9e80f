"""What a person sees when a call fails: a plain notice for what she can mend, an apology for what she cannot."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.errors import AppError, NotSignedIn, Unavailable
from backend.kit import log
from backend.kit.i18n import _
from pages._parts import plain

_log = log.get(__name__)


def show(error: Exception) -> bool:
    """Show an error that ended a script run. True: nothing more is to be drawn of it."""
    if isinstance(error, NotSignedIn):
        st.warning(plain(error.message), icon=":material/lock:")
        st.button(_("Sign in"), on_click=_nothing, key="_errors.sign_in", type="primary")
    elif isinstance(error, Unavailable):
        st.error(plain(error.message), icon=":material/cloud_off:")
        st.button(_("Try again"), on_click=_nothing, key="_errors.again")
    elif isinstance(error, AppError):
        st.warning(plain(error.message), icon=":material/info:")
    else:
        reference = secrets.token_hex(4)
        _log.error("page_failed", reference=reference, exc_info=error)
        st.error(
            _("Something went wrong on our side, and we have noted it. If it stays, tell your school: {code}").format(
                code=reference
            ),
            icon=":material/report:",
        )
        st.button(_("Try again"), on_click=_nothing, key="_errors.again")
    return True


@contextmanager
def noticed() -> Iterator[None]:
    """Around a form's call: what the person can mend is said in place, and her input stays on the screen."""
    try:
        yield
    except NotSignedIn as error:
        if error.code == "not_signed_in":
            raise
        st.error(plain(error.message), icon=":material/error:")
    except AppError as error:
        st.error(plain(error.message), icon=":material/error:")


def _nothing() -> None:
    """A click reruns the whole script, which is all that is wanted."""
