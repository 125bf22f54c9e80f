"""The real app as a new user would start it, and real browsers in front of it."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    Response,
    WebError,
    WebSocket,
    expect,
    sync_playwright,
)

from backend.config import Settings
from system_tests.cluster.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
FIRST_FAILURE = 400
OWN_SETTINGS = frozenset(Settings.model_fields)
PATIENCE_MS = 60_000  # a busy machine is no failure of the product
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
STORED = "local_storage,indexeddb,service_workers,cache_storage"


@dataclass(frozen=True)
class RunningApp:
    """An app process, where it is served, and the file that holds what it said on the terminal."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    terminal: Path

    @property
    def said(self) -> str:
        """What it said on the terminal so far."""
        return self.terminal.read_text()


def launch(data_dir: Path, port: int | None = None, /, **environment: str) -> RunningApp:
    """The app as `python app.py` starts it, with these settings and no others; does not wait for it."""
    port = port or free_port()
    terminal = data_dir.parent / f"{data_dir.name}-{port}.log"
    kept = {name: value for name, value in os.environ.items() if name.lower() not in OWN_SETTINGS}
    with terminal.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**kept, "PORT": str(port), "DATA_DIR": str(data_dir), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return RunningApp(f"http://localhost:{port}", data_dir, process, terminal)


def start_app(data_dir: Path, port: int | None = None, /, **environment: str) -> RunningApp:
    """The app once it answers."""
    app = launch(data_dir, port, **environment)
    until(lambda: app.process.poll() is not None or is_ready(app))
    assert app.process.poll() is None, app.said
    return app


def stop_app(app: RunningApp) -> int:
    """Ctrl-C; the exit status."""
    if app.process.poll() is None:
        app.process.send_signal(signal.SIGINT)
    try:
        return app.process.wait(timeout=60)
    finally:
        app.process.kill()


@contextmanager
def running(data_dir: Path, port: int | None = None, /, **environment: str) -> Iterator[RunningApp]:
    """The app while the block runs."""
    app = start_app(data_dir, port, **environment)
    try:
        yield app
    finally:
        stop_app(app)


def is_ready(app: RunningApp) -> bool:
    """Whether the app says that it is ready."""
    try:
        with urllib.request.urlopen(f"{app.url}/api/v1/health/ready", timeout=2) as answer:  # noqa: S310  (own app)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@contextmanager
def launched() -> Iterator[Browser]:
    """An existing Chromium, else the one Playwright installed. No other test of the process may use asyncio meanwhile:
    Playwright holds the loop of its thread."""
    expect.set_options(timeout=PATIENCE_MS)
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One browser for all journeys, and closed before other tests of the process go on."""
    assert isinstance(request.node, pytest.Package), "imported elsewhere this would stay open: use module_chromium"
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def module_chromium() -> Iterator[Browser]:
    """A browser for one file of tests that is no journey."""
    with launched() as browser:
        yield browser


class Windows:
    """Browser windows. One that was left serves the next visitor, emptied of all but its HTTP cache: a new one costs as
    much processor time as three pages."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._left: dict[bool, list[Page]] = {True: [], False: []}

    def open(self, *, is_phone: bool) -> Page:
        """An empty page in a window that nobody else has."""
        if self._left[is_phone]:
            return self._left[is_phone].pop()
        size = PHONE if is_phone else DESK
        context = self._browser.new_context(viewport=size, has_touch=is_phone, locale="en-GB")  # type: ignore[arg-type] # a plain dict
        context.set_default_timeout(PATIENCE_MS)
        return context.new_page()

    def leave(self, context: BrowserContext, url: str, *, is_phone: bool) -> None:
        """Close its pages, and forget cookies and what was stored for `url`."""
        blank, *pages = (context.new_page(), *context.pages)
        for page in pages:
            if page != blank:
                page.close()
        context.clear_cookies()
        tools = context.new_cdp_session(blank)
        tools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": STORED})
        tools.detach()
        self._left[is_phone].append(blank)


