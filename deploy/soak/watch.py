"""What each process of a cluster holds over time: memory, open files, threads."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import linear_regression
from time import monotonic

import psutil

from deploy.cluster.cluster import Cluster

EVERY_SECONDS = 15.0
SETTLING_SHARE = 1 / 3  # of what was watched: caches and pools fill before that
LEAST_SAMPLES = 8


@dataclass(frozen=True)
class Sample:
    """One look at one process; seconds from the beginning."""

    at: float
    resident_bytes: int
    files: int
    threads: int


@dataclass(frozen=True)
class Growth:
    """The process of this name that lived longest: what it held once settled and in the end, and the slope between."""

    name: str
    minutes: float
    first_bytes: int
    last_bytes: int
    bytes_per_hour: float | None
    files: tuple[int, int]
    threads: tuple[int, int]


@dataclass
class Watch:
    """Looks on a thread of its own."""

    cluster: Cluster
    began: float
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def run(self, stop: threading.Event) -> None:
        """A look every 15 s, until told to stop."""
        while not stop.wait(EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """At every process that runs now."""
        for name, pid in self.cluster.programs().items():
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    held = Sample(
                        monotonic() - self.began,
                        process.memory_info().rss,
                        process.num_fds(),
                        process.num_threads(),
                    )
            except psutil.Error:  # gone since
                continue
            self.samples[name, pid].append(held)

    def growth(self) -> list[Growth]:
        """Of each name, by name."""
        longest: dict[str, list[Sample]] = {}
        for (name, _pid), seen in self.samples.items():
            longest[name] = max(longest.get(name, []), seen, key=len)
        return [_growth(name, seen) for name, seen in sorted(longest.items()) if seen]


def _growth(name: str, seen: list[Sample]) -> Growth:
    settled = seen[int(len(seen) * SETTLING_SHARE) :]
    slope = None
    if len(settled) >= LEAST_SAMPLES:
        slope = linear_regression([each.at for each in settled], [each.resident_bytes for each in settled]).slope * 3600
    first, last = settled[0], settled[-1]
    return Growth(
        name=name,
        minutes=(seen[-1].at - seen[0].at) / 60,
        first_bytes=first.resident_bytes,
        last_bytes=last.resident_bytes,
        bytes_per_hour=slope,
        files=(first.files, last.files),
        threads=(first.threads, last.threads),
    )
