"""Signing up where the school sends mail: a e-mail is on its way, whoever has the address."""

import pytest

from backend.bootstrap import Backend
from tests.mails.post_office import open_post
from tests.mails.sending import mailing, office
from tests.pages.accounts.test_sign_up import filled
from tests.pages.at_path import Browser
from tests.school import School

__all__ = ["mailing", "office", "open_post"]


@pytest.fixture
def backend(mailing: Backend) -> Backend:
    """The school of these tests."""
    return mailing


def test_the_page_says_the_same_of_any_address(browser: Browser, school: School) -> None:
    """A free address and a taken one are told of a letter; nobody is signed in, and nobody new is there."""
    classroom = school.classroom(school.teacher(school.admin()))
    taken, code = school.student(classroom).email, str(classroom.join_code)
    people = school.backend.mongo["users"].count_documents({})
    said = {filled(browser.open("sign-up"), code, email).success[0].value for email in (taken, "free@example.org")}
    assert len(said) == 1 and "e-mail is on its way" in said.pop()
    assert "session" not in browser.cookies
    assert school.backend.mongo["users"].count_documents({}) == people
