"""Which pages there are for whom. A path of somebody else's page says so instead of “not found”."""

import copy
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from backend.accounts.models import Role, Viewer
from backend.kit.i18n import _, current_locale
from pages.shell import services, session
from pages.widgets.elements import empty_state, escape, page_header, person_html

PAGES = Path(__file__).resolve().parents[1]
EVERYONE: tuple[Role, ...] = ("student", "teacher", "admin")

# path → (file, roles); titles and icons are chosen in _titles, in the reader's language.
PATHS: dict[str, tuple[str, tuple[Role, ...]]] = {
    "chapters": ("chapters/chapters.py", ("student",)),
    "chapter": ("chapters/chapter.py", EVERYONE),
    "insights": ("progress/insights.py", ("student",)),
    "leaderboard": ("boards/leaderboard.py", ("student", "teacher")),
    "classroom": ("classrooms/classroom.py", ("teacher", "admin")),
    "manage-chapters": ("chapters/manage_chapters.py", ("teacher", "admin")),
    "health": ("operations/health.py", ("admin",)),
    "users": ("accounts/users.py", ("admin",)),
    "backups": ("backups/backups.py", ("admin",)),
    "audit": ("audit/audit.py", ("admin",)),
    "settings": ("accounts/settings.py", EVERYONE),
}
UNLISTED = frozenset({"chapter"})
GUESTS_PATHS = ("sign-up", "reset-password")


def for_viewer(viewer: Viewer) -> Page:
    """The page to run for a signed-in person; draws the navigation beside it."""
    page = st.navigation(_for_this_run(_of_role(viewer.role, current_locale())))
    _person(viewer, page)
    return page


@cache
def _of_role(role: Role, _locale: str) -> tuple[Page, ...]:
    """Every page as `role` finds it. Kept: st.Page looks its file up on the disk, which a rerun need not repeat."""
    titles = _titles()
    pages = [_page("home.py", "", titles, default=True)]
    for path, (file, roles) in PATHS.items():
        if role in roles:
            pages.append(_page(file, path, titles, hidden=path in UNLISTED))
        else:
            pages.append(st.Page(_elsewhere(path), title=titles[path][0], url_path=path, visibility="hidden"))
    for path, draw in {"sign-up": _sign_up_again, "reset-password": _other_account}.items():
        pages.append(st.Page(draw, title=titles[path][0], url_path=path, visibility="hidden"))
    return tuple(pages)


def _for_this_run(pages: tuple[Page, ...]) -> list[Page]:
    """Copies: st.navigation marks the page that may run, and runs of several people happen at once."""
    return [copy.copy(page) for page in pages]


def for_the_unprotected(viewer: Viewer) -> Page:
    """The page for somebody whose role needs a second factor: every path leads to setting it up, none elsewhere."""
    page = st.navigation(_everywhere("accounts/protect_account.py", _("Protect your account")), position="hidden")
    _person(viewer, page)
    return page


def _everywhere(file: str, title: str) -> list[Page]:
    """One page at every path, so that the address stays what was asked for."""
    return [
        st.Page(PAGES / file, title=title, default=not path, url_path=path or None, visibility="hidden")
        for path in ("", *PATHS, *GUESTS_PATHS)
    ]


def for_guests(*, is_first_visit: bool, is_challenged: bool = False) -> Page:
    """The page to run before anybody has signed in: every path leads to the sign-in page and back again."""
    if is_challenged:
        return st.navigation(_everywhere("accounts/second_step.py", _("One more step")), position="hidden")
    titles = _titles()
    if is_first_visit:
        titles = dict.fromkeys(titles, (_("Welcome"), ":material/waving_hand:"))
        everywhere = [
            _page("accounts/welcome.py", path, titles, default=not path) for path in ("", *PATHS, *GUESTS_PATHS)
        ]
        return st.navigation(everywhere, position="hidden")
    sign_in = PAGES / "accounts/sign_in.py"
    return st.navigation(
        [
            st.Page(sign_in, title=_("Sign in"), default=True),
            _page("accounts/sign_up.py", "sign-up", titles),
            _page("accounts/reset_password.py", "reset-password", titles),
            *(st.Page(sign_in, title=_("Sign in"), url_path=path, visibility="hidden") for path in PATHS),
        ],
        position="hidden",
    )


