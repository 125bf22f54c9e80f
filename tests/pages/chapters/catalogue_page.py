"""The page of the catalogue as its teacher has it open, for the tests of its parts."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import Chapter
from tests.pages.signed_in import OpenPage
from tests.school import School


@pytest.fixture
def page(open_page: OpenPage, school: School, teacher: Viewer) -> AppTest:
    """The page of a teacher, open."""
    opened = open_page("chapters/manage_chapters.py", school.user(teacher))
    assert not opened.exception, opened.exception[0].value
    return opened


@pytest.fixture
def chapter(backend: Backend) -> Chapter:
    """The first chapter of the syllabus."""
    return backend.chapters.active()[0]


def view(page: AppTest, name: str) -> None:
    page.segmented_control(key="catalogue-view").set_value(name).run()
    assert not page.exception, page.exception[0].value


def press(page: AppTest, label: str) -> None:
    """Click the button that says so."""
    next(each for each in page.button if each.label == label).click().run()
    assert not page.exception, page.exception[0].value