class Visitor:
    """A person in front of her own browser window; what went wrong in it is collected."""

    def __init__(self, app: RunningApp, page: Page) -> None:
        self.app = app
        self.page = page
        self.context = page.context
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.refused: list[str] = []
        self._heard: dict[str, Callable[[Any], None]] = {
            "page": self._watch,
            "request": self._note_request,
            "response": self._note_response,
            "dialog": self._note_dialog,
            "console": self._note_console,
            "weberror": self._note_error,
        }
        for event, note in self._heard.items():
            self.context.on(event, note)  # type: ignore[call-overload] # of any of these names
        self._watch(page)

    def open(self, path: str = "/") -> Page:
        """Go to a path of the app and wait until its page has a heading."""
        self.page.goto(self.app.url + path)
        self.page.get_by_role("heading", level=1).wait_for()
        return self.page

    def tab(self, path: str) -> Page:
        """Another tab of the same browser, on a path of the app."""
        page = self.context.new_page()
        page.goto(self.app.url + path)
        page.get_by_role("heading", level=1).wait_for()
        return page

    def reload(self) -> Page:
        """Reload, as F5 does."""
        self.page.reload()
        self.page.get_by_role("heading", level=1).wait_for()
        return self.page

    def sign_in(self, email: str, password: str, path: str = "/") -> Page:
        """Sign in by the form, as people do, starting from `path`."""
        self.open(path)
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_role("textbox", name="Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.locator(".st-key-shell-navigation-sign_out").wait_for(state="attached")  # a phone folds the menu away
        self.page.get_by_role("heading", level=1).wait_for()
        return self.page

    def carry_session(self, token: str) -> None:
        """Be signed in by a session made elsewhere: for tests whose fact is not the signing in."""
        self.context.add_cookies([{"name": "session", "value": token, "url": self.app.url, "httpOnly": True}])

    def leave(self) -> None:
        """Hear nothing more of the window."""
        for event, note in self._heard.items():
            self.context.remove_listener(event, note)

    def _watch(self, page: Page) -> None:
        page.on("websocket", self._note_socket)

    def _note_request(self, request: Request) -> None:
        self._note_address(request.url)

    def _note_response(self, answer: Response) -> None:
        if answer.status >= FIRST_FAILURE:
            self.refused.append(f"{answer.status} {answer.url}")

    def _note_error(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    def _note_socket(self, socket_: WebSocket) -> None:
        self._note_address(socket_.url)

    def _note_address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"data", "blob"} and parts.netloc != urlsplit(self.app.url).netloc:
            self.foreign.append(address)

    def _note_console(self, message: ConsoleMessage) -> None:
        """A thing that the content policy forbids is either an attack or a part of ours that does not work."""
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.errors.append(f"A {dialog.type} opened: {dialog.message}")
        dialog.dismiss()


class Visitors:
    """Makes visitors, each with a browser window of her own, and in the end asks what went wrong in them."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._all: list[tuple[Visitor, bool]] = []

    def __call__(self, app: RunningApp, *, is_phone: bool = False) -> Visitor:
        """A visitor of `app`."""
        visitor = Visitor(app, self._windows.open(is_phone=is_phone))
        self._all.append((visitor, is_phone))
        return visitor

    def leave(self) -> None:
        """Every window may serve somebody else from now on."""
        for visitor, is_phone in self._all:
            visitor.leave()
            self._windows.leave(visitor.context, visitor.app.url, is_phone=is_phone)

    def complain(self) -> None:
        """Raise AssertionError where a window asked another host, a script failed, or a service worker stays behind."""
        for visitor, _is_phone in self._all:
            assert visitor.foreign == []
            assert visitor.errors == [], visitor.errors
            assert visitor.context.service_workers == []


@contextmanager
def visiting(windows: Windows) -> Iterator[Visitors]:
    """People who come to the app; in the end no window may have left the host, and no script failed."""
    made = Visitors(windows)
    try:
        yield made
        made.complain()
    finally:
        made.leave()


@pytest.fixture(scope="package")
def windows(chromium: Browser) -> Windows:
    """The windows of all journeys."""
    return Windows(chromium)


@pytest.fixture
def visitors(windows: Windows) -> Iterator[Visitors]:
    """People who come to the app in one test."""
    with visiting(windows) as made:
        yield made