def tab_title(title: str) -> str:
    """Return the title of a page in the browser's tab, history and bookmarks."""
    return f"{title} · {_('Chapter Performance')}"


def _page(
    file: str, path: str, titles: dict[str, tuple[str, str]], *, default: bool = False, hidden: bool = False
) -> Page:
    title, icon = titles[path]
    return st.Page(
        PAGES / file,
        title=title,
        icon=icon,
        url_path=path or None,
        default=default,
        visibility="hidden" if hidden else "visible",
    )


def _titles() -> dict[str, tuple[str, str]]:
    return {
        "": (_("Home"), ":material/home:"),
        "chapters": (_("Chapters"), ":material/menu_book:"),
        "chapter": (_("Chapter"), ":material/article:"),
        "insights": (_("Insights"), ":material/insights:"),
        "leaderboard": (_("Leaderboard"), ":material/leaderboard:"),
        "classroom": (_("Class"), ":material/groups:"),
        "manage-chapters": (_("Manage chapters"), ":material/edit_note:"),
        "health": (_("Health"), ":material/monitor_heart:"),
        "users": (_("Users"), ":material/manage_accounts:"),
        "backups": (_("Backups"), ":material/backup:"),
        "audit": (_("Audit"), ":material/policy:"),
        "settings": (_("Settings"), ":material/settings:"),
        "sign-up": (_("Join your class"), ":material/person_add:"),
        "reset-password": (_("New password"), ":material/key:"),
    }


def _person(viewer: Viewer, page: Page) -> None:
    roles = {"student": _("Student"), "teacher": _("Teacher"), "admin": _("Administrator")}
    school = services.backend().settings.school_name
    with st.sidebar:
        above = f'<p class="cp-school">{escape(school)}</p>' if school else ""
        st.html(above + person_html(viewer.name, roles[viewer.role]) + _for_scripts(viewer, page))
        if st.button(_("Sign out"), icon=":material/logout:", key="shell.navigation.sign_out", width="stretch"):
            session.sign_out()
            st.rerun()


def _for_scripts(viewer: Viewer, page: Page) -> str:
    """Return person, page, run and the texts for the scripts that keep input, as hidden HTML."""
    words = {
        "person": viewer.id,
        "page": page.url_path,
        "run": secrets.token_hex(4),
        "waiting": _("Some changes are not saved yet: no connection. They are kept here and sent again by themselves."),
        "leaving": _("Saving your changes; then the page opens."),
        "opening": _("The page opens …"),
        "restored": _("What you typed is here again. Before you send it, check that it is not saved already."),
    }
    data = " ".join(f'data-{name}="{escape(word)}"' for name, word in words.items())
    return f"<span hidden {data}></span>"


def _elsewhere(path: str) -> Callable[[], None]:
    def elsewhere() -> None:
        page_header(_("This page is not for you"), icon="lock")
        empty_state("lock", _("This page is not meant for your account."), _("Choose a page from the menu."))

    elsewhere.__name__ = f"elsewhere_{path.replace('-', '_')}"
    return elsewhere


def _sign_up_again() -> None:
    """A signed-in person follows an invitation: a student joins that class in their settings."""
    viewer = session.viewer()
    page_header(_("Join your class"), icon="person_add")
    if viewer.role != "student":
        empty_state(
            "lock", _("You have an account already."), _("Join codes are for students. Choose a page from the menu.")
        )
        return
    empty_state(
        "person_add", _("You have an account already."), _("Join another class with its code, on your settings page.")
    )
    code = st.query_params.get("code", "")
    st.page_link(
        "accounts/settings.py",
        label=_("Go to my settings"),
        icon=":material/arrow_forward:",
        query_params={"code": code},
    )


def _other_account() -> None:
    """Somebody who is signed in opens a one-time link, which may be another person's."""
    viewer = session.viewer()
    page_header(_("New password"), icon="key")
    words = _("You are signed in as {name}.").format(name=viewer.name)
    if empty_state(
        "key", words, _("Sign out first to use this link."), _("Sign out and continue"), key="other-account"
    ):
        session.sign_out(to="")
        st.rerun()
