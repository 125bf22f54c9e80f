"""`python -m bench`: runs the measures on private servers, prints what they found and keeps it for the documents."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from backend.kit.observability import log
from bench import report
from bench.machine import ROOT
from bench.made import SIZES, Size
from bench.measures import Measure, chosen
from bench.report import Line, duration, shown
from bench.school import Bench
from bench.table import MEASURES

FOLDER = ROOT / "data" / "bench"


def main(words: Sequence[str]) -> int:
    """Exit code: 0 where every measure was taken, met or not; 1 where one failed, 2 for a wrong word."""
    options = _parser().parse_args(words)
    try:
        measures = chosen(MEASURES, options.only)
        sizes = _sizes(options.sizes)
    except LookupError as error:
        say(str(error.args[0]))
        return 2
    if options.list:
        for each in MEASURES:
            say(f"{each.name:<24} {each.target!s:<12} {each.question}")
        return 0
    log.configure("ERROR")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if options.temporary else options.folder
        return _run(measures, Bench(folder, sizes, say), is_kept=not options.dry_run)


def say(line: str) -> None:
    """A line for the person at the terminal."""
    print(f"  {line}", flush=True)  # noqa: T201 - a person reads it


def _run(measures: Sequence[Measure], bench: Bench, *, is_kept: bool) -> int:
    began, failed, lines = perf_counter(), 0, []
    try:
        for measure in measures:
            try:
                lines += _taken(measure, bench)
            except Exception as error:  # noqa: BLE001 - the other measures are worth taking all the same
                failed += 1
                say(f"   FAILED  {type(error).__name__}: {error}")
    finally:
        bench.close()
        if lines and is_kept:
            report.write_page(report.keep(lines, [each.name for each in MEASURES]))
    unmet = sum(not line["isMet"] for line in lines)
    say(f"{len(lines)} results in {perf_counter() - began:.0f} s, {unmet} of them not met, {failed} measures failed.")
    return 1 if failed else 0


def _taken(measure: Measure, bench: Bench) -> list[Line]:
    say(f"{measure.name}: {measure.question} ({measure.target} {measure.against})")
    lines: list[Line] = []
    for result in measure.take(bench):
        found = report.line(measure, result)
        sides = f"{duration(result.ours)} : {duration(result.against)}" if result.ours is not None else ""
        mark = "met" if found["isMet"] else "NOT MET"
        say(f"   {mark:<8}{shown(result.value):>6} {measure.target.unit}  {result.part}  {sides}  {result.note}")
        lines.append(found)
    return lines


def _sizes(names: str) -> tuple[Size, ...]:
    wanted = [name for name in names.split(",") if name]
    unknown = sorted(set(wanted) - set(SIZES))
    if unknown or not wanted:
        raise LookupError(f"there is no size {', '.join(unknown)}; there are {', '.join(SIZES)}")
    return tuple(SIZES[name] for name in wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="measures or sections, default all")
    parser.add_argument("--sizes", default="10k,1m", help=f"of {', '.join(SIZES)}; default 10k,1m")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where servers and made schools are kept")
    parser.add_argument("--temporary", action="store_true", help="use a folder that is gone afterwards")
    parser.add_argument("--dry-run", action="store_true", help="print only, write nothing")
    parser.add_argument("--list", action="store_true", help="print the measures and stop")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
