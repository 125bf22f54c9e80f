"""Where results go: bench/results.json, and the tables between markers of docs/performance.md."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.measures import SECTIONS, Measure, Result, Section

RESULTS = machine.ROOT / "bench" / "results.json"
PAGE = machine.ROOT / "docs" / "performance.md"
COLUMNS = ("measure", "must reach", "reached", "met", "ours", "against", "samples", "measured")
SHORT = 1.0  # seconds; below it milliseconds read better

Line = Mapping[str, Any]


def line(measure: Measure, result: Result) -> dict[str, Any]:
    """One result as it is kept."""
    return {
        "measure": measure.name,
        "section": measure.section,
        "question": measure.question,
        "comparedWith": measure.against,
        "mustReach": str(measure.target),
        "unit": measure.target.unit,
        "isMet": measure.target.is_met(result.value),
        **asdict(result),
        "date": machine.today(),
        "commit": machine.commit(),
    }


def keep(fresh: Sequence[Line], order: Sequence[str], path: Path = RESULTS) -> list[Line]:
    """All lines: the fresh ones in place of older ones of the same measures, in the order of the measures' names."""
    before = json.loads(path.read_text())["results"] if path.exists() else []
    measured = {each["measure"] for each in fresh}
    lines = [each for each in before if each["measure"] not in measured and each["measure"] in order]
    lines = sorted([*lines, *fresh], key=lambda each: order.index(each["measure"]))
    written = {**machine.described(), "results": lines}
    path.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    return lines


def write_page(lines: Sequence[Line], path: Path = PAGE) -> None:
    """The table of each section, between its markers. Raises ValueError where the page has no such markers."""
    text = path.read_text()
    for section in SECTIONS:
        text = _between(text, section, table(each for each in lines if each["section"] == section))
    path.write_text(text)


def table(lines: Iterable[Line]) -> str:
    """A Markdown table with the machine under it."""
    rows = [_row(_cells(each)) for each in lines]
    if not rows:
        return "Not measured yet.\n"
    where = machine.described()
    head = [_row(COLUMNS), "|---" * len(COLUMNS) + "|"]
    foot = f"On {where['machine']}; {where['system']}; Python {where['python']}."
    return "\n".join([*head, *rows, "", foot, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _between(text: str, section: Section, content: str) -> str:
    begin, end = f"<!-- bench: {section} -->\n", f"<!-- /bench: {section} -->"
    if begin not in text or end not in text:
        raise ValueError(f"no place for the results of {section}")
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + content + end, text, flags=re.DOTALL)


def _cells(each: Line) -> list[str]:
    name = f"{each['question']}: {each['part']}" if each["part"] else each["question"]
    if each["note"]:
        name += f" ({each['note']})"
    return [
        name,
        f"{each['mustReach']} {each['comparedWith']}".strip(),
        f"{shown(each['value'])} {each['unit']}",
        "yes" if each["isMet"] else "**no**",
        duration(each["ours"]),
        duration(each["against"]),
        str(each["samples"] or "–"),
        f"{each['date']}, {each['commit']}",
    ]


def shown(value: float) -> str:
    """Three significant figures, and no more digits than whole ones need."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three figures are whole from here


def duration(value: float | None) -> str:
    """Seconds in the unit that reads best."""
    if value is None:
        return "–"
    return f"{shown(value)} s" if value >= SHORT else f"{shown(value * 1000)} ms"
