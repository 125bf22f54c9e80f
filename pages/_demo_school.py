"""The demo school on the first page and the sign-in page: opening it, watching that, and signing in as each role."""

import threading
from typing import TYPE_CHECKING

import streamlit as st

from backend.accounts.models import DemoSignIn
from backend.kit.i18n import _
from pages import _session
from pages._errors import noticed
from pages._parts import button_row, plain, section
from pages._runs import refreshing

if TYPE_CHECKING:
    from backend.demo.opening import Opening

# The demo school is large, and a real school never needs it: hence imports within functions.

SECONDS_BETWEEN_LOOKS = 0.7


@st.cache_resource(show_spinner=False)
def _kept() -> tuple[list["Opening"], threading.Lock]:
    """The one opening of this process: every tab watches the same, and a reload neither stops nor repeats it."""
    return [], threading.Lock()


def current() -> "Opening | None":
    """The opening of this process, running or over; None where nobody began one."""
    openings, _lock = _kept()
    return openings[-1] if openings else None


def is_opening() -> bool:
    """Whether the demo school is being made at this moment."""
    opening = current()
    return opening is not None and not opening.stage.is_over


def start() -> None:
    """Begin to open the demo school, unless that goes on already."""
    from backend.demo.opening import Opening  # noqa: PLC0415

    openings, lock = _kept()
    with lock:
        if not is_opening():
            openings[:] = [Opening(_session.backend())]
            openings[-1].start()


@refreshing(SECONDS_BETWEEN_LOOKS)
def watch() -> None:
    """A progress bar with words while the school is made; when it is there, the whole page runs anew."""
    opening = current()
    stage = opening.stage if opening else None
    if stage is None or stage.is_over:
        st.rerun(scope="app")
    share = stage.done / stage.total if stage.total else 0.0
    st.progress(min(1.0, share), text=plain(stage.line or _("Opening the demo school …")))
    st.caption(_("This takes about a minute. You may close the page: the work goes on."))


def is_unfinished() -> bool:
    """Whether an opening was interrupted, by a restart say, so that it waits to be finished."""
    from backend.demo.school import is_unfinished as unfinished  # noqa: PLC0415

    return not is_opening() and unfinished(_session.backend())


def offer_sign_ins(sign_ins: tuple[DemoSignIn, ...]) -> None:
    """One button for each role of the demo school, and its address and password in words."""
    from backend.demo.school import sign_ins as known_sign_ins  # noqa: PLC0415

    password = known_sign_ins().password
    section(_("This is the demo school"), _("Invented people, everybody knows the password. Look around as:"))
    roles = {"student": _("Student"), "teacher": _("Teacher"), "admin": _("Administrator")}
    icons = {"student": "school", "teacher": "groups", "admin": "shield_person"}
    with button_row("demo-sign-ins"):
        for person in sign_ins:
            icon = f":material/{icons[person.role]}:"
            if st.button(roles[person.role], key=f"demo-{person.role}", icon=icon, help=plain(person.email)):
                with noticed():
                    _session.sign_in(person.email, password)
                    st.rerun()
    addresses = " · ".join(person.email for person in sign_ins)
    st.caption(plain(_("{addresses} – password {password}").format(addresses=addresses, password=password)))
