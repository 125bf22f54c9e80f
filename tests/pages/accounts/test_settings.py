"""Settings: each form saves by itself, refuses in place, and holds from the next click."""

from datetime import date

import pytest

from backend.accounts.models import ProfileChange, User, Viewer
from backend.bootstrap import Backend
from backend.errors import NotSignedIn
from pages.accounts.session_list import device_name
from tests.pages.at_path import Browser, html_of
from tests.school import PASSWORD, School

NEW = "another horse battery"


@pytest.fixture
def person(browser: Browser, school: School, student: Viewer) -> User:
    """The student, signed in in the browser."""
    user = school.user(student)
    browser.sign_in(user)
    return user


def test_a_new_name_stands_beside_the_menu_at_once(
    browser: Browser, school: School, person: User, student: Viewer
) -> None:
    """Saving the name says when, and the name beside the menu is the new one in the same run."""
    tab = browser.open("settings")
    tab.text_input("name").set_value("Sita Devi")
    tab.button("FormSubmitter:cp-card-name-Save name").click().run()
    assert school.user(student).name == "Sita Devi"
    assert "<strong>Sita Devi</strong>" in html_of(tab)
    assert "Saved 12:00" in html_of(tab)


def test_goal_and_exam_date_are_saved(browser: Browser, school: School, person: User, student: Viewer) -> None:
    """A goal and a date are saved; emptying the date takes it back."""
    tab = browser.open("settings")
    tab.text_input("daily_goal").set_value("३५")
    tab.date_input("exam_date").set_value(date(2027, 4, 4))
    tab.button("FormSubmitter:cp-card-goal-Save goal").click().run()
    assert (school.user(student).daily_goal, school.user(student).exam_date) == (35, date(2027, 4, 4))
    tab.date_input("exam_date").set_value(None)
    tab.button("FormSubmitter:cp-card-goal-Save goal").click().run()
    assert (school.user(student).daily_goal, school.user(student).exam_date) == (35, None)


@pytest.mark.parametrize("typed", ["1,5", "0,5", "1.000", "0", "501", "many", ""])
def test_a_goal_is_never_guessed(browser: Browser, school: School, person: User, student: Viewer, typed: str) -> None:
    """What is no whole number from 1 to 500 is refused in words, and stays in its field."""
    tab = browser.open("settings")
    tab.text_input("daily_goal").set_value(typed)
    tab.button("FormSubmitter:cp-card-goal-Save goal").click().run()
    assert len(tab.error) == 1
    assert typed in tab.error[0].value
    assert tab.text_input("daily_goal").value == typed
    assert school.user(student).daily_goal == person.daily_goal


def test_zone_and_day_end_are_saved(browser: Browser, school: School, person: User, student: Viewer) -> None:
    """The time zone is one of all that exist, and the page says what time it is there."""
    tab = browser.open("settings")
    assert "Asia/Kolkata" in tab.selectbox("time_zone").options
    tab.selectbox("time_zone").set_value("Asia/Dubai")
    tab.selectbox("day_end_hour").set_value(3)
    tab.button("FormSubmitter:cp-card-day-Save day").click().run()
    assert (school.user(student).time_zone, school.user(student).day_end_hour) == ("Asia/Dubai", 3)
    assert any("10:30" in caption.value for caption in tab.caption)


def test_joining_and_leaving_the_board_are_the_same_effort(
    browser: Browser, school: School, person: User, student: Viewer
) -> None:
    """One choice and one button, both ways; joining without a name is refused in place."""
    tab = browser.open("settings", view="classes")
    tab.radio("board_joined").set_value(True)
    tab.button("FormSubmitter:cp-card-board-Save choice").click().run()
    assert "display name" in tab.error[0].value.lower()
    assert not school.user(student).board_joined
    tab.text_input("board_name").set_value("Comet")
    tab.button("FormSubmitter:cp-card-board-Save choice").click().run()
    assert (school.user(student).board_joined, school.user(student).board_name) == (True, "Comet")
    tab.radio("board_joined").set_value(False)
    tab.button("FormSubmitter:cp-card-board-Save choice").click().run()
    assert not school.user(student).board_joined


