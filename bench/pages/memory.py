"""Memory of the app process: for each open tab, and after ten thousand runs of pages."""

import asyncio
from collections.abc import Sequence
from itertools import cycle, islice
from statistics import median
from time import monotonic

from bench.made import SIZES
from bench.measures import Measure, Result, Target
from bench.pages.load import Address, Seen, opened, together
from bench.pages.served import Served, served, session
from bench.school import Bench

RUNS, WARM_UP, TABS = 10_000, 1_000, 20
LONGEST_SECONDS = 300.0  # on a slow machine fewer runs are made, and the result says how many
FEW, MANY = 100, 300  # open tabs: the first ones fill what earlier runs left free
PAGES = tuple(Address(path) for path in ("", "chapters", "insights", "leaderboard"))
BETWEEN_LOOKS = 200  # runs


def take(bench: Bench) -> Sequence[Result]:
    """By how much resident memory grew after the first thousand runs, and what an open tab holds."""
    school = bench.school(SIZES["10k"])
    cookie = session(school, school.made.student(0))
    with served(school) as app:
        sizes, seen = asyncio.run(_run(app, cookie))
        seen.refuse_failures()
        held = asyncio.run(_held(app, cookie))
    start, end = median(sizes[: WARM_UP // BETWEEN_LOOKS]), median(sizes[-WARM_UP // BETWEEN_LOOKS :])
    note = f"{end / 2**20:.0f} MiB at the end; {held / 2**10:.0f} KiB for each open tab that shows the home"
    return [Result((end / start - 1) * 100, f"runs 1,000 to {len(seen.seconds):,}", samples=len(sizes), note=note)]


async def _run(app: Served, cookie: str) -> tuple[list[int], Seen]:
    """Resident bytes at each look after the first thousand runs, of four pages in turns."""
    sizes, seen, end = [], Seen(), monotonic() + LONGEST_SECONDS
    async with opened(app.host, cookie, TABS) as tabs:
        for address in islice(cycle(PAGES), RUNS // BETWEEN_LOOKS):
            await together(tabs, address, BETWEEN_LOOKS // TABS, seen)
            if len(seen.seconds) > WARM_UP:
                sizes.append(app.resident_bytes())
            if monotonic() > end and len(sizes) > 2 * WARM_UP // BETWEEN_LOOKS:
                break
    return sizes, seen


async def _held(app: Served, cookie: str) -> float:
    """Bytes for each tab beyond the first hundred."""
    async with opened(app.host, cookie, MANY) as tabs:
        await together(tabs[:FEW], Address(), 1, Seen())
        before = app.resident_bytes()
        await together(tabs[FEW:], Address(), 1, Seen())
        return (app.resident_bytes() - before) / (MANY - FEW)


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
