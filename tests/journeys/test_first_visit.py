"""From an empty folder to a student on her home page, all of it in the browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running import RunningApp, Visitors, running

PASSWORD = "a long enough one"


@pytest.fixture(scope="module")
def empty_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app on an empty data folder, with its private servers."""
    with running(tmp_path_factory.mktemp("empty") / "data") as app:
        yield app


def create_administrator(page: Page) -> None:
    page.get_by_label("Your name").fill("Asha Admin")
    page.get_by_label("E-mail address").fill("asha@school.example")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Create and sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def add_teacher(page: Page) -> str:
    """The one-time link of a new teacher."""
    page.get_by_role("link", name="Users").click()
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Tara Teacher")
    dialog.get_by_label("E-mail address").fill("tara@school.example")
    dialog.get_by_role("button", name="Add", exact=True).click()
    link = dialog.get_by_text("/reset-password?token=")
    return link.inner_text().strip()


def test_first_visit_to_first_student(empty_app: RunningApp, visitors: Visitors) -> None:
    """An administrator, her teacher by a one-time link, and a student by a join code come in on an empty school."""
    admin = visitors(empty_app)
    create_administrator(admin.open())
    link = add_teacher(admin.page)

    teacher = visitors(empty_app)
    teacher.page.goto(link)
    teacher.page.get_by_role("textbox", name="New password").fill(PASSWORD)
    teacher.page.get_by_role("button", name="Set password and sign in").click()
    expect(teacher.page.get_by_role("button", name="Sign out")).to_be_visible()
    teacher.page.get_by_role("link", name="Class", exact=True).click()
    teacher.page.get_by_label("Name of the class").fill("12 A")
    teacher.page.get_by_role("button", name="Create class").click()
    expect(teacher.page.get_by_role("heading", level=1)).to_contain_text("12 A")
    code = teacher.page.locator(".cp-code").inner_text()

    student = visitors(empty_app)
    student.open().get_by_role("link", name="Have a join code?").click()
    student.page.get_by_role("textbox", name="Join code").fill(code.lower())
    student.page.get_by_label("Your name").fill("Sita Student")
    student.page.get_by_label("E-mail address").fill("sita@school.example")
    student.page.get_by_role("textbox", name="Password").fill(PASSWORD)
    student.page.get_by_role("button", name="Create account").click()
    expect(student.page.get_by_role("heading", level=1)).to_contain_text("Hello, Sita")
    expect(student.page.get_by_text("0 of 101")).to_be_visible()

    # The link was for once.
    teacher.page.goto(link)
    again = visitors(empty_app)
    again.page.goto(link)
    expect(again.page.get_by_text("This link does not work any more")).to_be_visible()
