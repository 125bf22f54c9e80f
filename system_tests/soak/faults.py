"""Faults in a soak, one a minute, and their repair: a process that was killed is started again."""

import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from time import monotonic

import redis

from system_tests.cluster.cluster import Cluster
from system_tests.soak.ledger import Ledger

LEAD_SECONDS = 5.0  # into the minute, before anything breaks
HOLD_SECONDS = 12.0
OUTCOME_SECONDS = 50.0
SETTLING_SHARE = 0.35  # of the soak; after it, no fault in EARLY is made


@dataclass
class Fault:
    """One fault: its time in seconds from the beginning, and the time until all was whole again."""

    name: str
    minute: int
    at: float
    whole_after: float | None = None
    longest_gap: float = 0.0
    trouble: str = ""


@dataclass
class Breaker:
    """Breaks and mends on a thread of its own. What was made is kept in `made`."""

    cluster: Cluster
    ledger: Ledger
    minutes: int
    made: list[Fault] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        """One fault in each minute but the first and the last."""
        planned = plan(self.minutes)
        for minute in range(1, self.minutes - 1):
            due = self.ledger.began + 60 * minute + LEAD_SECONDS
            if stop.wait(max(0.0, due - monotonic())):
                return
            if monotonic() > due + 30:  # the last one took so long to mend that this minute has none
                continue
            name = next(planned)
            self._make(name, KINDS[name], minute, stop)

    def _make(self, name: str, break_it: Callable[[Cluster], None], minute: int, stop: threading.Event) -> None:
        began = monotonic()
        fault = Fault(name, minute, began - self.ledger.began)
        self.made.append(fault)
        try:
            break_it(self.cluster)
            stop.wait(HOLD_SECONDS)
            self.cluster.mend()
            fault.whole_after = monotonic() - began
        except Exception as error:  # noqa: BLE001 - a soak goes on, and says what it could not mend
            fault.trouble = repr(error)
        stop.wait(max(0.0, began + OUTCOME_SECONDS - monotonic()))
        fault.longest_gap = self.ledger.longest_gap(began, monotonic())


def plan(minutes: int) -> Iterator[str]:
    """The kind of the fault of every minute from 1 on: at first what is broken once, then the others in turn.

    Those of `EARLY` are not made once a good third is over, so that there are processes of each kind (pages, API,
    worker, nginx) that live for most of an hour, and it can be told whether they grow.
    """
    yield from FIRST
    minute = 1 + len(FIRST)
    for name in cycle(name for name in KINDS if name not in FIRST):
        if name in EARLY and minute > minutes * SETTLING_SHARE:
            continue
        yield name
        minute += 1


def _kill_api(cluster: Cluster) -> None:
    cluster.api["api"].kill()


def _kill_first_web(cluster: Cluster) -> None:
    cluster.web["a"].kill()


def _kill_front(cluster: Cluster) -> None:
    cluster.nginx.process.kill()


def _kill_web(cluster: Cluster) -> None:
    cluster.web["b"].kill()


def _freeze_web(cluster: Cluster) -> None:
    cluster.web["b"].freeze()


def _stop_web(cluster: Cluster) -> None:
    cluster.web["b"].stop()


def _kill_primary(cluster: Cluster) -> None:
    cluster.mongo.await_primary().kill()


def _freeze_primary(cluster: Cluster) -> None:
    cluster.mongo.await_primary().freeze()


def _kill_cache(cluster: Cluster) -> None:
    cluster.valkey.masters()[0].kill()


def _freeze_cache(cluster: Cluster) -> None:
    cluster.valkey.masters()[-1].freeze()


def _empty_caches(cluster: Cluster) -> None:
    for node in cluster.valkey.masters():
        try:
            node.ask("FLUSHALL")
        except redis.RedisError:
            continue


def _kill_worker(cluster: Cluster) -> None:
    cluster.worker.kill()


def _reload_front(cluster: Cluster) -> None:
    cluster.nginx.process.signal(signal.SIGHUP)


KINDS: dict[str, Callable[[Cluster], None]] = {
    "the API's process killed (kill -9)": _kill_api,
    "the other web process killed (kill -9)": _kill_first_web,
    "nginx killed (kill -9), workers and all": _kill_front,
    "a web process killed (kill -9)": _kill_web,
    "MongoDB's primary killed (kill -9)": _kill_primary,
    "a Valkey master killed (kill -9)": _kill_cache,
    "the worker killed (kill -9)": _kill_worker,
    "MongoDB's primary frozen (SIGSTOP)": _freeze_primary,
    "nginx reloaded": _reload_front,
    "a web process frozen (SIGSTOP)": _freeze_web,
    "a Valkey master frozen (SIGSTOP)": _freeze_cache,
    "a web process restarted (SIGTERM)": _stop_web,
    "all of Valkey emptied (FLUSHALL)": _empty_caches,
}
FIRST = tuple(KINDS)[:3]
EARLY = ("the worker killed (kill -9)",)
