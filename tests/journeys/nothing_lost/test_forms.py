"""Every form of the product: what is typed or chosen in it is saved or still there, however the page is left."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from backend.accounts.models import User
from system_tests.cluster.ports import free_port
from system_tests.faults.proxy import Proxy
from tests.journeys.nothing_lost.table import FORMS, KEPT, Field, Form, fields_of, somebody
from tests.journeys.running import RunningApp, Visitor, Visitors
from tests.journeys.school import ServedSchool
from tests.waiting import eventually, until

DELAY_SECONDS = 1.5


def _by_menu(visitor: Visitor) -> None:
    visitor.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Home", exact=True).click()
    visitor.page.wait_for_url(visitor.app.url + "/")


def _by_reload(visitor: Visitor) -> None:
    visitor.page.reload(wait_until="commit")


def _by_closing(visitor: Visitor) -> None:
    visitor.page.close(run_before_unload=True)
    visitor.page = visitor.context.new_page()


def _by_back(visitor: Visitor) -> None:
    while urlsplit(visitor.page.url).path != "/":
        visitor.page.go_back(wait_until="commit")


WAYS: dict[str, Callable[[Visitor], None]] = {
    "menu": _by_menu,
    "reload": _by_reload,
    "closed tab": _by_closing,
    "Back": _by_back,
}
DELAYS = ((0.0, DELAY_SECONDS), (DELAY_SECONDS, 0.0))
ALL_WAYS = [form for form in FORMS if form.button in {"Save goal", "Create class"}]
TRIED = [(form, list(WAYS)[place % len(WAYS)], DELAYS[place % 2]) for place, form in enumerate(FORMS)]
TRIED += [(form, way, DELAYS[place % 2]) for form in ALL_WAYS for place, way in enumerate(WAYS)]
TRIED += [(form, way, DELAYS[0]) for form in KEPT for way in ("reload", "menu")]
# A dialog lies over the menu; Back from an address with a view loads the page anew, as closing does;
TRIED = [(form, "Back" if form.opener and way == "menu" else way, late) for form, way, late in TRIED]
TRIED = [(form, "closed tab" if "?" in form.path and way == "Back" else way, late) for form, way, late in TRIED]
TRIED = [(form, "menu" if form.vanishes else way, late) for form, way, late in TRIED]
TRIED = [each for place, each in enumerate(TRIED) if each[:2] not in [before[:2] for before in TRIED[:place]]]
DRAFTS = "Object.keys(localStorage).filter((name) => name.startsWith('cp-draft'))"


@pytest.fixture(scope="module")
def slow(served: ServedSchool) -> Iterator[tuple[Proxy, RunningApp]]:
    """A proxy before the app, and the app as it is reached through it."""
    proxy = Proxy(free_port(), urlsplit(served.app.url).port or 0)
    yield proxy, replace(served.app, url=f"http://localhost:{proxy.port}")
    proxy.close()


def opened(visitor: Visitor, form: Form) -> Page:
    """The page of the form, which stands there; the page before it is another one of the app."""
    menu = visitor.page.get_by_test_id("stSidebarNav")
    if urlsplit(visitor.page.url).path == "/" and "?" not in form.path and visitor.page.url != "about:blank":
        menu.locator(f'a[href$="{form.path}"]').click()
    elif urlsplit(visitor.page.url).path != form.path.split("?", maxsplit=1)[0]:
        visitor.open(form.path)
    if form.opener:
        visitor.page.get_by_role("button", name=form.opener).first.click()
    form.at(visitor.page).wait_for()
    return visitor.page


def are_held(visitor: Visitor, form: Form, fields: list[Field]) -> None:
    """Wait until all fields hold what was put into them."""
    for field in fields:
        until(lambda field=field: field.holds(form.at(visitor.page)), seconds=30)  # type: ignore[misc] # bound now


def is_answered(visitor: Visitor, form: Form, school: ServedSchool, user: User) -> bool:
    """Whether the form was saved, and its page knows it."""
    return form.saved(school, user) == 1 and visitor.page.evaluate(DRAFTS) == []


@pytest.mark.parametrize(("form", "way", "delays"), TRIED, ids=[f"{form.button}, {way}" for form, way, _ in TRIED])
def test_nothing_of_a_form_is_lost(
    served: ServedSchool,
    visitors: Visitors,
    slow: tuple[Proxy, RunningApp],
    form: Form,
    way: str,
    delays: tuple[float, float],
) -> None:
    """Text not sent stands in the form again; a form sent and left at once is saved once, or still there."""
    proxy, app = slow
    with served.same_catalogue():
        user, fields = somebody(form, served), fields_of(form, served)
        visitor = served.visit(visitors, user.email, app=app)
        visitor.open("/")
        page = opened(visitor, form)
        for field in fields:
            field.put(page, form.at(page))
        WAYS[way](visitor)
        opened(visitor, form)
        are_held(visitor, form, fields)
        assert form.saved(served, user) == 0
        if form in KEPT:
            return
        proxy.slow(*delays)
        form.at(visitor.page).get_by_role("button", name=form.button, exact=True).click()
        WAYS[way](visitor)
        proxy.heal()
        if way == "menu":
            until(lambda: form.saved(served, user) == 1, seconds=30)
            return
        if way == "Back" and eventually(lambda: is_answered(visitor, form, served, user), seconds=5):
            return  # Back waited for the answer, as links do
        opened(visitor, form)
        if way == "Back":  # the answer may still come, and then nothing has to be held
            until(
                lambda: (
                    is_answered(visitor, form, served, user)
                    or all(each.holds(form.at(visitor.page)) for each in fields)
                )
            )
            if is_answered(visitor, form, served, user):
                return
        are_held(visitor, form, fields)
        form.at(visitor.page).get_by_role("button", name=form.button, exact=True).click()
        until(lambda: visitor.page.evaluate(DRAFTS) == [], seconds=30)
        until(lambda: form.saved(served, user) == 1, seconds=30)


def _tap_twice(page: Page, form: Form) -> None:
    form.at(page).get_by_role("button", name=form.button, exact=True).dblclick()


def _press_enter(page: Page, form: Form) -> None:
    form.at(page).get_by_role("textbox").first.press("Enter")


@pytest.mark.parametrize("send", [_tap_twice, _press_enter])
@pytest.mark.parametrize("button", ["Save goal", "Join class"])
def test_a_phone_sends_and_goes_on_at_once(
    served: ServedSchool,
    visitors: Visitors,
    slow: tuple[Proxy, RunningApp],
    button: str,
    send: Callable[[Page, Form], None],
) -> None:
    """On a phone, two quick taps or Enter save once, though a link of the menu follows before the answer."""
    proxy, app = slow
    form = next(each for each in FORMS if each.button == button)
    user = somebody(form, served)
    visitor = served.visit(visitors, user.email, app=app, is_phone=True)
    page = visitor.open(form.path)
    for field in fields_of(form, served):
        field.put(page, form.at(page))
    proxy.slow(*DELAYS[0])
    send(page, form)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Chapters", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Chapters")
    proxy.heal()
    until(lambda: form.saved(served, user) == 1, seconds=30)
    assert page.evaluate(DRAFTS) == []


def test_what_a_guest_typed_is_there_after_a_reload(served: ServedSchool, visitors: Visitors) -> None:
    """Name and address of the sign-up form outlive a reload, the password does not, and another tab has none of it."""
    visitor = visitors(served.app)
    page = visitor.open("/sign-up")
    page.get_by_label("Your name").fill("Sita Student")
    page.get_by_label("E-mail address").fill("sita@example.org")
    page.get_by_role("textbox", name="Password").fill("a long enough one")
    visitor.reload()
    expect(page.get_by_label("Your name")).to_have_value("Sita Student")
    expect(page.get_by_label("E-mail address")).to_have_value("sita@example.org")
    expect(page.get_by_role("textbox", name="Password")).to_have_value("")
    expect(visitor.tab("/sign-up").get_by_label("Your name")).to_have_value("")


def test_a_page_that_is_left_stands_still(
    served: ServedSchool, visitors: Visitors, slow: tuple[Proxy, RunningApp]
) -> None:
    """Until the next page comes the old one stays in sight, takes no press, is said to be busy, and then is free."""
    proxy, app = slow
    visitor = served.visit(visitors, served.lone_student().email, app=app)
    page = visitor.open("/settings")
    page.get_by_label("Your name").wait_for()
    proxy.slow(*DELAYS[1])
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Chapters", exact=True).click()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => [main.inert, main.ariaBusy, main.innerText.includes('Questions a day')]") == [
        True, "true", True,
    ]  # fmt: skip
    expect(page.get_by_text("The page opens")).to_be_visible()
    proxy.heal()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Chapters")
    expect(main).not_to_have_attribute("inert", "")
    expect(page.get_by_text("The page opens")).to_have_count(0)
