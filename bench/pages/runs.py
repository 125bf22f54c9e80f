"""What the pages cost: a run of each beside an almost empty one, and the two settings without which reruns crawl."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from backend.accounts.models import Viewer
from bench.made import SIZES, Made
from bench.measures import Measure, Result, Target
from bench.pages.app import EMPTY
from bench.pages.load import Address, Seen, opened, rate, together
from bench.pages.served import Served, served, session
from bench.school import Bench

SESSIONS, ROUNDS, RUNS_EACH = 50, 3, 2
MANY, WINDOW_SECONDS, TURNS = 200, 10.0, 2
STUDENT, TEACHER, ADMINISTRATOR = "student", "teacher", "administrator"
ALMOST_EMPTY = Address(query=EMPTY)
PAGES: tuple[tuple[str, str, Address], ...] = (
    (STUDENT, "home", Address()),
    (STUDENT, "chapters", Address("chapters")),
    (STUDENT, "chapter", Address("chapter", "id={chapter}")),
    (STUDENT, "insights", Address("insights")),
    (STUDENT, "leaderboard", Address("leaderboard")),
    (STUDENT, "settings", Address("settings")),
    (STUDENT, "settings, classes", Address("settings", "view=classes")),
    (STUDENT, "settings, security", Address("settings", "view=security")),
    (STUDENT, "settings, own data", Address("settings", "view=data")),
    (TEACHER, "home", Address()),
    (TEACHER, "class", Address("classroom", "id={classroom}")),
    (TEACHER, "manage chapters", Address("manage-chapters")),
    (ADMINISTRATOR, "home", Address()),
    (ADMINISTRATOR, "health", Address("health")),
    (ADMINISTRATOR, "users", Address("users")),
    (ADMINISTRATOR, "audit", Address("audit")),
)


@dataclass
class Side:
    """What was seen of a page, and the server's processor time for it."""

    seen: Seen = field(default_factory=Seen)
    busy: list[float] = field(default_factory=list)

    @property
    def each(self) -> float:
        """Median processor seconds of a run."""
        return median(self.busy)


def runs(bench: Bench) -> Sequence[Result]:
    """Half of the runs of each page took so many times as long as half of those of the empty one beside them."""
    school = bench.school(SIZES["10k"])
    cookies = {role: session(school, who) for role, who in _people(school.made).items()}
    chapter = bench.backend(school).chapters.active()[0].id
    results = []
    with served(school) as app:
        for role, name, page in PAGES:
            address = Address(page.path, page.query.format(chapter=chapter, classroom=school.made.classroom(0).id))
            ours, empty = asyncio.run(_beside(app, cookies[role], address))
            results.append(_compared(f"{role}: {name}", ours, empty))
    return results


async def _beside(app: Served, cookie: str, page: Address) -> tuple[Side, Side]:
    """Fifty tabs of the page and fifty of the empty one, in turns; the first run of each tab does not count."""
    ours, empty = Side(), Side()
    async with opened(app.host, cookie, SESSIONS) as mine, opened(app.host, cookie, SESSIONS) as others:
        kinds = ((mine, page, ours), (others, ALMOST_EMPTY, empty))
        for tabs, address, _side in kinds:
            await together(tabs, address, 1, Seen())
        for turn in range(ROUNDS):
            for tabs, address, side in kinds if turn % 2 == 0 else reversed(kinds):
                before = app.busy_seconds()
                await together(tabs, address, RUNS_EACH, side.seen)
                side.busy.append((app.busy_seconds() - before) / (SESSIONS * RUNS_EACH))
    return ours, empty


def _compared(part: str, ours: Side, empty: Side) -> Result:
    mine, other, seen = median(ours.seen.seconds), median(empty.seen.seconds), ours.seen
    seen.refuse_failures()
    note = (
        f"{1e3 * ours.each:.1f} against {1e3 * empty.each:.1f} ms of processor a run ({ours.each / empty.each:.1f} ×); "
        f"{seen.messages} messages, {seen.size / 1e3:.0f} kB"
    )
    return Result(mine / other, part, mine, other, len(seen.seconds), note)


def defaults(bench: Bench) -> Sequence[Result]:
    """Runs a second of a student's home in 200 tabs, beside the same app with Streamlit's default settings."""
    school = bench.school(SIZES["10k"])
    cookie = session(school, school.made.student(0))
    with served(school) as ours, served(school, "--defaults") as theirs:
        mine, others, seen = asyncio.run(_rates(ours, theirs, cookie))
    seen.refuse_failures()
    fewest = 1 / (WINDOW_SECONDS * TURNS)  # where no run ended in time, one more would have been this much
    note = f"{mine:.0f} against {others:.1f} runs/s; p50 {median(seen.seconds):.1f} s while all 200 run at once"
    return [Result(mine / max(others, fewest), "", 1 / mine, 1 / max(others, fewest), len(seen.seconds), note)]


async def _rates(ours: Served, theirs: Served, cookie: str) -> tuple[float, float, Seen]:
    mine: list[float] = []
    others: list[float] = []
    seen = Seen()
    async with opened(ours.host, cookie, MANY) as my_tabs, opened(theirs.host, cookie, MANY) as their_tabs:
        await rate(my_tabs, Address(), WINDOW_SECONDS, Seen())
        await rate(their_tabs, Address(), WINDOW_SECONDS, Seen())
        for _turn in range(TURNS):
            mine.append(await rate(my_tabs, Address(), WINDOW_SECONDS, seen))
            others.append(await rate(their_tabs, Address(), WINDOW_SECONDS, Seen()))
    return sum(mine) / len(mine), sum(others) / len(others), seen


def _people(made: Made) -> dict[str, Viewer]:
    return {STUDENT: made.student(0), TEACHER: made.teacher(0), ADMINISTRATOR: made.administrator()}


MEASURES: tuple[Measure, ...] = (
    Measure(
        "page-runs",
        "pages",
        "A run of each page, 50 tabs at once (p50)",
        "an almost empty page in the same process",
        Target("at most", 6),
        runs,
    ),
    Measure(
        "page-settings",
        "pages",
        "Runs a second of a student's home, 200 tabs at once",
        "the same app with Streamlit's default settings",
        Target("at least", 10),
        defaults,
    ),
)
