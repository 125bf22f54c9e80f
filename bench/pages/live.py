"""A class page while its learners save: how long its runs take, and how soon a change stands in another browser."""

import asyncio
from collections.abc import Sequence
from shutil import which
from statistics import median

from playwright.sync_api import Page, sync_playwright

from backend.bootstrap import Backend
from bench.made import Made
from bench.measures import Measure, Result, Target
from bench.pages.load import Address, Seen, opened, run
from bench.pages.savers import savers
from bench.pages.served import Served, served, session
from bench.pairs import percentile
from bench.school import Bench, School

PHASES, READS_EACH, BETWEEN_SECONDS = 8, 25, 0.1
CHANGES, ROWS = 40, 20
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
CLASS_PAGE = Address("classroom")


def while_saving(bench: Bench) -> Sequence[Result]:
    """p95 of the class page's script run, with savers and without, in turns."""
    with bench.scratch() as (backend, made):
        school = School(bench.settings(backend.mongo.database.name), made)
        cookie = session(school, made.teacher(0))
        with served(school) as app, savers(school) as saving:
            quiet, busy = Seen(), Seen()
            asyncio.run(_read(app, cookie, Seen(), 5))
            for _phase in range(PHASES):
                asyncio.run(_read(app, cookie, quiet, READS_EACH))
                with saving():
                    asyncio.run(_read(app, cookie, busy, READS_EACH))
    quiet.refuse_failures()
    busy.refuse_failures()
    ours, against = percentile(busy.seconds, 0.95), percentile(quiet.seconds, 0.95)
    note = f"p95 of both; medians {1e3 * median(busy.seconds):.0f} and {1e3 * median(quiet.seconds):.0f} ms"
    return [Result(ours / against, "", ours, against, len(busy.seconds), note)]


async def _read(app: Served, cookie: str, seen: Seen, times: int) -> None:
    async with opened(app.host, cookie, 1) as (tab,):
        await run(tab, CLASS_PAGE, Seen())
        for _turn in range(times):
            await run(tab, CLASS_PAGE, seen)
            await asyncio.sleep(BETWEEN_SECONDS)


def shown(bench: Bench) -> Sequence[Result]:
    """From the moment a change carries in the database to its row on the class page in another browser."""
    with bench.scratch() as (backend, made):
        school = School(bench.settings(backend.mongo.database.name), made)
        cookies = [session(school, made.student(0)), session(school, made.teacher(0))]
        with served(school) as app, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            student, teacher = (_signed_in(browser.new_context().new_page(), app, cookie) for cookie in cookies)
            waits = _waits(backend, made, student, teacher, f"http://{app.host}")
            browser.close()
    note = f"median {1e3 * median(waits):.0f} ms; from the time that is saved with the change, its commit included"
    return [Result(1e3 * percentile(waits, 0.95), "p95", samples=len(waits), note=note)]


def chromium() -> str | None:
    """The browser of this machine; None where there is none."""
    return next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _signed_in(page: Page, app: Served, cookie: str) -> Page:
    page.context.add_cookies([{"name": "session", "value": cookie, "url": f"http://{app.host}"}])
    return page


def _waits(backend: Backend, made: Made, student: Page, teacher: Page, base: str) -> list[float]:
    """Seconds of each change. The teacher's browser notes when the row changes, by the same clock as the server's."""
    viewer, rows = made.student(0), backend.chapters.active()[:ROWS]
    teacher.goto(f"{base}/classroom")
    teacher.get_by_role("button", name=f"Open {viewer.name}").last.wait_for()
    teacher.evaluate(_WATCH, viewer.name)
    student.goto(f"{base}/chapters")
    waits = []
    for change in range(CHANGES):  # row by row: more than a chapter's past-paper questions would be asked about first
        chapter = rows[change % ROWS]
        before = teacher.evaluate("window.cpShown.length")
        student.get_by_role("button", name=f"+1: Add 1 solved to {chapter.chapter}", exact=True).click()
        shown_at = teacher.evaluate(_NEXT, before) / 1e3
        waits.append(shown_at - backend.progress.history(viewer, chapter.id, 1)[0].at.timestamp())
        teacher.wait_for_timeout(900)  # past the pace at which news are told: each change is the first one
    return waits


_WATCH = """(name) => {
  const rows = () => [...document.querySelectorAll('.cp-sortable tr')];
  const row = () => rows().filter((each) => each.innerText.includes(name)).at(-1);
  let last = row().cells[2].innerText;
  window.cpShown = [];
  new MutationObserver(() => {
    const now = row()?.cells[2].innerText;
    if (now && now !== last) { last = now; window.cpShown.push(Date.now()); }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""

# Asked for in one go: the content policy of the pages lets nobody wait by evaluating words over and over.
_NEXT = """(before) => new Promise((found, lost) => {
  const until = Date.now() + 20000;
  const look = () => {
    if (window.cpShown.length > before) found(window.cpShown.at(-1));
    else if (Date.now() > until) lost(new Error("the change was not shown within 20 s"));
    else setTimeout(look, 20);
  };
  look();
})"""

MEASURES: tuple[Measure, ...] = (
    Measure(
        "class-page",
        "pages",
        "A class page of 60 learners and 100 chapters while 30 save (p95)",
        "the same page when nobody saves",
        Target("at most", 2),
        while_saving,
    ),
    Measure(
        "shown",
        "pages",
        "A saved change until it is shown in another browser",
        "",
        Target("at most", 500, "ms"),
        shown,
    ),
)
