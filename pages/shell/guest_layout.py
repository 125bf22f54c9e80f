"""Layout of the pages before signing in: one column under the mark and the name of the school."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.kit.i18n import _
from pages.shell import services
from pages.widgets.elements import note_title
from pages.widgets.style import MARK, escape

COLUMN_WIDTH = 460
WIDE_COLUMN_WIDTH = 860


@contextmanager
def entrance(title: str, subtitle: str = "", *, is_wide: bool = False) -> Iterator[None]:
    """A column in the middle of the page, headed by the mark, the school's name and the page's only h1."""
    school = services.backend().settings.school_name or _("Chapter Performance")
    width = WIDE_COLUMN_WIDTH if is_wide else COLUMN_WIDTH
    with st.container(horizontal_alignment="center", key="cp-entrance"), st.container(width=width, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.image(MARK, width=44, alt="")
            st.html(f"<strong>{escape(school)}</strong>", width="content")
        below = f"<p>{escape(subtitle)}</p>" if subtitle else ""
        note_title()
        st.html(f'<header class="cp-header"><h1><span>{escape(title)}</span></h1>{below}</header>')
        yield


def account_fields() -> tuple[str, str, str]:
    """Name, e-mail address and new password, as a form for a new account asks for them."""
    name = st.text_input(_("Your name"), autocomplete="name", key="name")
    email = st.text_input(_("E-mail address"), type="email", autocomplete="username", key="email")
    password = st.text_input(
        _("Password"),
        type="password",
        autocomplete="new-password",
        key="password",
        help=_("At least 8 characters, and none of the most common passwords."),
    )
    return name, email, password
