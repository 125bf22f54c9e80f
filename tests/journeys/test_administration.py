"""What an administrator does on the users page, dialog by dialog, in the browser."""

from playwright.sync_api import Locator, Page, expect

from tests.journeys.running import Visitors
from tests.journeys.school import PASSWORD, Person, ServedSchool

NEW = "a new and longer one"


def opened(page: Page, person: Person) -> Locator:
    """The dialog of one person, found by her address."""
    page.get_by_placeholder("Name or e-mail address").fill(person.email)
    page.keyboard.press("Enter")
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    page.get_by_role("button", name=person.user.name).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(person.email)).to_be_visible()
    return dialog


def test_a_password_link_works_once(served: ServedSchool, visitors: Visitors) -> None:
    """The link that the dialog shows sets a new password and signs in; the second visitor reads that it is used."""
    teacher = served.teacher("Leela Linked")
    page = served.visit(visitors, "admin@demo.school").open("/users")
    dialog = opened(page, teacher)
    dialog.get_by_role("button", name="Make a password link").click()
    link = dialog.locator("code").inner_text()
    assert link.startswith(f"{served.app.url}/reset-password?token=")

    hers = visitors(served.app).open(link.removeprefix(served.app.url))
    hers.get_by_role("textbox", name="New password").fill(NEW)
    hers.get_by_role("button", name="Set password and sign in").click()
    expect(hers.get_by_role("button", name="Sign out")).to_be_attached()
    assert served.backend.sign_in.authenticate(teacher.email, NEW).id == teacher.user.id

    late = visitors(served.app).open(link.removeprefix(served.app.url))
    expect(late.get_by_text("This link does not work any more")).to_be_visible()


def test_deactivating_asks_first(served: ServedSchool, visitors: Visitors) -> None:
    """Cancel changes nothing; agreeing shuts out, marks the row with a word, and can be taken back."""
    teacher = served.teacher("Dina Doubtful")
    page = served.visit(visitors, "admin@demo.school").open("/users")
    dialog = opened(page, teacher)
    dialog.get_by_role("button", name="Deactivate").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog.get_by_role("button", name="Yes, deactivate")).to_be_hidden()
    assert served.backend.sign_in.authenticate(teacher.email, PASSWORD).is_active
    dialog.get_by_role("button", name="Deactivate").click()
    dialog.get_by_role("button", name="Yes, deactivate").click()
    expect(dialog.get_by_role("button", name="Activate", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("cell", name="Deactivated")).to_be_visible()
    page.get_by_role("button", name=teacher.user.name).click()
    page.get_by_role("dialog").get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("may sign in again")).to_be_visible()
    assert served.backend.sign_in.authenticate(teacher.email, PASSWORD).is_active


def test_nobody_shuts_herself_out(served: ServedSchool, visitors: Visitors) -> None:
    """An administrator who tries to deactivate herself is told why not, and stays signed in."""
    visitor = served.visit(visitors, "admin@demo.school")
    page = visitor.open("/users")
    dialog = opened(page, Person(served.backend.accounts.me(served.viewer("admin@demo.school")), ""))
    dialog.get_by_role("button", name="Deactivate").click()
    dialog.get_by_role("button", name="Yes, deactivate").click()
    expect(dialog.get_by_text("You cannot deactivate yourself")).to_be_visible()
    visitor.reload()
    expect(page.get_by_role("heading", name="Users")).to_be_visible()


def test_a_new_role_opens_its_pages(served: ServedSchool, visitors: Visitors) -> None:
    """A teacher who becomes an administrator has the users page with her next click."""
    teacher = served.teacher("Pia Promoted")
    hers = served.visit(visitors, teacher.email)
    expect(hers.open("/users").get_by_role("heading", level=1)).to_contain_text("This page is not for you")
    dialog = opened(served.visit(visitors, "admin@demo.school").open("/users"), teacher)
    dialog.get_by_role("combobox").click()
    dialog.page.get_by_role("option", name="Administrator").click()
    dialog.get_by_role("button", name="Change role").click()
    dialog.get_by_role("button", name="Yes, change").click()
    expect(dialog.get_by_text("is now: Administrator")).to_be_visible()
    expect(hers.open("/users").get_by_role("heading", level=1)).to_contain_text("Users")
    served.backend.administration.set_role(served.viewer("admin@demo.school"), teacher.user.id, "teacher")


def test_health_refreshes_without_moving_the_page(served: ServedSchool, visitors: Visitors) -> None:
    """The page draws itself anew within seconds, and whoever has scrolled down stays where she was."""
    page = served.visit(visitors, "admin@demo.school").open("/health")
    as_of = page.get_by_text("As of")
    before = as_of.inner_text()
    last = page.get_by_text("95% of requests within")
    last.scroll_into_view_if_needed()
    place = last.bounding_box()
    expect(as_of).not_to_have_text(before)
    assert last.bounding_box() == place
