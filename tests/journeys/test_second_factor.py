"""The second factor as a person meets it: scanned, asked for, used once, found on paper; and forced on staff."""

import re
from pathlib import Path

import pyotp
from playwright.sync_api import Page, expect

from backend.accounts.models import User
from tests.journeys.running import Visitors, running
from tests.journeys.school import ServedSchool


def card(page: Page) -> str:
    return page.locator('[class*="st-key-cp-card-factor"]').locator("code").first.inner_text()


def turn_on(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    """Set it up on the page that is open: the app on the phone, and the codes on paper."""
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="QR code with the key below")).to_be_visible()
    phone = pyotp.TOTP(card(page).replace(" ", ""))
    page.get_by_role("textbox", name="Code", exact=True).fill(phone.now())
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("Keep these recovery codes")).to_be_visible()
    codes = card(page).split()
    page.get_by_role("button", name="I have saved them").click()
    return phone, codes


def password(page: Page, email: str, typed: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("textbox", name="Password").fill(typed)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()


def answer(page: Page, code: str) -> None:
    page.get_by_role("textbox", name="Code", exact=True).fill(code)
    page.get_by_role("button", name="Continue").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()


def test_a_second_factor_from_scan_to_paper(served: ServedSchool, visitors: Visitors) -> None:
    """Set up with the QR code; then signing in wants a code, which works once; a recovery code does too, once."""
    person = served.teacher("Tara Twofold")
    visitor = visitors(served.app)
    page = visitor.sign_in(person.email, person.password, "/settings?view=security")
    phone, codes = turn_on(page)
    assert len(codes) == 10
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()

    sign_out(page)
    password(page, person.email, person.password)
    answer(page, "000000")
    expect(page.get_by_text("This code is wrong")).to_be_visible()
    answer(page, codes[0])
    expect(page.get_by_role("button", name="Sign out", exact=True).first).to_be_attached()
    assert served.backend.sign_in.viewer(_cookie(visitor.context.cookies())).id == person.user.id

    sign_out(page)
    password(page, person.email, person.password)
    answer(page, codes[0])
    expect(page.get_by_text("was used before")).to_be_visible()
    spent = _spend(served, person.user, phone)
    answer(page, spent)
    expect(page.get_by_text("was used before")).to_be_visible()
    answer(page, codes[1].lower().replace("-", ""))
    expect(page.get_by_role("button", name="Sign out", exact=True).first).to_be_attached()
    visitor.open("/settings?view=security")
    expect(page.get_by_text("8 recovery codes left")).to_be_visible()


def _spend(served: ServedSchool, user: User, phone: pyotp.TOTP) -> str:
    """A code of the app that was used already: the present one, wherever in its half minute we are."""
    code = phone.now()
    step = int(served.backend.clock.now().timestamp()) // 30 + 1
    served.backend.mongo["users"].update_one({"_id": user.id}, {"$max": {"secondFactor.lastStep": step}})
    return code


def _cookie(cookies: object) -> str:
    assert isinstance(cookies, list)
    return str(next(each["value"] for each in cookies if each["name"] == "session"))


def test_an_administrator_is_led_to_it_where_it_is_wanted(
    served: ServedSchool, visitors: Visitors, tmp_path: Path
) -> None:
    """Where the school wants it of its staff, nothing opens before it is set up, and everything afterwards."""
    person = served.teacher("Asha Administrator")
    with running(tmp_path / "strict", **served.environment | {"REQUIRE_SECOND_FACTOR": "staff"}) as app:
        visitor = visitors(app)
        page = visitor.sign_in(person.email, person.password, "/manage-chapters")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Protect your account")
        expect(page.get_by_role("link", name="Class")).to_have_count(0)
        visitor.open("/classroom")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Protect your account")
        turn_on(page)
        expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("Class"))
        visitor.open("/settings?view=security")
        expect(page.get_by_text("Your school requires a second factor for your role.")).to_be_visible()
        expect(page.get_by_role("button", name="Turn off")).to_have_count(0)


def test_a_change_of_address_asks_for_the_password_again(served: ServedSchool, visitors: Visitors) -> None:
    """Some minutes after signing in the password is asked for; then the address is saved that was typed before."""
    person = served.lone_student()
    visitor = served.visit(visitors, person.email)
    page = visitor.open("/settings?view=security")
    served.backend.mongo["sessions"].update_many({"userId": person.user.id}, {"$unset": {"provenAt": ""}})
    field = page.get_by_test_id("stForm").get_by_label("E-mail address")
    field.fill("moved@example.org")
    page.get_by_role("button", name="Save address").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Password").fill("not this one")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("Your current password is wrong.")).to_be_visible()
    dialog.get_by_role("textbox", name="Password").fill(person.password)
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    assert served.backend.sign_in.authenticate("moved@example.org", person.password).id == person.user.id


def test_an_administrator_ends_one_session_of_somebody(served: ServedSchool, visitors: Visitors) -> None:
    """In the dialog of a person her sessions stand by device; the one that is signed out shows the sign-in form."""
    person = served.lone_student()
    student = served.visit(visitors, person.email)
    page = student.open("/settings?view=security")
    expect(page.get_by_text("This device")).to_be_visible()
    office = served.visit(visitors, "admin@demo.school").open("/users")
    office.get_by_role("searchbox", name="Search").fill(person.email)
    office.keyboard.press("Enter")
    office.get_by_role("row").filter(has_text=person.email).get_by_role("button").click()
    dialog = office.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile(r"Signed in on \d device"))).to_be_visible()
    for _session in range(served_sessions(served, person.user)):
        before = dialog.get_by_role("button", name="Sign out", exact=True).count()
        dialog.get_by_role("button", name="Sign out", exact=True).first.click()
        expect(dialog.get_by_role("button", name="Sign out", exact=True)).to_have_count(before - 1)
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()


def served_sessions(served: ServedSchool, user: User) -> int:
    """How many sessions she has."""
    return served.backend.mongo["sessions"].count_documents({"userId": user.id})
