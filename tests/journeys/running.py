"""The real app as a new user would start it, and a real browser in front of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
START_SECONDS = 60


@dataclass(frozen=True)
class RunningApp:
    """An app process and where it is served."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start_app(data_dir: Path, port: int | None = None, **environment: str) -> RunningApp:
    """The app as `python app.py` starts it, once it answers."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "DATA_DIR": str(data_dir), **environment},
        stdin=subprocess.DEVNULL,
        stderr=(data_dir.parent / f"{data_dir.name}.log").open("ab"),
    )
    app = RunningApp(url=f"http://localhost:{port}", data_dir=data_dir, process=process)
    until(lambda: process.poll() is not None or _answers(app.url), seconds=START_SECONDS)
    assert process.poll() is None, (data_dir.parent / f"{data_dir.name}.log").read_text()
    return app


def stop_app(app: RunningApp) -> int:
    """Ctrl-C; the exit status."""
    if app.process.poll() is None:
        app.process.send_signal(signal.SIGINT)
    return app.process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health/ready", timeout=2) as answer:  # noqa: S310  (own app)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """An existing Chromium, else the one Playwright installed."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A person in front of her own browser window; what went wrong in it is collected."""

    def __init__(self, app: RunningApp, context: BrowserContext) -> None:
        self.app = app
        self.context = context
        self.page: Page = context.new_page()
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.watch(self.page)

    def watch(self, page: Page) -> None:
        """Collect requests to other hosts and script errors of a tab."""
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str = "/") -> Page:
        """Go to a path of the app and wait until its page has a heading."""
        self.page.goto(self.app.url + path)
        self.page.get_by_role("heading", level=1).wait_for()
        return self.page

    def sign_in(self, email: str, password: str) -> Page:
        """Sign in by the form, as people do."""
        self.open("/")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_role("textbox", name="Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.get_by_role("button", name="Sign out").wait_for(state="attached")
        return self.page

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.app.url, "data:", "blob:")):
            self.foreign.append(request.url)