def test_a_wrong_join_code_is_refused_in_place(browser: Browser, person: User) -> None:
    """A code that no class has is said so, and the classes stay as they were."""
    tab = browser.open("settings", code="nonsense")
    tab.button("FormSubmitter:cp-card-join-Join class").click().run()
    assert "No class has this join code" in tab.error[0].value
    assert any("12 A" in caption.value for caption in tab.caption)


def test_changing_the_password_ends_other_sessions(browser: Browser, backend: Backend, person: User) -> None:
    """The fields are emptied, this session stays, every other one is over."""
    other = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(person, "b"), "b", "test")
    tab = browser.open("settings", view="security")
    tab.text_input("current-0").set_value("not it")
    tab.text_input("new-0").set_value(NEW)
    tab.button("FormSubmitter:cp-card-password-Change password").click().run()
    assert tab.error[0].value == "Your current password is wrong."
    tab.text_input("current-0").set_value(PASSWORD)
    tab.button("FormSubmitter:cp-card-password-Change password").click().run()
    assert not tab.error
    assert tab.text_input("current-1").value == ""
    assert backend.sign_in.authenticate(person.email, NEW)
    assert backend.sign_in.viewer(browser.cookies["session"]).id == person.id
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(other)


def test_signing_out_elsewhere_leaves_this_device(browser: Browser, backend: Backend, person: User) -> None:
    """The list names this device; the button ends all the others and says how many."""
    backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(person, "b"), "b", "Mozilla/5.0 (X11) Firefox/141.0")
    tab = browser.open("settings", view="security")
    assert "Firefox, Linux" in html_of(tab)
    tab.button("sign_out_elsewhere").click().run()
    assert "Firefox, Linux" not in html_of(tab)
    assert "This device" in html_of(tab)


def test_settings_of_a_teacher_have_no_goal(browser: Browser, school: School) -> None:
    """Goal, board, classes and day end are a student's; name, zone, password and sessions are everybody's."""
    browser.sign_in(school.user(school.teacher(school.admin())))
    tab = browser.open("settings")
    assert not tab.exception
    assert "daily_goal" not in [each.key for each in tab.text_input]
    assert not tab.radio
    assert [each.key for each in tab.selectbox] == ["time_zone"]


def test_another_tab_shows_what_was_saved(
    browser: Browser, backend: Backend, school: School, person: User, student: Viewer
) -> None:
    """A tab that is opened after a change shows the change, not what it remembered."""
    browser.open("settings")
    backend.accounts.update_profile(student, ProfileChange(daily_goal=77))
    assert browser.open("settings").text_input("daily_goal").value == "77"


def test_the_address_opens_a_view_and_a_view_stands_in_the_address(browser: Browser, person: User) -> None:
    """Only the chosen view is in sight, of those not opened nothing is drawn; an unknown name opens the first one."""
    tab = browser.open("settings", view="nonsense")
    assert "<h2>Name</h2>" in html_of(tab)
    assert "<h2>Password</h2>" not in html_of(tab)
    tab.segmented_control("settings-view").set_value("security").run()
    assert tab.query_params["view"] == "security"
    assert "<h2>Password</h2>" in html_of(tab)
    assert "<h2>Your data</h2>" not in html_of(tab)
    assert "display: none" in html_of(tab)
    assert ".st-key-cp-cards-profile" in html_of(tab)
    assert ".st-key-cp-cards-security" not in html_of(tab)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18) Version/18 Mobile Safari/604", "Safari, iPhone"),
        ("curl/8.5", "Browser"),
        ("", "Browser"),
    ],
)
def test_devices_are_named_in_two_words(user_agent: str, words: str) -> None:
    """A browser's own description is said as a person would say it."""
    assert device_name(user_agent) == words
