"""Memory of the app process: for each open tab, and after ten thousand runs of pages."""

import asyncio
from collections.abc import Sequence
from itertools import cycle, islice
from statistics import median

from bench.made import SIZES
from bench.measures import Measure, Result, Target
from bench.pages_load import Address, Seen, opened, together
from bench.pages_served import Served, served, session
from bench.school import Bench

RUNS, WARM_UP, TABS, OPEN = 10_000, 1_000, 20, 100
PAGES = tuple(Address(path) for path in ("", "chapters", "insights", "leaderboard"))
BETWEEN_LOOKS = 200  # runs


def take(bench: Bench) -> Sequence[Result]:
    """By how much resident memory grew after the first thousand runs, and what an open tab holds."""
    school = bench.school(SIZES["10k"])
    cookie = session(school, school.made.student(0))
    with served(school) as app:
        sizes, seen = asyncio.run(_run(app, cookie))
        held = asyncio.run(_held(app, cookie))
    start, end = median(sizes[: WARM_UP // BETWEEN_LOOKS]), median(sizes[-WARM_UP // BETWEEN_LOOKS :])
    note = f"{end / 2**20:.0f} MiB at the end; {held / 2**10:.0f} KiB for each of {OPEN} more tabs that show the home"
    if seen.failures:
        note += f"; {seen.failures} RUNS FAILED"
    return [Result((end / start - 1) * 100, f"runs 1,000 to {RUNS:,}", samples=len(sizes), note=note)]


async def _run(app: Served, cookie: str) -> tuple[list[int], Seen]:
    """Resident bytes at each look after the first thousand runs, of four pages in turns."""
    sizes, seen = [], Seen()
    async with opened(app.host, cookie, TABS) as tabs:
        for address in islice(cycle(PAGES), RUNS // BETWEEN_LOOKS):
            await together(tabs, address, BETWEEN_LOOKS // TABS, seen)
            if len(seen.seconds) > WARM_UP:
                sizes.append(app.resident_bytes())
    return sizes, seen


async def _held(app: Served, cookie: str) -> float:
    before = app.resident_bytes()
    async with opened(app.host, cookie, OPEN) as tabs:
        await together(tabs, Address(), 1, Seen())
        return (app.resident_bytes() - before) / OPEN


MEASURES: tuple[Measure, ...] = (
    Measure(
        "page-memory",
        "pages",
        "Resident memory of the app, growth in runs of pages",
        "",
        Target("at most", 5, "%"),
        take,
    ),
)
