"""The way in: gate, form, cookie, roles, and what happens to a page whose person is gone."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import User
from backend.bootstrap import Backend
from pages.shell import services, session
from pages.shell.navigation import PATHS
from tests.pages.at_path import Browser, heading, html_of
from tests.school import PASSWORD, School, altered

HOSTILE = "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1)) :red[y]"


def filled(tab: AppTest, email: str, password: str) -> AppTest:
    """The form sent with these."""
    tab.text_input("email").set_value(email)
    tab.text_input("password").set_value(password)
    return tab.button("FormSubmitter:sign_in-Sign in").click().run()


def named(school: str, backend: Backend) -> Backend:
    """The same backend in a school of this name."""
    return altered(backend, settings=backend.settings.model_copy(update={"school_name": school}))


@pytest.mark.parametrize("path", ["", *PATHS])
def test_every_path_leads_a_guest_to_the_form(browser: Browser, admin_user: User, path: str) -> None:
    """No page shows anything to somebody who is not signed in."""
    tab = browser.open(path)
    assert not tab.exception
    assert heading(tab) == "Sign in"


def test_after_signing_in_the_page_asked_for_opens(browser: Browser, admin_user: User) -> None:
    """The form leads back to the path that was asked for; the cookie then carries through every reload."""
    filled(browser.open("users"), admin_user.email, PASSWORD)
    assert browser.settle() == ""
    assert heading(browser.open("users")) == "Users"
    assert heading(browser.open("users")) == "Users"


def test_a_wrong_password_keeps_what_was_typed(browser: Browser, admin_user: User) -> None:
    """One sentence says what is wrong, the address stays, and nobody is signed in."""
    tab = filled(browser.open(), "asha@example.org", "wrong password")
    assert [error.value for error in tab.error] == ["E-mail address or password is wrong."]
    assert tab.text_input("email").value == "asha@example.org"
    assert browser.exchanges == []


def test_password_managers_know_the_fields(browser: Browser, admin_user: User) -> None:
    """The fields carry the autocomplete values that password managers look for."""
    tab = browser.open()
    fields = {each.key: each.proto.autocomplete for each in tab.text_input}
    assert fields == {"email": "username", "password": "current-password"}


def test_without_cookies_the_form_says_so(browser: Browser, admin_user: User) -> None:
    """A browser that refuses cookies cannot stay signed in, and is told so in place."""
    browser.cookies.clear()
    tab = filled(browser.open(), admin_user.email, PASSWORD)
    assert "refuses cookies" in tab.error[0].value


def test_a_failed_exchange_says_so(browser: Browser, admin_user: User) -> None:
    """Where the browser could not fetch its cookie, the form is back with a sentence."""
    tab = browser.open()
    tab.session_state["shell.session.failed"] = True
    tab.run()
    assert "could not be signed in" in tab.error[0].value
    assert not tab.run().error


def test_signing_out_ends_every_tab(browser: Browser, admin_user: User) -> None:
    """The button ends the session, drops the cookie, and a second tab is out with its next click."""
    browser.sign_in(admin_user)
    first, second = browser.open("settings"), browser.open("settings")
    kept = dict(browser.cookies)
    first.button("shell.navigation.sign_out").click().run()
    assert browser.settle() == "/"
    browser.cookies.update(kept)  # the second tab still sends the cookie its connection was opened with
    assert heading(second.run()) == "Sign in"


def test_a_deactivated_person_is_out_on_the_next_click(browser: Browser, backend: Backend, school: School) -> None:
    """Her open page shows the sign-in form as soon as she clicks anything."""
    viewer = school.admin()
    teacher = school.user(school.teacher(viewer))
    browser.sign_in(teacher)
    tab = browser.open("settings")
    assert heading(tab) == "Settings"
    backend.administration.set_active(viewer, teacher.id, active=False)
    assert heading(tab.run()) == "Sign in"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_another_role_is_not_for_you(browser: Browser, school: School, path: str) -> None:
    """A page that is not of a person's role says so, and draws nothing of itself."""
    roles = PATHS[path][1]
    teacher = school.teacher(school.admin())
    people = {"teacher": teacher, "student": school.student(school.classroom(teacher))}
    for role, viewer in people.items():
        if role not in roles:
            browser.sign_in(school.user(viewer))
            assert heading(browser.open(path)) == "This page is not for you"


def test_a_hostile_name_is_shown_as_typed(browser: Browser, backend: Backend) -> None:
    """HTML and Markdown in a name stay letters, beside the menu and on the home page."""
    user = backend.registration.create_first_administrator(name=HOSTILE, email="a@example.org", password=PASSWORD)
    browser.sign_in(user)
    drawn = html_of(browser.open())
    assert "&lt;img src=x onerror=alert(1)&gt; **bold**" in drawn
    assert "<img src=x" not in drawn


def test_the_school_name_stands_on_the_door(browser: Browser, backend: Backend, admin_user: User) -> None:
    """The form is headed by the school's name, or by the product's where none is set."""
    assert "Chapter Performance" in html_of(browser.open())
    services.install(named("Sunrise Academy", backend))
    assert "<strong>Sunrise Academy</strong>" in html_of(browser.open())


def test_the_school_name_stands_in_the_sidebar(browser: Browser, backend: Backend, admin_user: User) -> None:
    """Who is signed in reads the school's name, as typed, above her own; where none is set, nothing stands there."""
    browser.sign_in(admin_user)
    assert "cp-school" not in html_of(browser.open())
    services.install(named("<b>Sunrise</b>", backend))
    assert '<p class="cp-school">&lt;b&gt;Sunrise&lt;/b&gt;</p>' in html_of(browser.open())


def test_demo_sign_ins_are_shown_in_a_demo_school_alone(
    browser: Browser, backend: Backend, school: School, admin_user: User
) -> None:
    """Known sign-ins appear only where demo accounts exist, and a click signs in."""
    assert not [button for button in browser.open().button if str(button.key).startswith("demo-")]
    demo = backend.administration.create(
        school.viewer(admin_user), name="Demo", email="teacher1@demo.school", role="teacher", is_demo=True
    )
    backend.accounts.reset_password(demo.token, "demo-school-2026")
    backend.cache.invalidate("viewers")
    tab = browser.open("settings")
    assert "teacher1@demo.school – password demo-school-2026" in html_of(tab)
    tab.button("demo-teacher").click().run()
    browser.settle()
    person = backend.sign_in.viewer(browser.cookies[session.SESSION_COOKIE])
    assert person.email == "teacher1@demo.school"
