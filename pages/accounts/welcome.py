"""First visit: the school has nobody yet. Create its administrator, or look around in the demo school."""

import streamlit as st

from backend.kit.i18n import _
from pages.demo import offer, opening
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.guest_layout import account_fields, entrance
from pages.shell.idempotency import key_field, once
from pages.widgets.elements import card, section


def draw_administrator_form() -> None:
    """The school's first account, signed in at once."""
    with card("administrator"):
        section(_("Create the administrator"), _("This account adds teachers and keeps the system healthy."))
        with st.form("administrator", border=False):
            name, email, password = account_fields()
            key_field("administrator")
            sent = st.form_submit_button(_("Create and sign in"), type="primary", icon=":material/shield_person:")
        if sent:
            with noticed():
                backend = services.backend()
                user = once(
                    "administrator",
                    lambda: backend.registration.create_first_administrator(name=name, email=email, password=password),
                    *(name, email, password),
                    lost=lambda: backend.sign_in.authenticate(email, password),
                )
                session.welcome(user, to="/")
                st.rerun()


def draw_demo_offer() -> None:
    """A school with invented people in it, made while a progress bar tells how far it is."""
    with card("demo"):
        section(
            _("Open the demo school"),
            _("3 teachers, 4 classes and 120 invented students with 120 days of work. For trying things out."),
        )
        offer.offer(_("Open the demo school"))


with entrance(
    _("Welcome"),
    _("Every chapter of the syllabus, every student's own progress, and what to study next. How do you want to begin?"),
    is_wide=True,
):
    if opening.is_running():
        draw_demo_offer()
    elif services.backend().settings.demo_allowed:
        left, right = st.columns(2, gap="medium")
        with left:
            draw_administrator_form()
        with right:
            draw_demo_offer()
    else:
        draw_administrator_form()
