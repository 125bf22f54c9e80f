"""The first visit: the school has nobody yet."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from backend.bootstrap import Backend
from backend.errors import NotAllowed
from pages.demo import opening
from tests.pages.at_path import Browser, heading
from tests.school import PASSWORD
from tests.waiting import until

FORM = "FormSubmitter:administrator-Create and sign in"


def filled(tab: AppTest, password: str = PASSWORD, email: str = "asha@example.org") -> AppTest:
    """The administrator's form sent."""
    tab.text_input("name").set_value("Asha")
    tab.text_input("email").set_value(email)
    tab.text_input("password").set_value(password)
    return tab.button(FORM).click().run()


@pytest.mark.parametrize("path", ["", "chapters", "users"])
def test_an_empty_school_is_welcomed(browser: Browser, path: str) -> None:
    """Whatever path is opened first, it is the welcome."""
    tab = browser.open(path)
    assert not tab.exception
    assert heading(tab) == "Welcome"


def test_the_administrator_is_signed_in_at_once(browser: Browser, backend: Backend) -> None:
    """One form makes the account and leads home; the next visitor sees the sign-in form."""
    filled(browser.open())
    assert browser.settle() == "/"
    assert heading(browser.open()) == "Hello, Asha"
    browser.cookies.pop("session")
    assert heading(browser.open()) == "Sign in"


def test_a_bad_password_keeps_what_was_typed(browser: Browser, backend: Backend) -> None:
    """A refused form makes nothing and keeps name and address."""
    tab = filled(browser.open(), password="password1")
    assert "most common" in tab.error[0].value
    assert (tab.text_input("name").value, tab.text_input("email").value) == ("Asha", "asha@example.org")
    assert not backend.registration.has_users()


def test_the_second_of_two_forms_is_told_to_sign_in(browser: Browser, backend: Backend) -> None:
    """Two tabs with the form open: who sends later finds the school taken, and makes no second administrator."""
    first, second = browser.open(), browser.open()
    filled(first)
    filled(second, email="late@example.org")
    assert heading(second.run()) == "Sign in"
    assert backend.mongo["users"].count_documents({}) == 1


def test_the_demo_school_opens_beside_the_page(
    browser: Browser, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A double click opens it once; meanwhile every tab shows how far it is; afterwards comes the sign-in form."""
    steps, release = list[str](), list[bool]()

    def open_school(opened: Backend, *, on_progress: object) -> None:
        steps.append("begun")
        assert callable(on_progress)
        on_progress(3, 12, "Third of twelve")
        until(lambda: bool(release))
        opened.registration.create_first_administrator(
            name="Demo", email="admin@demo.school", password="demo-school-2026", is_demo=True
        )

    monkeypatch.setattr("backend.demo.open_school", open_school)
    tab, other = browser.open(), browser.open()
    tab.button("open_demo").click().run()
    opening.start()
    until(lambda: (opening.current() or opening.Opening()).share > 0)
    watching = other.run()
    assert not watching.exception
    assert not watching.text_input
    (bar,) = watching.get("progress")
    assert isinstance(bar, Element)
    assert (bar.proto.value, bar.proto.text) == (25, "Third of twelve")
    release.append(True)
    until(lambda: not opening.is_running())
    assert heading(tab.run()) == "Sign in"
    assert steps == ["begun"]


def test_a_demo_school_that_fails_says_why(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence of the failure stands on the page, with the button to try again."""

    def open_school(_backend: Backend, *, on_progress: object) -> None:
        raise NotAllowed(f"Not here, {type(on_progress).__name__}.")

    monkeypatch.setattr("backend.demo.open_school", open_school)
    tab = browser.open()
    tab.button("open_demo").click().run()
    until(lambda: not opening.is_running())
    tab.run()
    assert "Not here" in tab.error[0].value
    assert tab.button("open_demo")


def test_a_production_school_is_not_offered_the_demo(
    browser: Browser, backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In production nobody can open a school whose passwords are published."""
    monkeypatch.setattr(type(backend.settings), "demo_allowed", property(lambda _settings: False))
    tab = browser.open()
    assert [button.key for button in tab.button] == [FORM]
