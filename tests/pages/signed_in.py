"""Opening pages as somebody: AppTest has no browser, so the cookies a browser would send are put in its place."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from backend.accounts.models import User
from backend.bootstrap import Backend
from pages.shell import services, session

PAGES = Path(__file__).resolve().parent.parent.parent / "pages"
BROWSER = "the browser of this test"

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """AppTest puts the page it runs in the place of `__main__`, which a process spawned later would run anew."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def open_page(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """`open_page("home.py", user)` runs one page as `user` (None: a guest) and gives back the AppTest."""
    services.install(backend)
    cookies: dict[str, str] = {session.BROWSER_COOKIE: BROWSER}
    proxied: Mapping[str, str] = MappingProxyType(cookies)
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self: proxied))
    monkeypatch.setattr(ContextProxy, "headers", property(lambda _self: {"User-Agent": "a test"}))
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _self: "203.0.113.7"))

    def opened(file: str, user: User | None = None, **query: str) -> AppTest:
        cookies.pop(session.SESSION_COOKIE, None)
        if user:
            ticket = backend.sign_in.issue_ticket(user, BROWSER)
            cookies[session.SESSION_COOKIE] = backend.sign_in.redeem_ticket(ticket, BROWSER, "test")
        page = AppTest.from_file(str(PAGES / file), default_timeout=60)
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return opened
