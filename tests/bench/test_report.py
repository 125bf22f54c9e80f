"""What becomes of results: the file keeps older lines, the page its words, and the table says what was met."""

import json
from pathlib import Path

import pytest

from bench import report
from bench.measures import SECTIONS, Measure, Result, Target, chosen
from bench.pairs import interleaved, percentile
from bench.table import MEASURES

FAST = Measure("fast", "data", "Reads", "faster", Target("at least", 100), lambda _bench: [])
SLOW = Measure("slow", "pages", "Writes", "of bare", Target("at most", 2), lambda _bench: [])
PAGE = "# Words\n" + "".join(
    f"<!-- bench: {section} -->\nlast year\n<!-- /bench: {section} -->\nkept {section}\n" for section in SECTIONS
)


def test_a_target_is_met_on_its_side_of_the_limit() -> None:
    """At least 100 is met by 100 and more, at most 2 by 2 and less."""
    assert [FAST.target.is_met(value) for value in (99.9, 100, 101)] == [False, True, True]
    assert [SLOW.target.is_met(value) for value in (1.9, 2, 2.1)] == [True, True, False]
    assert (str(FAST.target), str(SLOW.target)) == ("≥ 100 ×", "≤ 2 ×")


def test_only_what_was_measured_is_replaced(tmp_path: Path) -> None:
    """Lines of other measures stay, in the order of the measures; those of measures that are gone leave."""
    path = tmp_path / "results.json"
    gone = Measure("gone", "data", "Old", "", Target("at most", 1), lambda _bench: [])
    first = [report.line(SLOW, Result(1.5)), report.line(FAST, Result(50)), report.line(gone, Result(1))]
    report.keep(first, ["fast", "slow", "gone"], path)
    lines = report.keep(
        [report.line(FAST, Result(120, "a")), report.line(FAST, Result(130, "b"))], ["fast", "slow"], path
    )
    assert [(line["measure"], line["part"], line["isMet"]) for line in lines] == [
        ("fast", "a", True),
        ("fast", "b", True),
        ("slow", "", True),
    ]
    assert json.loads(path.read_text())["results"] == lines


def test_tables_stand_between_the_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    """Each section gets its own table; words around the markers stay; writing twice is the same as once."""
    page = tmp_path / "performance.md"
    page.write_text(PAGE)
    lines = [report.line(FAST, Result(774.4, "statistics", 0.0102, 7.93, 15, "cold")), report.line(SLOW, Result(2.5))]
    report.write_page(lines, page)
    written = page.read_text()
    assert "| Reads: statistics (cold) | ≥ 100 × faster | 774 × | yes | 10.2 ms | 7.93 s | 15 |" in written
    assert "| Writes | ≤ 2 × of bare | 2.5 × | **no** | – | – | – |" in written
    assert "last year" not in written
    assert all(f"kept {section}\n" in written for section in SECTIONS)
    report.write_page(lines, page)
    assert page.read_text() == written


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    """Results are not lost in silence where the page has no place for them."""
    page = tmp_path / "performance.md"
    page.write_text("# Words\n")
    with pytest.raises(ValueError, match="no place"):
        report.write_page([], page)


def test_the_page_of_the_documents_has_a_place_for_each_section() -> None:
    """docs/performance.md can take every table."""
    text = report.PAGE.read_text()
    assert all(text.count(f"<!-- bench: {section} -->") == 1 for section in SECTIONS)


def test_measures_are_chosen_by_name_or_section() -> None:
    """No name means all; an unknown one is refused with those there are; names are used once."""
    assert chosen([FAST, SLOW], []) == [FAST, SLOW]
    assert chosen([FAST, SLOW], ["slow"]) == chosen([FAST, SLOW], ["pages"]) == [SLOW]
    with pytest.raises(LookupError, match="there is no measure nothing; there are data, fast, pages, slow"):
        chosen([FAST, SLOW], ["nothing"])
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)


def test_both_sides_take_turns() -> None:
    """A B, B A: neither side always comes first, and each runs once before it is counted."""
    order: list[str] = []
    pair = interleaved(lambda: order.append("a"), lambda: order.append("b"), rounds=2, budget_seconds=60)
    assert "".join(order) == "ab" + "ab" + "ba"
    assert pair.samples == 2


def test_a_percentile_is_one_of_the_values() -> None:
    """p95 of a hundred is the value that ninety-five do not exceed."""
    assert percentile([float(value) for value in range(1, 101)], 0.95) == 96.0
    assert percentile([3.0], 0.95) == 3.0
