"""Your data on the settings page, and the deletion of an account by an administrator."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from tests.pages.at_path import html_of
from tests.pages.signed_in import OpenPage
from tests.school import School


def test_a_student_sees_who_sees_what(school: School, open_page: OpenPage, student: Viewer) -> None:
    """Each kind of data with those who see it; the leaderboard says whether she takes part."""
    page = open_page("accounts/settings.py", school.user(student), view="data")
    assert not page.exception
    said = html_of(page)
    for words in ("Who can see what about me", "teachers of your classes", "nobody: you do not take part"):
        assert words in said


def test_she_asks_for_her_deletion_and_changes_her_mind(
    backend: Backend, school: School, open_page: OpenPage, student: Viewer
) -> None:
    """Asking needs two clicks, keeping the account one; the date stands on the page meanwhile."""
    page = open_page("accounts/settings.py", school.user(student), view="data")
    page.button(key="delete-account").click().run()
    assert backend.rights.deletion(student) is None
    page.button(key="delete-yes").click().run()
    assert backend.rights.deletion(student) is not None
    assert any("2 December 2026" in each.value for each in page.warning), [each.value for each in page.warning]
    page.button(key="keep-account").click().run()
    assert backend.rights.deletion(student) is None


def test_an_administrator_sees_all_that_stand(
    backend: Backend, school: School, open_page: OpenPage, student: Viewer
) -> None:
    """The users page says how many accounts will be deleted, whose, and when."""
    backend.rights.request(student)
    office = backend.mongo["users"].find_one({"role": "admin"})
    assert office
    admin = backend.administration.user(Viewer(id="x", name="", email="", role="admin"), office["_id"])
    page = open_page("accounts/users.py", admin)
    assert not page.exception
    assert "Sita Student" in html_of(page)
    assert page.expander[0].label == "1 account will be deleted"
