"""The list of users: found by search and role, in pages. Its dialogs are tried in tests/journeys."""

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from pages.accounts.user_dialogs import reset_address
from pages.shell import services
from tests.pages.at_path import Browser, heading, html_of
from tests.school import School, altered


@pytest.fixture
def admin_of_many(browser: Browser, school: School) -> Viewer:
    """The administrator, signed in in the browser, in a school with 30 teachers."""
    viewer = school.admin()
    browser.sign_in(school.user(viewer))
    for number in range(30):
        school.backend.administration.create(
            viewer, name=f"Teacher {number:02}", email=f"t{number}@example.org", role="teacher"
        )
    return viewer


def test_everybody_is_listed_in_pages(browser: Browser, admin_of_many: Viewer) -> None:
    """31 people are more than a page: it says which it shows, and how many there are."""
    tab = browser.open("users")
    assert not tab.exception
    assert heading(tab) == "Users"
    assert "1–25 of 31" in html_of(tab)


def test_search_finds_and_says_when_nobody_fits(browser: Browser, admin_of_many: Viewer) -> None:
    """A search narrows the list at once; one that fits nobody says what to do next."""
    tab = browser.open("users")
    tab.text_input("search").set_value("t17@").run()
    assert "1–1 of 1" in html_of(tab)
    tab.text_input("search").set_value("nobody at all").run()
    assert "Nobody found" in html_of(tab)
    assert "Try another part" in html_of(tab)


def test_a_role_narrows_the_list(browser: Browser, admin_of_many: Viewer) -> None:
    """The filter by role shows that role alone."""
    tab = browser.open("users")
    tab.segmented_control("role").set_value("admin").run()
    assert "1–1 of 1" in html_of(tab)


def test_links_carry_the_whole_address(
    browser: Browser, backend: Backend, admin_of_many: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A one-time link is a whole address: that of the browser, or the one that the school has set."""
    monkeypatch.setattr(
        "streamlit.runtime.context.ContextProxy.url", property(lambda _self: "http://10.0.0.5:8501/users")
    )
    assert reset_address("secret") == "http://10.0.0.5:8501/reset-password?token=secret"
    public = backend.settings.model_copy(update={"public_url": "https://learn.school.example/"})
    services.install(altered(backend, settings=public))
    assert reset_address("secret") == "https://learn.school.example/reset-password?token=secret"
