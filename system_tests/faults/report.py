"""Results of the failure trials: docs/reliability.json, and the table between markers of docs/reliability.md."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine

PAGE = machine.ROOT / "docs" / "reliability.md"
KEPT = machine.ROOT / "docs" / "reliability.json"
COLUMNS = (
    *("fault", "times", "saves acknowledged", "lost", "doubled", "nobody saves: median", "at most"),
    *("longest wait of a person", "refusals shown", "saved though refused", "measured"),
)


@dataclass(frozen=True)
class Figure:
    """One fault, made several times over. `gaps` has, for each time, the seconds in which nobody's save was answered.

    `refused` counts calls that ended in a sentence for a person, by that sentence; `unclear` those of them whose save
    was found to be done when it was tried again.
    """

    fault: str
    times: int
    saves: int
    lost: int
    doubled: int
    gaps: Sequence[float] = ()
    longest: float | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    unclear: int = 0


class Figures:
    """Those of one run of the trials."""

    def __init__(self) -> None:
        self.found: list[Figure] = []

    def add(self, figure: Figure) -> None:
        """Keep one."""
        self.found.append(figure)


def write(figures: Figures, page: Path = PAGE, kept: Path = KEPT) -> None:
    """Put what was found in place of older figures of the same faults. Raises ValueError where there is no place."""
    lines = json.loads(kept.read_text())["results"] if kept.exists() else []
    fresh = [asdict(each) | {"date": machine.today(), "commit": machine.commit()} for each in figures.found]
    lines = list(({each["fault"]: each for each in lines} | {each["fault"]: each for each in fresh}).values())
    kept.write_text(json.dumps({**machine.described(), "results": lines}, indent=2, ensure_ascii=False) + "\n")
    page.write_text(placed(page.read_text(), table(lines)))


def placed(text: str, content: str) -> str:
    """The page with `content` between its markers."""
    begin, end = "<!-- faults -->\n", "<!-- /faults -->"
    if begin not in text or end not in text:
        raise ValueError("no place for the figures of faults")
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + content + end, text, flags=re.DOTALL)


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table with the machine under it."""
    where = machine.described()
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_cells(each) for each in lines)]
    foot = f"On {where['machine']}; {where['system']}; Python {where['python']}."
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", foot, ""])


def _cells(each: Mapping[str, Any]) -> tuple[str, ...]:
    gaps = each["gaps"]
    return (
        each["fault"],
        str(each["times"]),
        f"{each['saves']:,}",
        str(each["lost"]),
        str(each["doubled"]),
        _seconds(median(gaps) if gaps else None),
        _seconds(max(gaps) if gaps else None),
        _seconds(each["longest"]),
        str(sum(each["refused"].values())),
        str(each["unclear"]),
        f"{each['date']}, {each['commit']}",
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
