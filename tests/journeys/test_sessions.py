"""Who may see what, from signing in to being shut out: a page that is open already is no exception."""

import re
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Locator, TimeoutError, expect

from tests.journeys.running import Visitors
from tests.journeys.school import DEMO_PASSWORD, PASSWORD, ServedSchool


def status_of(served: ServedSchool, **headers: str) -> int:
    """What the API answers to “who am I?”."""
    try:
        with urlopen(Request(f"{served.app.url}/api/v1/auth/me", headers=headers), timeout=10) as answer:  # noqa: S310 (own app)
            return int(answer.status)
    except HTTPError as refused:
        refused.close()
        return refused.code


def click_if_there(button: Locator) -> None:
    """The next click of a person whose page may have learnt by itself that she is out."""
    with suppress(TimeoutError):
        button.click(timeout=2_000)


def test_a_deactivated_person_is_out_on_the_next_click(served: ServedSchool, visitors: Visitors) -> None:
    """Once an administrator has deactivated a student, her open page, her cookie and her token stop working."""
    person = served.lone_student()
    student, admin = visitors(served.app), served.visit(visitors, "admin@demo.school")
    student.sign_in(person.email, person.password, "/chapters")
    row = student.page.locator("li.cp-row").first
    row.wait_for()
    cookie = next(one["value"] for one in student.context.cookies() if one["name"] == "session")
    token = served.backend.sign_in.sign_in_program(person.email, PASSWORD, "a program").access_token
    assert status_of(served, Authorization=f"Bearer {token}") == 200
    assert status_of(served, Cookie=f"session={cookie}") == 200

    page = admin.open("/users")
    page.get_by_role("searchbox", name="Search").fill(person.email)
    page.keyboard.press("Enter")
    page.get_by_role("row").filter(has_text=person.email).get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Deactivate").click()
    dialog.get_by_role("button", name="Yes, deactivate").click()
    expect(dialog.get_by_text("is deactivated")).to_be_visible()

    click_if_there(row.get_by_role("button", name="+5:"))
    expect(student.page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    assert status_of(served, Authorization=f"Bearer {token}") == 401
    assert status_of(served, Cookie=f"session={cookie}") == 401
    assert student.page.url.endswith("/chapters")
    student.page.get_by_label("E-mail address").fill(person.email)
    student.page.get_by_role("textbox", name="Password").fill(person.password)
    student.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(student.page.get_by_text("E-mail address or password is wrong.")).to_be_visible()


@pytest.mark.parametrize(
    ("email", "path"),
    [
        ("student1@demo.school", "/users"),
        ("student1@demo.school", "/classroom"),
        ("student1@demo.school", "/manage-chapters"),
        ("teacher1@demo.school", "/health"),
        ("teacher1@demo.school", "/chapters"),
    ],
)
def test_somebody_elses_page_says_so(served: ServedSchool, visitors: Visitors, email: str, path: str) -> None:
    """The path of a page for another role says that it is not for this person, and shows nothing of it."""
    page = served.visit(visitors, email).open(path)
    expect(page.get_by_role("heading", level=1)).to_contain_text("This page is not for you")
    expect(page.get_by_role("table")).to_have_count(0)


def test_a_deep_link_survives_signing_in(served: ServedSchool, visitors: Visitors) -> None:
    """Who opens a chapter's address signed out lands on that chapter once signed in, and a reload stays there."""
    chapter = served.backend.chapters.active()[7]
    visitor = visitors(served.app)
    visitor.sign_in("student1@demo.school", DEMO_PASSWORD, f"/chapter?id={chapter.id}")
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(chapter.chapter)
    expect(visitor.reload().get_by_role("heading", level=1)).to_contain_text(chapter.chapter)
    assert visitor.page.url.endswith(f"/chapter?id={chapter.id}")


def test_signing_out_ends_it(served: ServedSchool, visitors: Visitors) -> None:
    """After signing out neither Back nor a reload nor another tab's next click shows anything of the person."""
    visitor = visitors(served.app)
    page = visitor.sign_in("student1@demo.school", DEMO_PASSWORD)
    cookie = next(one["value"] for one in visitor.context.cookies() if one["name"] == "session")
    visitor.open("/chapters")
    other = visitor.tab("/chapters")
    other.locator("li.cp-row").first.wait_for()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    assert [one for one in visitor.context.cookies() if one["name"] == "session"] == []
    assert status_of(served, Cookie=f"session={cookie}") == 401

    page.go_back()
    visitor.reload()
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    expect(page.locator("li.cp-row")).to_have_count(0)
    click_if_there(other.locator("li.cp-row").first.get_by_role("button", name="+1:"))
    expect(other.get_by_role("heading", name="Sign in", level=1)).to_be_visible()


def test_the_cookie_is_out_of_reach_of_scripts(served: ServedSchool, visitors: Visitors) -> None:
    """The session cookie is HttpOnly and SameSite=Lax, and no script of the page can read it."""
    visitor = visitors(served.app)
    page = visitor.sign_in("student2@demo.school", DEMO_PASSWORD)
    cookie = next(one for one in visitor.context.cookies() if one["name"] == "session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert not re.search(r"\bsession=", page.evaluate("document.cookie"))


def test_wrong_password_keeps_what_was_typed(served: ServedSchool, visitors: Visitors) -> None:
    """A wrong password gives one sentence, and the address stays in its field."""
    page = visitors(served.app).open()
    page.get_by_label("E-mail address").fill("student1@demo.school")
    page.get_by_role("textbox", name="Password").fill("not this one")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("E-mail address or password is wrong.")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value("student1@demo.school")
