"""Results of a soak: docs/soak.json, and the part between markers of docs/reliability.md."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench import machine
from system_tests.document_markers import placed
from system_tests.soak.growth import JUDGED_MINUTES, Growth
from system_tests.soak.ledger import OK, Ledger
from system_tests.soak.scenario import Soak

PAGE = machine.ROOT / "docs" / "reliability.md"
KEPT = machine.ROOT / "docs" / "soak.json"
MEGABYTE = 1e6
HAPPENED = ("event heard", "event stream cut")  # events that a person met without asking for them


def summary(soak: Soak) -> dict[str, Any]:
    """Return all results, ready for JSON."""
    return {
        **machine.described(),
        "date": machine.today(),
        "commit": machine.commit(),
        "minutes": round(soak.minutes, 1),
        "verdict": asdict(soak.verdict),
        "actors": _actors(soak.ledger),
        "errors": _errors(soak.ledger),
        "errorsByMinute": _by_minute(soak.ledger),
        "faults": [asdict(each) for each in soak.faults],
        "processes": [asdict(each) for each in soak.growth],
    }


def write(found: dict[str, Any], page: Path = PAGE, kept: Path = KEPT) -> None:
    """Keep it, in place of the soak before. Raises ValueError where the page has no place for it."""
    kept.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    page.write_text(placed(page.read_text(), "soak", text(found)))


def text(found: dict[str, Any]) -> str:
    """The part of the page, in Markdown."""
    asked = [each for each in found["actors"] if each["actor"] not in HAPPENED]
    verdict, calls = found["verdict"], sum(each["calls"] for each in asked)
    errors = sum(each["errors"] for each in asked)
    lines = [
        f"{found['minutes']:.0f} minutes, {len(found['faults'])} faults, {calls:,} calls, {verdict['acknowledged']:,} "
        f"saves acknowledged: **{verdict['lost']} lost, {verdict['doubled']} counted twice, "
        f"{len(verdict['disagreements'])} sums of students and {verdict['chapters_that_differ']} of chapters that "
        f"differ from a recount, {_growth_words(found['processes'])}.** Error rate {errors / max(1, calls):.2%} "
        f"({calls / found['minutes'] / 60:.1f} calls a second). Measured {found['date']}, "
        f"{found['commit']}, on {found['machine']}, which others used at the same time.",
        "",
        *_table(
            ("who", "calls", "errors", "rate", "median", "95 %", "99 %"),
            (
                (
                    each["actor"],
                    f"{each['calls']:,}",
                    str(each["errors"]),
                    f"{each['errors'] / max(1, each['calls']):.2%}",
                    *(_milliseconds(each[name]) for name in ("p50", "p95", "p99")),
                )
                for each in asked
            ),
        ),
        "",
        "Beside that: "
        + ", ".join(f"{each['calls']:,} × {each['actor']}" for each in found["actors"] if each["actor"] in HAPPENED),
        "",
        "What the errors were: " + ("; ".join(f"{each['what']} {each['times']}" for each in found["errors"]) or "none"),
        "",
        *_table(
            ("fault", "times", "whole again after", "nobody saved for at most", "errors in those minutes"),
            _fault_rows(found["faults"], found["errorsByMinute"]),
        ),
        "",
        *_table(
            ("process", "lived", "memory, second quarter", "last quarter", "slope", "files", "threads", "grew"),
            (_process_row(each) for each in found["processes"]),
        ),
        "",
    ]
    return "\n".join(lines)


def _actors(ledger: Ledger) -> list[dict[str, Any]]:
    counted: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for found in ledger.calls().values():
        for (actor, outcome), count in found.items():
            counted[actor] += count
            failed[actor] += count if outcome != OK else 0
    return [
        {
            "actor": actor,
            "calls": counted[actor],
            "errors": failed[actor],
            **_percentiles(ledger.seconds.get(actor, [])),
        }
        for actor in sorted(counted)
    ]


def _percentiles(seconds: Sequence[float]) -> dict[str, Any]:
    if len(seconds) < 2:  # noqa: PLR2004 - quantiles need two
        return {"p50": None, "p95": None, "p99": None}
    cuts = quantiles(seconds, n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def _errors(ledger: Ledger) -> list[dict[str, Any]]:
    found: Counter[str] = Counter()
    for calls in ledger.calls().values():
        for (actor, outcome), count in calls.items():
            if outcome != OK:
                found[f"{actor}: {outcome}"] += count
    return [{"what": what, "times": times} for what, times in found.most_common()]


def _by_minute(ledger: Ledger) -> list[dict[str, Any]]:
    return [
        {
            "minute": minute,
            "calls": sum(found.values()),
            "errors": {f"{actor}: {outcome}": count for (actor, outcome), count in found.items() if outcome != OK},
        }
        for minute, found in sorted(ledger.calls().items())
    ]


def _fault_rows(faults: Sequence[dict[str, Any]], minutes: Sequence[dict[str, Any]]) -> Iterable[tuple[str, ...]]:
    failed = {each["minute"]: sum(each["errors"].values()) for each in minutes}
    for name in dict.fromkeys(each["name"] for each in faults):
        made = [each for each in faults if each["name"] == name]
        whole = [each["whole_after"] for each in made if each["whole_after"] is not None]
        unmended = len(made) - len(whole)
        mended = f"{max(whole):.0f} s" if whole else "–"
        gap = max(each["longest_gap"] for each in made)
        mended += f" ({unmended} not)" if unmended else ""
        errors = sum(failed.get(each["minute"], 0) for each in made)
        yield (name, str(len(made)), mended, f"{gap:.1f} s", str(errors))


def _process_row(each: dict[str, Any]) -> tuple[str, ...]:
    grown = Growth(**each)
    slope = "–" if grown.bytes_per_hour is None else f"{grown.bytes_per_hour / MEGABYTE:+.1f} MB/h"
    return (
        grown.name,
        f"{grown.minutes:.0f} min",
        *(f"{each / MEGABYTE:.0f} MB" for each in grown.resident_bytes),
        slope,
        *(f"{earlier:.0f} → {later:.0f}" for earlier, later in (grown.files, grown.threads)),
        "–" if grown.grew is None else ", ".join(grown.grew) or "no",
    )


def _growth_words(processes: Sequence[dict[str, Any]]) -> str:
    judged = [each["grew"] for each in processes if each["grew"] is not None]
    if not judged:
        return f"no process lived the {JUDGED_MINUTES:.0f} minutes after which growth is judged"
    return f"{sum(map(bool, judged))} of {len(judged)} long-lived processes grown"


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1000 * seconds:.0f} ms"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
