"""The switch of the weekly letter on the settings page."""

from pydantic import SecretStr

from backend.accounts.models import Viewer
from backend.bootstrap import Backend, build
from backend.kit.clock import SetClock
from pages.shell import services
from tests.pages.signed_in import OpenPage
from tests.school import School


def test_without_mail_there_is_no_switch(school: School, open_page: OpenPage, student: Viewer) -> None:
    """The page says that the school sends none."""
    page = open_page("accounts/settings.py", school.user(student))
    assert not page.exception
    assert any("sends no mail" in each.value for each in page.caption)
    assert not [each for each in page.toggle if each.key == "weekly-letter"]


def test_the_switch_holds(
    backend: Backend, clock: SetClock, school: School, open_page: OpenPage, student: Viewer
) -> None:
    """It is off at first; switched on and saved it holds, and off again as easily."""
    changed = {
        "smtp_url": SecretStr("smtp://127.0.0.1:1"),
        "mail_from": "a@b.example",
        "public_url": "https://x.example",
    }
    sending = build(backend.settings.model_copy(update=changed), clock=clock)
    try:
        services.install(sending)
        page = open_page("accounts/settings.py", school.user(student))
        for wanted in (True, False):
            switch = page.toggle(key="weekly-letter")
            assert switch.value is not wanted
            switch.set_value(wanted)
            page.button("FormSubmitter:cp-card-letter-Save e-mail choice").click().run()
            assert not page.exception
            assert school.user(student).weekly_mail is wanted
    finally:
        services.install(backend)
        sending.close()
