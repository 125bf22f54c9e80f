"""A student joins: the form with the join code, and invitations that meet somebody who is signed in."""

from streamlit.testing.v1 import AppTest

from backend.bootstrap import Backend
from tests.pages.at_path import Browser, heading
from tests.school import PASSWORD, School

FORM = "FormSubmitter:sign_up-Create account"


def filled(tab: AppTest, code: str, email: str = "sita@example.org") -> AppTest:
    """The form sent."""
    tab.text_input[0].set_value(code)
    tab.text_input("name").set_value("Sita")
    tab.text_input("email").set_value(email)
    tab.text_input("password").set_value(PASSWORD)
    return tab.button(FORM).click().run()


def test_a_link_fills_in_the_code(browser: Browser, school: School) -> None:
    """An invitation with ?code= needs no typing of the code, and leads home as a student of that class."""
    classroom = school.classroom(school.teacher(school.admin()))
    tab = browser.open("sign-up", code=str(classroom.join_code))
    assert tab.text_input[0].value == classroom.join_code
    filled(tab, tab.text_input[0].value or "")
    assert browser.settle() == "/"
    browser.open()
    assert school.backend.classrooms.classrooms(school.backend.sign_in.viewer(browser.cookies["session"]))


def test_a_wrong_code_keeps_what_was_typed(browser: Browser, school: School) -> None:
    """A code that no class has is said so; name and address stay, and no account is made."""
    school.admin()
    tab = filled(browser.open("sign-up"), "nonsense")
    assert "No class has this join code" in tab.error[0].value
    assert tab.text_input("name").value == "Sita"
    assert school.backend.mongo["users"].count_documents({}) == 1


def test_the_notice_says_who_sees_what(browser: Browser, school: School) -> None:
    """Before a name is typed the page says what teachers, other students and strangers will see."""
    school.admin()
    tab = browser.open("sign-up")
    (notice,) = (each.value for each in tab.markdown if "teachers of your class" in each.value)
    assert "no tracking" in notice


def test_a_student_takes_an_invitation_to_her_settings(browser: Browser, school: School, backend: Backend) -> None:
    """Somebody with an account is not asked for another one: the code awaits her on the settings page."""
    teacher = school.teacher(school.admin())
    student = school.student(school.classroom(teacher))
    second = school.classroom(teacher, "12 B")
    browser.sign_in(school.user(student))
    assert heading(browser.open("sign-up", code=str(second.join_code))) == "Join your class"
    tab = browser.open("settings", code=str(second.join_code))
    tab.button("FormSubmitter:cp-card-join-Join class").click().run()
    assert [each.name for each in backend.classrooms.classrooms(school.viewer(school.user(student)))] == [
        "12 A",
        "12 B",
    ]
