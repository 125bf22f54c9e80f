"""Moving between pages and panels: what a phone shows, what is said, and where the focus goes."""

from playwright.sync_api import expect

from tests.journeys.running import Visitors
from tests.journeys.school import ServedSchool


def test_a_phone_folds_the_menu_away(served: ServedSchool, visitors: Visitors) -> None:
    """The menu has a word, a choice closes it, and the new page's title is said."""
    visitor = served.visit(visitors, "student1@demo.school")
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    page = visitor.open("/")
    sign = page.get_by_test_id("stExpandSidebarButton")
    has_word = """sign => getComputedStyle(sign, "::after").content === '"Menu"'"""
    page.wait_for_function(has_word, arg=sign.element_handle())
    sign.click()
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Chapters")
    expect(link).to_be_in_viewport()
    link.click()
    expect(page.get_by_role("heading", level=1, name="Chapters")).to_be_in_viewport()
    expect(link).not_to_be_in_viewport()
    expect(page.locator("body > .cp-unseen[role=status]")).to_have_text("Chapters")


def test_an_open_learner_has_the_focus(served: ServedSchool, visitors: Visitors) -> None:
    """Opening a learner moves the focus to the panel's heading, closing it back to the row."""
    page = served.visit(visitors, "teacher1@demo.school").open("/classroom")
    row = page.get_by_role("table").last.get_by_role("rowheader").get_by_role("button").first
    name = row.inner_text()
    row.click()
    expect(page.get_by_role("heading", level=2, name=name)).to_be_focused()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("table").last.get_by_role("button", name=f"Open {name}")).to_be_focused()
