"""From an empty folder to a student on her home page, all of it in the browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running import ROOT, RunningApp, Visitors, running

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
    expect(teacher.page.get_by_role("heading", level=1)).to_have_text(re.compile("Class$"))  # home has that form too
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


# Python runs a module of this name before the app. The demo school of the product takes a minute to make.
SMALL_DEMO = """
import sys
if sys.orig_argv[-1] == "app.py":
    from backend.demo.school import open_school
    open_school.__kwdefaults__.update(count=8, days=10)
"""


def test_the_demo_school_opens_from_the_first_page(tmp_path: Path, visitors: Visitors) -> None:
    """One click makes the demo school while a bar tells how far it is; a second window sees the same bar.

    Then the sign-in page shows known sign-ins, and one click leads to a student with work behind her.
    """
    (tmp_path / "sitecustomize.py").write_text(SMALL_DEMO)
    with running(tmp_path / "school", PYTHONPATH=f"{tmp_path}:{ROOT}") as app:
        page, other = visitors(app).open(), visitors(app)
        page.get_by_role("button", name="Open the demo school").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        other.open()
        expect(other.page.get_by_label("Your name")).to_have_count(0)
        for each in (page, other.page):
            expect(each.get_by_text("This is the demo school")).to_be_visible()
        expect(page.get_by_text("student1@demo.school")).to_be_visible()
        expect(page.get_by_text("demo-school-2026")).to_be_visible()
        page.get_by_role("button", name="Student", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")
        expect(page.get_by_role("heading", name="Continue with")).to_be_visible()
        expect(page.get_by_text("You have not started yet")).to_have_count(0)
