"""What is broken in a soak, one thing a minute, and how it is mended: by starting again what was killed."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import redis

from deploy.cluster.cluster import Cluster
from deploy.soak.ledger import Ledger

LEAD_SECONDS = 5.0  # into the minute, before anything breaks
HOLD_SECONDS = 12.0
OUTCOME_SECONDS = 50.0


@dataclass
class Fault:
    """One that was made: when (seconds from the beginning), and how long it was until all was whole again."""

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
        kinds = list(KINDS.items())
        for minute in range(1, self.minutes - 1):
            due = self.ledger.began + 60 * minute + LEAD_SECONDS
            if stop.wait(max(0.0, due - monotonic())):
                return
            if monotonic() > due + 30:  # the last one took so long to mend that this minute has none
                continue
            name, break_it = kinds[(minute - 1) % len(kinds)]
            self._make(name, break_it, minute, stop)

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
