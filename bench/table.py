"""The table of all measures, in the order in which they run and stand in docs/performance.md."""

from bench import reads, writes
from bench.measures import Measure

MEASURES: tuple[Measure, ...] = (*reads.MEASURES, *writes.MEASURES)
