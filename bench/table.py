"""The table of all measures, in the order in which they run and stand in docs/performance.md."""

from bench import backups, class_report, memory, reads, writes
from bench.api import reads as api_reads
from bench.measures import Measure
from bench.pages import first_load, press
from bench.pages import live as pages_live
from bench.pages import memory as pages_memory
from bench.pages import runs as pages

MEASURES: tuple[Measure, ...] = (
    *reads.MEASURES,
    *writes.MEASURES,
    *class_report.MEASURES,
    *memory.MEASURES,
    *backups.MEASURES,
    *pages.MEASURES,
    *pages_live.MEASURES,
    *pages_memory.MEASURES,
    *first_load.MEASURES,
    *press.MEASURES,
    *api_reads.MEASURES,
)
