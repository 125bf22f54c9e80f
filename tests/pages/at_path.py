"""Opening the whole app at a path, gate and navigation included, as a browser with its own cookies does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from backend.accounts.models import User
from backend.bootstrap import Backend
from pages.demo import opening
from pages.shell import services, session

FRAME = Path(__file__).resolve().parent.parent.parent / "pages" / "_frame.py"


class Browser:
    """One browser: what it keeps in cookies, and the tabs it opens."""

    def __init__(self, backend: Backend) -> None:
        self.cookies = {session.BROWSER_COOKIE: "the browser of this test"}
        self.exchanges: list[dict[str, Any]] = []
        self._backend = backend

    def sign_in(self, user: User) -> None:
        """Have a session of `user`, as after the sign-in form."""
        self._exchange(self._backend.sign_in.issue_ticket(user, self.cookies[session.BROWSER_COOKIE]))

    def open(self, path: str = "", **query: str) -> AppTest:
        """A tab at this path, once its page is drawn."""
        tab = AppTest.from_file(str(FRAME), default_timeout=60)
        for name, value in query.items():
            tab.query_params[name] = value
        tab._page_hash = calc_hash(path)  # AppTest knows the old pages/ folder alone; a path is known by this hash
        return tab.run()

    def settle(self) -> str:
        """Do what the page's script does after a form: fetch the cookie or drop it. Returns where it leads then."""
        due = self.exchanges.pop()
        if due["ticket"]:
            self._exchange(due["ticket"])
        else:
            self.cookies.pop(session.SESSION_COOKIE)
        return str(due["to"])

    def _exchange(self, ticket: str) -> None:
        name = self.cookies[session.BROWSER_COOKIE]
        self.cookies[session.SESSION_COOKIE] = self._backend.sign_in.redeem_ticket(ticket, name, "test")


@pytest.fixture
def browser(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """A browser that has opened the app before, so that it has a name of its own, but no session."""
    services.install(backend)
    made = Browser(backend)

    def script(*, data: dict[str, Any], **_rest: Any) -> None:
        made.exchanges.append(data)

    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self: dict(made.cookies)))
    monkeypatch.setattr(ContextProxy, "headers", property(lambda _self: {"User-Agent": "a test"}))
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _self: "203.0.113.7"))
    monkeypatch.setattr(session, "_cookie_component", lambda: script)
    yield made
    openings, _lock = opening._kept()
    openings.clear()


def heading(tab: AppTest) -> str:
    """The text of the page's only h1."""
    (found,) = (each.value for each in tab.html if "<h1>" in each.value)
    return str(found.split("</span></h1>")[0].rsplit("<span>", 1)[1])


def html_of(tab: AppTest) -> str:
    """All HTML parts of the page, one after the other."""
    return "\n".join(each.value for each in tab.html)
