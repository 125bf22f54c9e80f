"""The second step of signing in, the card that sets a second factor up, and where somebody is led who must have one."""

from datetime import timedelta

import pyotp
import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import FactorSetup, User, Viewer
from backend.bootstrap import Backend
from backend.config import Settings
from backend.kit.clock import SetClock
from pages.accounts.second_factor import grouped, qr_image
from pages.shell import services
from tests.pages.at_path import Browser, heading, html_of
from tests.school import PASSWORD, School, altered


@pytest.fixture
def phone(backend: Backend, teacher: Viewer, clock: SetClock) -> pyotp.TOTP:
    """The teacher's app; its last code was used at set-up."""
    made = pyotp.TOTP(backend.second_factor.begin(teacher).secret)
    backend.second_factor.confirm(teacher, made.at(clock.now()))
    clock.advance(timedelta(seconds=30))
    return made


def with_password(browser: Browser, user: User, path: str = "") -> AppTest:
    """The page after the right password."""
    tab = browser.open(path)
    tab.text_input("email").set_value(user.email)
    tab.text_input("password").set_value(PASSWORD)
    return tab.button("FormSubmitter:sign_in-Sign in").click().run()


def answered(tab: AppTest, code: str) -> AppTest:
    tab.text_input("second-code").set_value(code)
    return tab.button("FormSubmitter:second_step-Continue").click().run()


def test_after_the_password_the_code_is_asked_for(
    browser: Browser, school: School, teacher: Viewer, phone: pyotp.TOTP, clock: SetClock
) -> None:
    """No session before the code; a wrong one is said in place and stays to be corrected; a right one signs in."""
    tab = with_password(browser, school.user(teacher), "users")
    assert heading(tab) == "One more step"
    assert browser.exchanges == []
    tab = answered(tab, "000000")
    assert "is wrong" in tab.error[0].value
    assert tab.text_input("second-code").value == "000000"
    answered(tab, phone.at(clock.now()))
    browser.settle()
    assert heading(browser.open("settings")) == "Settings"


def test_the_way_back_leads_to_the_password(
    browser: Browser, school: School, teacher: Viewer, phone: pyotp.TOTP
) -> None:
    """Who has no code at hand goes back, and the challenge is forgotten."""
    tab = with_password(browser, school.user(teacher))
    assert heading(tab.button("second-back").click().run()) == "Sign in"


def test_the_code_field_is_known_to_phones(
    browser: Browser, school: School, teacher: Viewer, phone: pyotp.TOTP
) -> None:
    """The field carries the autocomplete value by which phones and password managers fill in a code."""
    tab = with_password(browser, school.user(teacher))
    assert tab.text_input("second-code").proto.autocomplete == "one-time-code"


def test_the_card_sets_it_up(
    browser: Browser, backend: Backend, school: School, teacher: Viewer, clock: SetClock
) -> None:
    """QR code and key, then a code, then ten recovery codes until they are put away."""
    browser.sign_in(school.user(teacher))
    tab = browser.open("settings", view="security")
    tab.button("factor-begin").click().run()
    key = tab.code[0].value
    assert 'alt="QR code with the key below" src="data:image/svg+xml' in html_of(tab)
    tab.text_input("factor-code").set_value(pyotp.TOTP(key.replace(" ", "")).at(clock.now()))
    tab.button("FormSubmitter:factor_confirm-Turn on").click().run()
    assert len(tab.code[0].value.split()) == 10
    tab.button("factor-kept").click().run()
    assert "10 recovery codes left" in html_of(tab)
    assert not tab.code
    assert backend.second_factor.state(teacher).enabled_at is not None


def test_who_must_have_one_is_led_to_it_from_everywhere(
    browser: Browser, backend: Backend, school: School, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is wanted of administrators, every path shows the set-up; codes are seen before anything opens."""
    sessions = backend.accounts._sessions
    monkeypatch.setattr(sessions, "_second_factor_roles", frozenset({"admin"}))
    browser.sign_in(school.user(school.admin()))
    for path in ("", "users", "health", "settings"):
        assert heading(browser.open(path)) == "Protect your account"
    tab = browser.open("users")
    tab.button("factor-begin").click().run()
    code = pyotp.TOTP(tab.code[0].value.replace(" ", "")).at(clock.now())
    tab.text_input("factor-code").set_value(code)
    tab.button("FormSubmitter:factor_confirm-Turn on").click().run()
    assert heading(tab) == "Protect your account"
    assert len(tab.code[0].value.split()) == 10
    assert heading(tab.button("factor-kept").click().run()) == "Users"


def test_a_session_is_signed_out_from_the_list(
    browser: Browser, backend: Backend, school: School, teacher: Viewer
) -> None:
    """The button beside a device ends that session and says so; this device has none."""
    user = school.user(teacher)
    backend.accounts.sign_out(teacher)
    browser.sign_in(user)
    backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, "b"), "b", "Mozilla (X11) Firefox/141.0")
    tab = browser.open("settings", view="security")
    (button,) = (each for each in tab.button if str(each.key).startswith("own-"))
    button.click().run()
    assert "Firefox, Linux" not in html_of(tab)
    assert "1 session ended" in html_of(tab)


def test_the_provider_is_offered_where_there_is_one(browser: Browser, backend: Backend, school: School) -> None:
    """The button stands on the form under the provider's name, and nowhere else."""
    school.admin()
    assert not [each for each in browser.open().button if each.key == "provider"]
    names = {"oidc_name": "Sunrise", "oidc_metadata_url": "https://x", "oidc_client_id": "a", "oidc_client_secret": "b"}
    settings = Settings(**{**backend.settings.model_dump(), **names})
    services.install(altered(backend, settings=settings))
    assert browser.open().button("provider").label == "Continue with Sunrise"


def test_keys_are_easy_to_type() -> None:
    """The key stands in groups of four; the picture is a picture of our own."""
    assert grouped("ABCDEFGHIJ") == "ABCD EFGH IJ"
    assert qr_image(FactorSetup(secret="A", address="otpauth://totp/x")).startswith("data:image/svg+xml;base64,")
