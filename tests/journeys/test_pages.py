"""Every page for every role on a phone, light and dark: it fits, has one main heading, asks for nothing in vain, and
passes axe-core."""

import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running import Visitor, Visitors, Windows, visiting
from tests.journeys.school import ServedSchool

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
GRAVE = {"serious", "critical"}
SETTLING_SECONDS = 10.0
PEOPLE = {"student": "student1@demo.school", "teacher": "teacher1@demo.school", "admin": "admin@demo.school"}
PATHS = {
    "guest": ("/", "/sign-up?code=ABC-234", "/reset-password?token=nobody", "/chapters"),
    "student": ("/", "/chapters", "/chapter", "/insights", "/leaderboard", "/settings", "/users"),
    "teacher": ("/", "/classroom", "/manage-chapters", "/chapter", "/leaderboard", "/settings"),
    "admin": ("/", "/classroom", "/manage-chapters", "/health", "/users", "/settings"),
}
# Streamlit's own, in every app: rule → selectors of the parts it draws, each with the reason why it may stay.
STREAMLITS_OWN: dict[str, tuple[str, ...]] = {
    # The label of a disabled widget. WCAG 1.4.3 exempts what is disabled; axe does not see that this label is.
    "color-contrast": ("[data-testid=stWidgetLabel][disabled] p",),
}
TOO_WIDE = """() => {
  const wide = (element) => element.scrollWidth > element.clientWidth + 1;
  return ["html", "body", "[data-testid=stApp]", "[data-testid=stMain]", "[data-testid=stMainBlockContainer]"]
    .filter((selector) => wide(document.querySelector(selector)));
}"""

# Choices of views that leave one of several alone on a line, or a line unfilled
UNEVEN = """() => [...document.querySelectorAll("[data-testid=stButtonGroup] > div")].filter((group) => {
  const place = (element) => element.getBoundingClientRect();
  const lines = Map.groupBy(group.querySelectorAll("button"), (button) => Math.round(place(button).top));
  const isShort = (line) => place(line.at(-1)).right < place(group).right - 2;
  return [...lines.values()].some((line) => isShort(line) || (lines.size > 1 && line.length === 1));
}).map((group) => group.innerText)"""

# Hints such as preconnect are no requests that a browser reports, yet they leave the host.
OTHER_HOSTS = """() => [...document.querySelectorAll("link[href], script[src], img[src], iframe, object, embed")]
  .map((element) => element.href ?? element.src ?? element.data)
  .filter((address) => !/^(data|blob):/.test(address) && new URL(address, location).host !== location.host)"""


class Phones:
    """One phone for each role, kept from page to page as people keep theirs."""

    def __init__(self, served: ServedSchool, visitors: Visitors) -> None:
        self._served = served
        self._visitors = visitors
        self._known: dict[str, Visitor] = {}

    def open(self, role: str, path: str) -> Page:
        """A page as somebody of this role sees it, once it stands still."""
        if path == "/chapter":
            path += f"?id={self._served.backend.chapters.active()[1].id}"
        page = self.of(role).open(path)
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)  # charts arrive after the script has run
        return page

    def of(self, role: str) -> Visitor:
        if role not in self._known:
            visit = self._served.visit
            guest = role == "guest"
            self._known[role] = (
                self._visitors(self._served.app, is_phone=True)
                if guest
                else visit(self._visitors, PEOPLE[role], is_phone=True)
            )
        return self._known[role]


@pytest.fixture(scope="module")
def phones(windows: Windows, served: ServedSchool) -> Iterator[Phones]:
    """Phones that in the end must not have left the host."""
    with visiting(windows) as visitors:
        yield Phones(served, visitors)


@pytest.mark.parametrize(("role", "path"), [(role, path) for role, paths in PATHS.items() for path in paths])
def test_page_on_a_phone(phones: Phones, role: str, path: str) -> None:
    """A page fits 390 px without sideways scrolling, fills each line of a choice, has one h1, no grave axe-core
    violation in light or in dark colours, names no other host, and no request of it is refused."""
    phones.of(role).refused.clear()
    page = phones.open(role, path)
    assert page.locator("h1").count() == 1
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(UNEVEN) == []
    assert grave_violations(page) == []
    assert page.evaluate(OTHER_HOSTS) == []
    assert phones.of(role).refused == []
    assert dark_violations(page) == []


def test_a_chapter_alone_is_not_selected(phones: Phones) -> None:
    """The page of one chapter has the controls of a row, and none that choose among rows."""
    page = phones.open("student", "/chapter")
    expect(page.locator(".cp-row-own")).to_be_visible()
    expect(page.locator(".cp-bulk")).to_be_hidden()


def test_a_dialog_follows_the_theme(phones: Phones) -> None:
    """An open dialog takes the dark colours when the device changes to dark, although it hangs outside the app."""
    page = phones.open("admin", "/users")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_css("color-scheme", "light")
    try:
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        expect(dialog).to_have_css("color-scheme", "dark")
    finally:
        page.emulate_media(color_scheme="light")


def grave_violations(page: Page) -> list[str]:
    """The serious and critical violations that are not Streamlit's own, each with its places."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']} ({rule['impact']}) at {node['target']}: {node['html'][:160]}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
        if not is_streamlits_own(page, rule["id"], node["target"][0])
    ]


def dark_violations(page: Page) -> list[str]:
    """The grave violations of the same page in dark colours, once it is at rest: a page that runs anew is faded."""
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # colours on their way to others are neither
    try:
        expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
        end = time.monotonic() + SETTLING_SECONDS
        while (found := grave_violations(page)) and time.monotonic() < end:
            page.wait_for_timeout(500)
        return found
    finally:
        page.emulate_media(color_scheme="light")
        expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "light")


def is_streamlits_own(page: Page, rule: str, target: str) -> bool:
    """Whether the place is a part that Streamlit draws alike in every app."""
    owns = ", ".join(STREAMLITS_OWN.get(rule, ()))
    return bool(owns) and bool(page.locator(target).first.evaluate("(element, owns) => element.matches(owns)", owns))


def test_a_long_table_is_short_on_a_phone(served: ServedSchool, visitors: Visitors) -> None:
    """A class shows 25 learners as cards, then all when asked; the keyboard goes on with the first new one."""
    person = served.teacher()
    classroom = served.classroom(person)
    for number in range(27):
        served.student(classroom, f"Learner {number:02}")
    page = served.visit(visitors, person.email, is_phone=True).open(f"/classroom?id={classroom.id}")
    rows = page.locator(".st-key-class-learners .cp-stacked tbody tr:visible")
    expect(rows).to_have_count(25)
    page.locator(".st-key-class-learners").get_by_role("button", name="Show all").click()
    expect(rows).to_have_count(27)
    expect(rows.nth(25).get_by_role("button")).to_be_focused()
    assert page.evaluate(TOO_WIDE) == []
