"""Trials of processes that stop and start in a cluster; each returns its finding."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from httpx2 import Client

from backend.statistics.queries import PROJECTOR
from system_tests.cluster.app_process import OK, Served, await_ready
from system_tests.cluster.cluster import Cluster
from system_tests.cluster.load import Load
from system_tests.cluster.people import Person, student, unchecked
from system_tests.cluster.results import Finding
from system_tests.cluster.waiting import until

WAIT_SECONDS = 30.0
TAKEOVER_SECONDS = 30.0


def rolling_restart(cluster: Cluster) -> Finding:
    """Every process of the app is stopped in order and started again, one after the other, under load."""
    person = student(cluster.backend)
    unready = []
    with _loaded(cluster, person) as load:
        for each in (*cluster.web.values(), *cluster.api.values()):
            unready.append(_restarted(each))
    return Finding(
        "rolling restart of every process with pages or the API",
        f"{load.sent} requests, {len(load.failed)} failed, {_saved(cluster, person, load)}; the slowest took "
        f"{load.slowest:.1f} s; {sum(unready)} of {len(unready)} said “not ready” while they still served"
        + (f"; first: {load.failed[0]}" if load.failed else ""),
        not load.failed and all(unready) and _solved(cluster, person) == load.saved,
    )


def _restarted(served: Served) -> bool:
    """Stop it in order and start it again; whether it said that it is not ready while it still answered."""
    served.ask_to_stop()
    was_unready = False
    while not was_unready and served.is_running:
        was_unready = served.health() == 503 and served.health("live") == OK  # noqa: PLR2004  (the status says it)
        time.sleep(0.1)
    served.wait()  # asked once more it would stop at once
    served.start()
    await_ready([served])
    return was_unready


def blue_green(cluster: Cluster) -> Finding:
    """Two more processes are started, nginx is led to them, and the former are stopped, under load."""
    person, blue = student(cluster.backend), dict(cluster.web)
    green = {name: cluster.program("web", name) for name in ("green-a", "green-b")}
    with _loaded(cluster, person) as load:
        cluster.start(*green.values())
        began = monotonic()
        cluster.lead_to(green)
        took = monotonic() - began
        for each in blue.values():
            each.stop()
        time.sleep(1)
    holder = _holder(cluster, person, node="a")
    back = _brought_back(cluster, blue, green)
    return Finding(
        "blue-green: nginx led to two new processes, the former two stopped",
        f"{load.sent} requests, {len(load.failed)} failed, {_saved(cluster, person, load)}; the switch took "
        f"{took:.1f} s; a browser that knew process a was led to {holder}; back again: {back} requests failed"
        + (f"; first: {load.failed[0]}" if load.failed else ""),
        not load.failed and not back and holder in green,
    )


def _brought_back(cluster: Cluster, blue: dict[str, Served], green: dict[str, Served]) -> int:
    person = student(cluster.backend)
    with _loaded(cluster, person) as load:
        for each in blue.values():
            each.start()
        await_ready(blue.values())
        cluster.lead_to(blue)
        for each in green.values():
            each.stop()
        time.sleep(1)
    return len(load.failed)


def one_projector(cluster: Cluster) -> Finding:
    """Of all processes with background work one keeps the statistics; killed, another one does within seconds."""
    able = [*cluster.web.values(), cluster.worker]
    first, epoch = _leader(cluster, able)
    seen = set()
    for _look in range(20):
        seen.add(_lease(cluster)["owner"])
        time.sleep(0.1)
    first.kill()
    began = monotonic()
    until(lambda: _lease(cluster)["epoch"] > epoch, TAKEOVER_SECONDS)
    took = monotonic() - began
    first.start()
    second, later = _leader(cluster, able)
    await_ready(able)
    return Finding(
        "one projector among two processes with pages and a worker",
        f"{first.name} led alone; killed, {second.name} led after {took:.1f} s (term {epoch}, then {later})",
        len(seen) == 1 and second is not first,
    )


@contextmanager
def _loaded(cluster: Cluster, person: Person) -> Iterator[Load]:
    with Load(cluster.url, person, cluster.backend.chapters.active()[0].id) as load:
        time.sleep(1)
        yield load


def _solved(cluster: Cluster, person: Person) -> int:
    return int(cluster.backend.progress.record(person.viewer.id).summary.total.solved)


def _saved(cluster: Cluster, person: Person, load: Load) -> str:
    return f"{load.saved} saves acknowledged and {_solved(cluster, person)} kept"


def _holder(cluster: Cluster, person: Person, *, node: str) -> str:
    """The process that a browser is led to which knows another one."""
    with Client(base_url=cluster.url, verify=unchecked(), timeout=WAIT_SECONDS) as client:
        cookies = f"session={person.session}; node={node}"
        answer = client.get("/", headers={"Cookie": cookies, "Accept": "text/html"})
        return answer.cookies.get("node") or node


def _lease(cluster: Cluster) -> dict[str, Any]:
    return cluster.backend.mongo["leases"].find_one({"_id": PROJECTOR}) or {"owner": None, "epoch": 0}


def _leader(cluster: Cluster, able: list[Served]) -> tuple[Served, int]:
    """The process whose log says that it leads in the present term."""
    deadline = monotonic() + WAIT_SECONDS
    while monotonic() < deadline:
        lease = _lease(cluster)
        found = [each for each in able if str(lease["owner"]) in each.log.read_text()]
        if lease["owner"] and found:
            return found[0], int(lease["epoch"])
        time.sleep(0.2)
    raise TimeoutError("nobody keeps the statistics")
