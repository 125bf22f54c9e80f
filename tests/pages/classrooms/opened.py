"""Opens the page of a class."""

from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from tests.pages.signed_in import OpenPage
from tests.school import School


def opened(open_page: OpenPage, school: School, viewer: Viewer, **query: str) -> AppTest:
    """Return the page as `viewer` sees it."""
    page = open_page("classrooms/classroom.py", school.user(viewer), **query)
    assert not page.exception, page.exception[0].value
    return page


def view(page: AppTest, name: str) -> AppTest:
    """Return the page with another of its views chosen."""
    page.segmented_control(key="class-view").set_value(name).run()
    assert not page.exception, page.exception[0].value
    return page
