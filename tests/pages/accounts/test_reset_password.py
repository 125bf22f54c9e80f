"""One-time links: whose they are, once only, and what an old one says."""

import pytest

from backend.accounts.models import OneTimeLink, Viewer
from backend.bootstrap import Backend
from tests.pages.at_path import Browser, heading, html_of
from tests.school import PASSWORD, School

FORM = "FormSubmitter:reset_password-Set password and sign in"
HOSTILE = "<b>Tara</b> & Co"


@pytest.fixture
def link(backend: Backend, admin: Viewer) -> OneTimeLink:
    return backend.administration.create(admin, name=HOSTILE, email="tara@example.org", role="teacher")


def test_a_link_sets_the_password_and_signs_in(browser: Browser, backend: Backend, link: OneTimeLink) -> None:
    """The page says whose account it is; the new password leads home, and the link is spent."""
    tab = browser.open("reset-password", token=link.token)
    assert "&lt;b&gt;Tara&lt;/b&gt; &amp; Co" in html_of(tab)
    assert tab.text_input("email").value == "tara@example.org"
    tab.text_input("password").set_value(PASSWORD)
    tab.button(FORM).click().run()
    assert browser.settle() == "/"
    assert backend.sign_in.authenticate("tara@example.org", PASSWORD)
    browser.cookies.pop("session")
    assert "does not work any more" in html_of(browser.open("reset-password", token=link.token))


def test_a_refused_password_does_not_spend_the_link(browser: Browser, link: OneTimeLink) -> None:
    """Too short a password is said so, and the same link takes a better one."""
    tab = browser.open("reset-password", token=link.token)
    tab.text_input("password").set_value("short")
    tab.button(FORM).click().run()
    assert "at least 8" in tab.error[0].value
    tab.text_input("password").set_value(PASSWORD)
    tab.button(FORM).click().run()
    assert browser.settle() == "/"


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 5000])
def test_other_links_say_that_they_do_not_work(browser: Browser, admin: Viewer, token: str) -> None:
    """A link that nobody made is told apart from none by nobody: one sentence, and the way to the form."""
    tab = browser.open("reset-password", token=token)
    assert not tab.exception
    assert "does not work any more" in html_of(tab)
    assert not tab.text_input


def test_somebody_else_must_sign_out_first(browser: Browser, school: School, admin: Viewer, link: OneTimeLink) -> None:
    """A link opened by another person who is signed in changes nothing until she has signed out; then it works."""
    browser.sign_in(school.user(admin))
    tab = browser.open("reset-password", token=link.token)
    assert heading(tab) == "New password"
    assert not tab.text_input
    tab.button("other-account-action").click().run()
    assert browser.settle() == ""
    assert heading(browser.open("reset-password", token=link.token)) == "Choose a new password"
