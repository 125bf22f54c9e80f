"""Every page × role × relation: a page is drawn for whom the policy table names, and for nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import User
from backend.policy import ACTS, Relation
from pages.shell import navigation
from tests.pages.at_path import Browser, heading, html_of
from tests.pages.signed_in import OpenPage
from tests.policy.world import OF_A_CHAPTER, OF_A_CLASS, Target, World, scope_of, world

__all__ = ["world"]

PAGES = Path(navigation.__file__).resolve().parents[1]
# Drawn before anybody is signed in, or in place of every page until a second factor is set up.
OF_GUESTS = frozenset(
    {
        "accounts/sign_in.py",
        "accounts/sign_up.py",
        "accounts/reset_password.py",
        "accounts/welcome.py",
        "accounts/second_step.py",
    }
)
IN_PLACE_OF_OTHERS = frozenset({"accounts/protect_account.py"})
FILES = {"": "home.py"} | {path: file for path, (file, _roles) in navigation.PATHS.items()}
KINDS = {"chapter": OF_A_CHAPTER, "classroom": OF_A_CLASS}
NOT_FOR_YOU = "This page is not for you"
PEOPLE = ("student", "teacher", "admin")


def test_every_page_has_its_line() -> None:
    """Each file of a page is one of guests or has a path, each path a line with the roles of the menu."""
    files = {str(path.relative_to(PAGES)) for path in PAGES.rglob("*.py")}
    assert set(FILES.values()) | OF_GUESTS | IN_PLACE_OF_OTHERS <= files
    lines = {act.removeprefix("page.") for act in ACTS if act.startswith("page.")}
    assert lines == set(FILES)
    for path, (_file, roles) in navigation.PATHS.items():
        assert set(roles) == {role for role in PEOPLE if scope_of(f"page.{path}", role)}, path


def test_pages_open_as_the_table_says(world: World, browser: Browser) -> None:
    """By role, and by what their address names: what is not hers is not on the page, not even its name."""
    wrong = []
    for path, role, relation in _steps(world):
        browser.sign_in(_user(world, role))
        target = world.target(role, relation)
        query = {"chapter": {"id": target.chapter}, "classroom": {"id": target.classroom}}.get(path, {})
        tab = browser.open(path, **query)
        scope = scope_of(f"page.{path}", role)
        if tab.exception or (NOT_FOR_YOU in html_of(tab)) == bool(scope):
            wrong.append((path, role, relation.value, "not for you"))
        elif scope and (relation in scope) != _shows(world, tab, path, target):
            wrong.append((path, role, relation.value, html_of(tab)[:300]))
    assert not wrong


def test_a_page_guards_itself(world: World, open_page: OpenPage) -> None:
    """Run without the menu around it, a page still refuses whom its line does not name, and draws nothing."""
    for path, file in FILES.items():
        for role in PEOPLE:
            if not scope_of(f"page.{path}", role):
                tab = open_page(file, _user(world, role))
                assert len(tab.exception) == 1, (path, role)
                assert not tab.html and not tab.markdown, (path, role)


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_guest_sees_no_page(world: World, browser: Browser, path: str) -> None:
    """Without a session every path is the sign-in page."""
    assert heading(browser.open(path)) == "Sign in"


def _steps(world: World) -> Iterator[tuple[str, str, Relation]]:
    for path in FILES:
        for role in PEOPLE:
            among = KINDS.get(path, (Relation.NOTHING,)) if scope_of(f"page.{path}", role) else (Relation.UNKNOWN,)
            for relation in world.relations(role, among):
                yield path, role, relation


def _user(world: World, role: str) -> User:
    viewer = world.people[role]
    assert viewer is not None
    return world.school.user(viewer)


def _shows(world: World, tab: AppTest, path: str, target: Target) -> bool:
    """Whether the page shows the object that its address names."""
    names = {world.own: "12 A", world.elsewhere: "12 B", world.archived: "11 A"}
    names |= {chapter.id: chapter.chapter for chapter in world.backend.chapters.every()}
    named = {"chapter": target.chapter, "classroom": target.classroom}.get(path)
    return named is None or names.get(named, "no such parameter") in _text(tab)


def _text(tab: AppTest) -> str:
    return "\n".join(str(each.value) for each in (*tab.html, *tab.markdown, *tab.selectbox))
