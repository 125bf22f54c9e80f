"""The weekly letter on the settings page: off until somebody wants it, and off again as easily."""

import streamlit as st

from backend.accounts.models import ProfileChange, Viewer
from backend.kit.i18n import _, clock_time
from pages import _session, _settings_forms
from pages._errors import noticed
from pages._parts import card, notice_saved, plain, section
from pages._runs import fragment

SAID = "settings.letter.said"


@fragment
def letter_form() -> None:
    """A switch; where the school sends no mail, that is said instead."""
    viewer = _session.viewer()
    with card("letter"):
        section(_("Weekly letter"), _what(viewer))
        if not _session.backend().digests.is_possible:
            st.caption(_("This school sends no mail at present, so there is nothing to switch on."))
            return
        is_wanted = _settings_forms.me().weekly_mail
        st.toggle(_("Send me the weekly letter"), value=is_wanted, key="weekly-letter", on_change=_save)
        words = _("It goes to {address}. Every letter has a link that stops it.")
        st.caption(plain(words.format(address=viewer.email)))
        if said := st.session_state.pop(SAID, ""):
            notice_saved(said)


def _what(viewer: Viewer) -> str:
    if viewer.role == "teacher":
        return _("On Monday morning: how your classes did, and who may need a word. Names are shortened.")
    return _("On Monday morning: what you did in the last seven days, and where you might go on. Nothing about others.")


def _save() -> None:
    with noticed():
        backend, viewer = _session.backend(), _session.viewer()
        backend.accounts.update_profile(viewer, ProfileChange(weekly_mail=bool(st.session_state["weekly-letter"])))
        at = clock_time(backend.clock.now(), viewer.time_zone)
        st.session_state[SAID] = _("Saved {time}").format(time=at)
