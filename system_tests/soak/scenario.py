"""One soak: everybody begins, parts break, everybody leaves once all saves are answered, and the sums are done."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from httpx2 import AsyncClient

from bench.pages.load import Address
from system_tests.cluster.cluster import Cluster
from system_tests.cluster.people import unchecked
from system_tests.soak import readers, savers
from system_tests.soak.faults import Breaker, Fault
from system_tests.soak.growth import Growth
from system_tests.soak.ledger import Ledger
from system_tests.soak.monitor import Watch
from system_tests.soak.people import Cast, Program, enrol
from system_tests.soak.verdict import Verdict, reached

BY_API, BY_SERVICES = 6, 3
SAVE_PAUSE, READ_PAUSE, PAGE_PAUSE = 1.5, 2.0, 3.0  # seconds on average between two calls of one person
LISTENERS = 3
END_SECONDS = 120.0
STUDENT_PAGES = (Address(), Address("chapters"), Address("leaderboard"), Address("insights"))
TEACHER_PAGES = (Address(), Address("classroom"))
# All people of a soak stand behind one address, and a refusal for haste is no failure.
GENEROUS = {
    "RATE_LIMIT_ANONYMOUS": "1000000/hour",
    "RATE_LIMIT_USER": "1000000/hour",
    "RATE_LIMIT_BURST": "1000/second",
    "RATE_LIMIT_ADAPTIVE": "false",
    "LOG_LEVEL": "WARNING",
}

Report = Callable[[str], None]


@dataclass(frozen=True)
class Soak:
    """The results of a soak."""

    minutes: float
    ledger: Ledger
    faults: Sequence[Fault]
    growth: Sequence[Growth]
    verdict: Verdict


def soak(cluster: Cluster, minutes: int, report: Report) -> Soak:
    """Run `minutes` of work and faults. Raises TimeoutError if the cluster is not whole in the end."""
    cast = enrol(cluster.backend, BY_API + BY_SERVICES)
    ledger = Ledger()
    watch, breaker = Watch(cluster, ledger.began), Breaker(cluster, ledger, minutes)
    stop = threading.Event()
    services = cluster.built()  # apart from the cluster's own, as another process would have them
    with closing(services):
        chapters = [chapter.id for chapter in services.chapters.active()]
        hands = [
            threading.Thread(
                target=savers.save_by_services, args=(services, ledger, person, chapters, SAVE_PAUSE, stop)
            )
            for person in cast.students[BY_API:]
        ]
        others = [threading.Thread(target=each.run, args=(stop,)) for each in (watch, breaker)]
        for thread in (*hands, *others):
            thread.start()
        try:
            asyncio.run(_online(cluster, cast, chapters, ledger, minutes, report))
        finally:
            stop.set()
            others[1].join()
            cluster.mend()
            for thread in (*hands, others[0]):
                thread.join(END_SECONDS)
        lasted = (monotonic() - ledger.began) / 60
        watch.look()
        report("Adding everything up …")
        verdict = reached(services, [person.viewer for person in cast.students], ledger.acks)
    growth = watch.growth()
    verdict = replace(
        verdict,
        unmended=[f"{each.name}, minute {each.minute}: {each.trouble}" for each in breaker.made if each.trouble],
        grew=[f"{each.name}: {', '.join(each.grew)}" for each in growth if each.grew],
    )
    return Soak(lasted, ledger, breaker.made, growth, verdict)


async def _online(
    cluster: Cluster, cast: Cast, chapters: Sequence[str], ledger: Ledger, minutes: int, report: Report
) -> None:
    """Everybody who comes through nginx, until the time is over and the last save is acknowledged."""
    stop = asyncio.Event()
    async with AsyncExitStack() as clients:
        acts = [await _client(cluster, clients, make) for make in _acts(cluster, cast, chapters, ledger, stop)]
        tasks = [asyncio.create_task(act) for act in acts]
        for minute in range(minutes):
            await asyncio.sleep(max(0.0, ledger.began + 60 * (minute + 1) - monotonic()))
            report(_line(ledger, minute))
            broken = next((task.exception() for task in tasks if task.done()), None)
            if broken:
                raise broken
        stop.set()
        _done, waiting = await asyncio.wait(tasks, timeout=END_SECONDS)
        for task in waiting:  # listeners, and browsers in the middle of a page
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


Act = Callable[[AsyncClient], Coroutine[Any, Any, None]]


async def _client(cluster: Cluster, clients: AsyncExitStack, make: Act) -> Coroutine[Any, Any, None]:
    client = await clients.enter_async_context(AsyncClient(base_url=cluster.url, verify=unchecked()))
    return make(client)


def _acts(cluster: Cluster, cast: Cast, chapters: Sequence[str], ledger: Ledger, stop: asyncio.Event) -> list[Act]:
    """Each with a client of its own."""
    teacher, room, host = cast.teacher, cast.classroom_id, f"localhost:{cluster.port}"

    def program(client: AsyncClient, email: str) -> Program:
        return Program(client, ledger, email)

    saving: list[Act] = [
        lambda client, each=person: savers.save_by_program(  # type: ignore[misc]  # a default binds the person
            program(client, each.viewer.email), each, chapters, SAVE_PAUSE, stop
        )
        for person in cast.students[:BY_API]
    ]
    listening: list[Act] = [
        lambda client, each=person: readers.listen(  # type: ignore[misc]  # as above
            program(client, each.viewer.email), "student:me,boards", stop
        )
        for person in cast.students[:LISTENERS]
    ]
    reports = [f"/api/v1/classrooms/{room}/{what}" for what in ("students", "statistics?groupBy=subject")]
    boards = ["/api/v1/leaderboard?around=me", "/api/v1/statistics?groupBy=subject,class", "/api/v1/progress/home"]
    reader = cast.students[0].viewer.email
    reading: list[Act] = [
        lambda client: readers.read(program(client, teacher.viewer.email), "class report", reports, READ_PAUSE, stop),
        lambda client: readers.read(program(client, reader), "board, figures", boards, READ_PAUSE, stop),
        lambda client: readers.look_unsigned(client, ledger, ["/api/v1/chapters?limit=50"], READ_PAUSE, stop),
        lambda client: readers.listen(program(client, teacher.viewer.email), f"classroom:{room}", stop),
        lambda _client: readers.Visits(host, cast.students[1], STUDENT_PAGES, PAGE_PAUSE).go_on(ledger, stop),
        lambda _client: readers.Visits(host, cast.students[BY_API], STUDENT_PAGES, PAGE_PAUSE).go_on(ledger, stop),
        lambda _client: readers.Visits(host, teacher, TEACHER_PAGES, PAGE_PAUSE).go_on(ledger, stop),
    ]
    return [*saving, *listening, *reading]


def _line(ledger: Ledger, minute: int) -> str:
    found = ledger.calls().get(minute) or Counter()
    bad = {f"{actor}: {outcome}": count for (actor, outcome), count in found.items() if outcome != "ok"}
    return f"minute {minute + 1}: {sum(found.values())} calls, {len(ledger.acks)} saves in all; {bad or 'no errors'}"
