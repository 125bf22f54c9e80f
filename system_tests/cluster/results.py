"""Findings of the cluster trials, and their part between markers of docs/reliability.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from system_tests.document_markers import placed

PAGE = machine.ROOT / "docs" / "reliability.md"


@dataclass(frozen=True)
class Finding:
    """One trial, its outcome, and whether that is as required."""

    tried: str
    found: str
    holds: bool


def write(findings: Sequence[Finding], page: Path = PAGE) -> None:
    """Replace the earlier findings in the page. Raises ValueError if the page has no place for them."""
    page.write_text(placed(page.read_text(), "cluster", text(findings)))


def text(findings: Sequence[Finding]) -> str:
    """A table in Markdown."""
    where = machine.described()["machine"]
    rows = [f"| {each.tried} | {each.found} | {'yes' if each.holds else '**no**'} |" for each in findings]
    foot = f"Measured {machine.today()}, {machine.commit()}, on {where}, which others used at the same time."
    return "\n".join(["| tried | found | as promised |", "| --- | --- | --- |", *rows, "", foot, ""])
