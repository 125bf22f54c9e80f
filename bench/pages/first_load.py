"""The first load of a page on a cheap phone: what travels, when our first words stand, what moves then."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.measures import Measure, Result, Target
from bench.pages.live import FLAGS, chromium
from bench.pages.served import Served, served, session
from bench.school import Bench, School

PHONE: Any = {"width": 390, "height": 844}
LATENCY_MS, BITS_PER_SECOND, SLOWER_PROCESSOR = 150, 1.6e6, 4
SETTLED_MS = 6000
TURNS = 3
# The layout shift of https://web.dev/articles/cls, without the grouping into windows: never less than that.
_OBSERVE = """
window.cpShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.cpShift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
_FIRST_WORDS = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1e3"


@dataclass
class Load:
    """One load: bytes over the wire and as files, seconds until the first words are painted, layout shift."""

    wire: int = 0
    files: int = 0
    seconds: float = 0.0
    shift: float = 0.0


@cache
def _loads(bench: Bench) -> dict[str, list[Load]]:
    """Loads of the sign-in page and of a student's home, each with an empty cache."""
    with bench.scratch() as (backend, made):
        school = School(bench.settings(backend.mongo.database.name), made)
        cookie = session(school, made.student(0))
        with served(school) as app, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            found = {
                part: [_load(browser, app, value) for _turn in range(TURNS)]
                for part, value in (("sign-in", ""), ("home", cookie))
            }
            browser.close()
    return found


def _load(browser: Browser, app: Served, cookie: str) -> Load:
    context = browser.new_context(viewport=PHONE)
    if cookie:
        context.add_cookies([{"name": "session", "value": cookie, "url": f"http://{app.host}"}])
    page, load = context.new_page(), Load()
    devtools = context.new_cdp_session(page)

    def arrived(event: dict[str, Any]) -> None:
        load.wire += event["encodedDataLength"]

    def read(event: dict[str, Any]) -> None:
        load.files += event["dataLength"]

    devtools.on("Network.loadingFinished", arrived)
    devtools.on("Network.dataReceived", read)
    devtools.send("Network.enable")
    rates = {"downloadThroughput": BITS_PER_SECOND / 8, "uploadThroughput": BITS_PER_SECOND / 8}
    devtools.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY_MS, **rates})
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_PROCESSOR})
    page.add_init_script(_OBSERVE)
    page.goto(f"http://{app.host}/", wait_until="commit")
    page.locator("h1").first.wait_for(timeout=120_000)
    page.wait_for_timeout(SETTLED_MS)
    load.seconds, load.shift = page.evaluate(_FIRST_WORDS), page.evaluate("window.cpShift")
    context.close()
    return load


def bytes_sent(bench: Bench) -> Sequence[Result]:
    """Return the bytes over the wire, divided by the sizes of the same files."""
    return [_bytes(part, loads) for part, loads in _loads(bench).items()]


def first_words(bench: Bench) -> Sequence[Result]:
    """Seconds until something of ours is painted; the worst, as there are few loads."""
    return [
        Result(max(load.seconds for load in loads), part, samples=len(loads)) for part, loads in _loads(bench).items()
    ]


def shift(bench: Bench) -> Sequence[Result]:
    """How much of the window moved, and how far, while the page came; the worst, as there are few loads."""
    return [
        Result(max(load.shift for load in loads), part, samples=len(loads)) for part, loads in _loads(bench).items()
    ]


def _bytes(part: str, loads: Sequence[Load]) -> Result:
    wire, files = max(load.wire for load in loads), max(load.files for load in loads)
    return Result(wire / files, part, samples=len(loads), note=f"{wire / 1e3:.0f} of {files / 1e3:.0f} kB")


_PHONE = "cold, on a cheap phone (4 × slower, 1.6 Mbit/s, 150 ms)"

MEASURES: tuple[Measure, ...] = (
    Measure(
        "first-bytes",
        "pages",
        "Bytes of a first visit over the wire",
        "the same files without compression",
        Target("at most", 0.4),
        bytes_sent,
    ),
    Measure(
        "first-words", "pages", f"Until the first of our words, {_PHONE}", "", Target("at most", 8.4, "s"), first_words
    ),
    Measure("first-shift", "pages", f"Layout shift, {_PHONE}", "", Target("at most", 0.1, "of the window"), shift),
)
