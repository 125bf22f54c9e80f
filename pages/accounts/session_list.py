"""List of a person's open sessions, each with a button to end it: for their own settings and the users' dialog."""

import re
from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from backend.accounts.models import OpenSession
from backend.kit.i18n import _, ago
from pages.shell import services
from pages.widgets.elements import escape, icon_code
from pages.widgets.style import icon_html

# The first match names the program; the order matters, because most browsers also call themselves Chrome.
_PROGRAMS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"))
JUST_NOW = timedelta(minutes=1)
_HANDHELD = ("Android", "iPhone", "iPad")


def session_rows(sessions: Sequence[OpenSession], *, key: str, above: str = "", ends_this: bool = False) -> str | None:
    """Draw the sessions; the id of the one whose button has just been pressed. `ends_this`: the present one has one.

    `above` is HTML that stands over them, in one element with the present session where that has no button.
    """
    buttons = [each for each in sessions if ends_this or not each.is_this]
    here = "".join(_words_html(each, session_name(each)) for each in sessions if each not in buttons)
    if above or here:
        st.html(f'<div class="cp-parts">{above}{here}</div>')
    return next((each.id for each in [one for one in buttons if _row(one, key)]), None)


def _row(session: OpenSession, key: str) -> bool:
    name = session_name(session)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(_words_html(session, name))
        label = _("Sign out of {device}").format(device=name)
        return st.button(
            _("Sign out"), key=f"{key}-{session.id[:12]}", help=label, icon=icon_code("logout"), type="tertiary"
        )


def _words_html(session: OpenSession, name: str) -> str:
    now = services.backend().clock.now()
    here = (
        f' <span class="cp-chip cp-tone-green"><span>{escape(_("This device"))}</span></span>'
        if session.is_this
        else ""
    )
    unused = now - session.last_seen_at
    seen = _("used {ago}").format(ago=ago(unused)) if unused > JUST_NOW else _("used just now")
    place = _("from network {place}").format(place=session.place) if session.place else ""
    age = now - session.created_at
    since = _("signed in {ago}").format(ago=ago(age)) if session.last_seen_at > session.created_at else ""
    facts = listing_of([seen, since, place])
    return (
        f'<span class="cp-person">{icon_html(_icon(session))}<span><strong>{escape(name)}</strong>{here}'
        f"<small>{escape(facts)}</small></span></span>"
    )


def listing_of(facts: Sequence[str]) -> str:
    """Facts in a line, without the empty ones."""
    return " · ".join(fact for fact in facts if fact)


def session_name(session: OpenSession) -> str:
    """A session in two words: its browser and system, or that it is a program."""
    return device_name(session.device) if session.kind == "browser" else _("Program")


def _icon(session: OpenSession) -> str:
    if session.kind == "api":
        return "terminal"
    return "smartphone" if any(sign in session.device for sign in _HANDHELD) else "computer"


def device_name(user_agent: str) -> str:
    """A browser's own description in two words: "Firefox, Windows"."""
    program = next((name for sign, name in _PROGRAMS if sign in user_agent), _("Browser"))
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    system = system or ("Linux" if re.search(r"Linux|X11", user_agent) else "")
    return f"{program}, {system}" if system else program
