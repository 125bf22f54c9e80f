"""Trials of a cluster with a real browser."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from system_tests.cluster.app_process import Served, await_ready
from system_tests.cluster.cluster import Cluster
from system_tests.cluster.people import Person, student
from system_tests.cluster.results import Finding

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PATIENCE_MILLISECONDS = 120_000
SAVED = re.compile(r"^Saved \d")


def session_survives(cluster: Cluster) -> Finding:
    """A web process is killed under an open page: the page comes back at another one, signed in, and saves."""
    person = student(cluster.backend)
    with browsing(cluster, person) as page:
        page.goto(f"{cluster.url}/chapters")
        row = page.locator("li.cp-row").first
        row.get_by_role("button", name="+1:").click()
        expect(row.get_by_text(SAVED)).to_be_visible()
        held = holder(cluster, page.context)
        held.kill()
        began = monotonic()
        saved = _save_again(page)
        took = monotonic() - began
        now = holder(cluster, page.context)
        is_in = page.get_by_role("button", name="Sign out").count() == 1
        page.reload()
        field = page.locator("li.cp-row").first.get_by_role("textbox", name="Questions solved of")
        expect(field).to_have_value(re.compile("[1-9]"))
        kept = cluster.backend.progress.record(person.viewer.id).summary.total.solved
        is_kept = int(field.input_value()) == kept >= saved
    held.start()
    await_ready([held])
    return Finding(
        "a process with pages killed (kill -9) under an open page",
        f"its browser went from {held.name} to {now.name} by itself, {'still' if is_in else 'NOT'} signed in, and had "
        f"saved again after {took:.1f} s, not reloaded; what it shows is {'' if is_kept else 'NOT '}what is kept",
        is_in and is_kept and now is not held,
    )


@contextmanager
def browsing(cluster: Cluster, person: Person) -> Iterator[Page]:
    """A browser window in which the person is signed in."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = browser.new_context(ignore_https_errors=True, locale="en-GB")
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        context.add_cookies([{"name": "session", "value": person.session, "url": cluster.url, "httpOnly": True}])
        try:
            yield context.new_page()
        finally:
            browser.close()


def holder(cluster: Cluster, context: BrowserContext) -> Served:
    """The process that the browser's page is with, as nginx's cookie says."""
    named = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    return cluster.web[named["node"]]


def _save_again(page: Page) -> int:
    """Press once and wait until it is saved, which the page tries by itself; return what stands then."""
    row = page.locator("li.cp-row").first
    row.get_by_role("button", name="+1:").click()
    expect(row.get_by_role("textbox", name="Questions solved of")).to_have_value("2")
    expect(row.get_by_text(SAVED)).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    return 2
