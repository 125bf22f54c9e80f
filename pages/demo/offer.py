"""The demo school as the first page and the sign-in page draw it: opening it, and signing in as each role."""

import streamlit as st

from backend.accounts.models import DemoSignIn
from backend.kit.i18n import _
from pages.demo import opening as demo_opening
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.script_runs import refreshing
from pages.widgets.elements import button_row, escape, plain, section

SECONDS_BETWEEN_LOOKS = 0.7


def offer(action: str) -> None:
    """A button that opens the demo school; while it is made, how far that is; why, where it failed."""
    opening = demo_opening.current()
    if opening and opening.is_running:
        _watch()
        return
    if opening and opening.problem:
        st.error(plain(opening.problem), icon=":material/error:")
    if st.button(action, key="open_demo", icon=":material/explore:"):
        demo_opening.start()
        st.rerun()


@refreshing(SECONDS_BETWEEN_LOOKS)
def _watch() -> None:
    """A progress bar with words; when the school is there, the whole page runs anew."""
    opening = demo_opening.current()
    if opening is None or not opening.is_running:
        st.rerun(scope="app")
    st.progress(opening.share, text=plain(opening.words))
    st.caption(_("This takes about a minute. You may close the page: the work goes on."))


def offer_to_finish() -> None:
    """Offer to finish opening the demo school if that was interrupted, for example by a restart."""
    from backend.demo import is_unfinished  # noqa: PLC0415  (large, and a real school never needs it)

    if is_unfinished(services.backend()):
        st.info(_("Opening the demo school was interrupted."), icon=":material/info:")
        offer(_("Finish setting it up"))


def offer_sign_ins(sign_ins: tuple[DemoSignIn, ...]) -> None:
    """Draw one button for each role of the demo school, with its address and password in words."""
    from backend.demo.people import PASSWORD  # noqa: PLC0415  (large, and a real school never needs it)

    section(
        _("This is the demo school"), _("Its people are invented, and everybody knows the password. Look around as")
    )
    roles = {"student": _("Student"), "teacher": _("Teacher"), "admin": _("Administrator")}
    icons = {"student": "school", "teacher": "groups", "admin": "shield_person"}
    with button_row("demo-sign-ins"):
        clicked = [
            person
            for person in sign_ins
            if st.button(roles[person.role], key=f"demo-{person.role}", icon=f":material/{icons[person.role]}:")
        ]
    with noticed():
        for person in clicked:
            session.sign_in(person.email, PASSWORD)
            st.rerun()
    addresses = " · ".join(person.email for person in sign_ins)
    words = _("{addresses} – password {password}").format(addresses=addresses, password=PASSWORD)
    # No Markdown: escaping it would put invisible characters into addresses that people copy.
    st.html(f'<p class="cp-note">{escape(words)}</p>')
