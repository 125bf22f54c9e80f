"""The switch of the weekly e-mail on the settings page; it is off by default."""

import streamlit as st

from backend.accounts.models import ProfileChange, Viewer
from backend.kit.i18n import _
from pages.accounts.profile_forms import form_card, me, save, saved_line
from pages.shell import services, session
from pages.widgets.elements import card, plain, section


def letter_form() -> None:
    """A switch and its button; where the school sends no mail, that is said instead."""
    viewer = session.viewer()
    if not services.backend().digests.is_possible:
        with card("letter"):
            section(_("Weekly e-mail"), _what(viewer))
            st.caption(_("This school sends no mail at present, so there is nothing to switch on."))
        return
    with form_card("letter", _("Weekly e-mail"), _what(viewer)):
        wanted = st.toggle(_("Send me the weekly e-mail"), value=me().weekly_mail, key="weekly-letter")
        words = _("It goes to {address}. Every e-mail has a link that stops it.")
        st.caption(plain(words.format(address=viewer.email)))
        if st.form_submit_button(_("Save e-mail choice")):
            save("letter", ProfileChange(weekly_mail=wanted))
        saved_line("letter")


def _what(viewer: Viewer) -> str:
    if viewer.role == "teacher":
        return _("On Monday morning: how your classes did, and who may need your attention. Names are shortened.")
    return _(
        "On Monday morning: what you did in the last seven days, and how you might continue. Nothing about others."
    )
