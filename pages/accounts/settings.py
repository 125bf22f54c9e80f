"""One's own settings in views, of which one is in sight. Each form saves by itself and leaves what is typed beside it.

A view that was opened stays drawn, out of sight, until the page is left: what is typed in it and not saved lives in the
browser alone, which forgets it with the fields.
"""

from collections.abc import Callable

import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _
from pages.accounts import (
    email_form,
    password_and_sessions,
    personal_data,
    profile_forms,
    second_factor,
    weekly_mail_form,
)
from pages.shell import session
from pages.shell.script_runs import fragment
from pages.widgets.elements import page_title

PARAMETER, CHOICE, OPENED = "view", "settings-view", "settings-opened"
WIDTH = 380  # of a card, at least, where two stand side by side
Card = Callable[[], None]


def _views(viewer: Viewer) -> dict[str, tuple[str, tuple[Card, ...]]]:
    """Token in the address → words and cards. Drawn together they were 90 elements, most of which nobody looked at."""
    forms = profile_forms
    studies: tuple[Card, ...] = (forms.goal_form,) if viewer.role == "student" else ()
    letter: tuple[Card, ...] = () if viewer.role == "admin" else (weekly_mail_form.letter_form,)
    views = {"profile": (_("Profile"), (forms.name_form, *studies, forms.day_form, *letter))}
    if viewer.role == "student":
        views["classes"] = (_("Classes and leaderboard"), (forms.classes_form, forms.board_form))
    safety = password_and_sessions
    cards = (email_form.mail_form, safety.password_form, second_factor.factor_card, safety.session_list)
    views["security"] = (_("Security"), cards)
    views["data"] = (_("Your data"), (personal_data.rights_card,))
    return views


def _chosen(viewer: Viewer) -> str:
    """The view that the address names, so that a link can open it; with a join code in the address, the classes."""
    words = {view: label for view, (label, _cards) in _views(viewer).items()}
    named = st.query_params.get(PARAMETER, "classes" if "code" in st.query_params else "")
    if CHOICE not in st.session_state:  # Streamlit forgets what stood on a page that was left
        st.session_state[OPENED] = ()
    chosen = st.session_state[CHOICE] = named if named in words else next(iter(words))
    st.segmented_control(
        _("View"), list(words), required=True, key=CHOICE, on_change=_go, format_func=words.__getitem__,
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen


def _opened(chosen: str) -> tuple[str, ...]:
    """The views to draw: those that were opened since the page was, in that order, which keeps each in its place."""
    opened: tuple[str, ...] = st.session_state[OPENED]
    if chosen not in opened:
        opened = st.session_state[OPENED] = (*opened, chosen)
    return opened


def _hide(views: tuple[str, ...]) -> None:
    if views:
        hidden = ", ".join(f":has(> .st-key-cp-cards-{view}), .st-key-cp-cards-{view}" for view in views)
        st.html(f"<style>{hidden} {{ display: none; }}</style>")


def _go() -> None:
    st.query_params[PARAMETER] = st.session_state[CHOICE]


@fragment
def _draw(view: str) -> None:
    _label, cards = _views(session.viewer())[view]
    columns, key = min(2, len(cards)), f"cp-cards-{view}"
    with profile_forms.read_once(), st.grid(columns, min_column_width=WIDTH, gap="small", key=key):
        for card in cards:
            card()


viewer = session.viewer()
page_title(_("Settings"), icon="settings")
chosen = _chosen(viewer)
for view in _opened(chosen):
    _draw(view)
_hide(tuple(view for view in _opened(chosen) if view != chosen))
