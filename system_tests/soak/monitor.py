"""Memory, open files and threads of each process of a cluster over time. growth.py judges them."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from time import monotonic

import psutil

from system_tests.cluster.cluster import Cluster
from system_tests.soak.growth import Growth, Sample, growth

EVERY_SECONDS = 15.0


@dataclass
class Watch:
    """Takes the samples on a thread of its own."""

    cluster: Cluster
    began: float
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def run(self, stop: threading.Event) -> None:
        """Take a sample every 15 s, until told to stop."""
        while not stop.wait(EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """At every process that runs now."""
        for name, pid in self.cluster.programs().items():
            try:
                family = [psutil.Process(pid), *psutil.Process(pid).children()]  # what nginx holds its workers hold
                held = [(each.memory_info().rss, each.num_fds(), each.num_threads()) for each in family]
            except psutil.Error:  # gone since
                continue
            self.samples[name, pid].append(Sample(monotonic() - self.began, *map(sum, zip(*held, strict=True))))

    def growth(self) -> list[Growth]:
        """Of each name, by name, the process that lived longest."""
        longest: dict[str, list[Sample]] = {}
        for (name, _pid), seen in self.samples.items():
            longest[name] = max(longest.get(name, []), seen, key=len)
        return [growth(name, seen) for name, seen in sorted(longest.items()) if seen]
