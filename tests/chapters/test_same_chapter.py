"""Rows of a file for one chapter: those that agree count together, those that contradict each other all fail."""

from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.models import ChapterNames, FileRow
from backend.chapters.same_chapter import shared
from tests.chapters.files import UNHURRIED

VALUES = st.dictionaries(st.sampled_from(["2024", "2025", "2026"]), st.integers(0, 2))


@UNHURRIED
@given(st.lists(st.tuples(st.sampled_from(["A", "B", None]), VALUES), max_size=8))
def test_each_row_is_judged_against_all_others_of_its_chapter(said: list[tuple[str | None, dict[str, int]]]) -> None:
    """A row fails exactly where another gives a field another value; what the others say is said by the first."""
    rows = [FileRow(row=at, names=ChapterNames(chapter=str(at))) for at in range(len(said))]
    found = shared(rows, [key for key, _values in said], lambda row: said[row.row][1])
    for at, (key, values) in enumerate(said):
        others = [other for to, (of, other) in enumerate(said) if to != at and of == key]
        contradicts = any(other.get(name, value) != value for other in others for name, value in values.items())
        assert (at in found.problems) is (key is not None and contradicts)
        assert (at in found.problems) + (at in found.notes) + (at in found.values) == (key is not None)
    for key in ("A", "B"):
        agreeing = [at for at, (of, _values) in enumerate(said) if of == key and at not in found.problems]
        together = [found.values[at] for at in agreeing if at in found.values]
        whole = {name: value for at in agreeing for name, value in said[at][1].items()}
        assert together == ([whole] if agreeing else [])


def test_only_rows_that_disagree_are_named() -> None:
    """Not the row that says the same, and each with its sheet."""
    rows = [FileRow(row=2, sheet="One"), FileRow(row=2, sheet="Two"), FileRow(row=3, sheet="Two")]
    counts = {("One", 2): 3, ("Two", 2): 3, ("Two", 3): 4}
    found = shared(rows, ["A"] * 3, lambda row: {"2024": counts[row.sheet, row.row]})
    assert found.problems == {
        0: "The same chapter has different values in row 3 of sheet “Two”.",
        1: "The same chapter has different values in row 3 of sheet “Two”.",
        2: "The same chapter has different values in row 2 of sheet “One” and row 2 of sheet “Two”.",
    }


def test_twenty_thousand_rows_of_one_chapter_are_compared_soon() -> None:
    """Each names a few others without looking at all of them."""
    rows = [FileRow(row=at) for at in range(20_000)]
    found = shared(rows, ["A"] * len(rows), lambda row: {"2024": row.row % 2, "2025": 1})
    assert len(found.problems) == len(rows)
